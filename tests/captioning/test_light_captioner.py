"""The light engine of a captioner: the same captions as PyTorch's, and its own faults told."""

from __future__ import annotations

from pathlib import Path

import captioning_fixtures as world
import numpy as np
import pytest
from light_captioner import write_captioner
from PIL import Image

from captioning.captioner import Captioner
from captioning.metrics.content import known_content_words
from s2s.decoding.search import BeamOptions
from s2s.errors import UserError
from s2s.models.configuration import DecoderConfig
from s2s.runtime.engine_options import EngineName

OPTIONS = BeamOptions(3, n_best=3, minimum_length=1)


@pytest.mark.parametrize("decoder", [None, world.TRANSFORMER], ids=["recurrent", "transformer"])
@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_both_engines_write_the_same(tmp_path: Path, fit: str, decoder: DecoderConfig | None) -> None:
    """More pictures than the CNN takes at a time; of each, captions, scores, attention and summary."""
    directory, draw = write_captioner(tmp_path, fit, decoder=decoder), np.random.default_rng(0)
    pictures = [draw.integers(0, 256, (20 + 5 * n, 70, 3), dtype=np.uint8) for n in range(10)]
    one, other = (
        Captioner.load(directory, OPTIONS, engine=engine, precision="float32", device="cpu")
        for engine in ("onnx", "torch")
    )
    squares = [one.engine.config.preprocessing.apply(Image.fromarray(picture)) for picture in pictures]
    np.testing.assert_allclose(one.summaries(squares), other.summaries(squares), atol=1e-4)
    for found, expected in zip(one.caption(pictures), other.caption(pictures), strict=True):
        assert found.extent == expected.extent
        assert [each.text for each in found.n_best] == [each.text for each in expected.n_best]
        assert [each.score for each in found.n_best] == pytest.approx([each.score for each in expected.n_best], 1e-4)
        assert found.attention is not None
        assert expected.attention is not None
        assert found.attention.shape[1:] == (2, 2)
        np.testing.assert_allclose(found.attention, expected.attention, atol=1e-4)


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_a_caption_says_a_content_word_once(engine: EngineName, tmp_path: Path) -> None:
    directory, draw = write_captioner(tmp_path, "stretch"), np.random.default_rng(0)
    pictures = [draw.integers(0, 256, (30, 40, 3), dtype=np.uint8) for _ in range(6)]
    repeated, content = {}, known_content_words("en")
    for guard in (False, True):
        options = BeamOptions(3, minimum_length=1, guard_loops=guard)
        captioner = Captioner.load(directory, options, engine=engine, precision="float32", device="cpu")
        repeated[guard] = [content.repeated_ngrams(each.text.split(), 1) for each in captioner.caption(pictures)]
    assert any(repeated[False])
    assert not any(repeated[True])


def test_what_training_pictures_look_like_must_be_of_this_cnn(tmp_path: Path) -> None:
    directory = write_captioner(tmp_path, "stretch", dim=1280)
    assert Captioner.load(directory, engine="onnx").engine.familiarity is not None
    (tmp_path / "other").mkdir()
    with pytest.raises(UserError, match=r"confidence\.safetensors: is of a CNN with 9 channels, .* has 1,280; run"):
        Captioner.load(write_captioner(tmp_path / "other", "stretch", dim=9), engine="onnx")


def test_a_light_form_without_a_grid_is_refused(tmp_path: Path) -> None:
    directory = write_captioner(tmp_path, "stretch", grid=None)
    with pytest.raises(UserError, match=r"config\.json: 'light' has no grid, which a captioner needs; run"):
        Captioner.load(directory, engine="onnx")

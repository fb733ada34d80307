"""The light form of an answerer computes what PyTorch computes, with a CNN of its own or a captioner's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from answering_fixtures import draw_pictures, model

from question_answering.answerer import Answerer
from s2s.errors import UserError
from serving.export import export


@pytest.mark.parametrize(("fit", "projection", "decoder"), [("stretch", None, True), ("pad", 7, False)])
def test_both_engines_agree(fit: str, projection: int | None, decoder: bool, tmp_path: Path) -> None:
    directory = tmp_path / "model"
    model(fit=fit, projection=projection, decoder=decoder).save(directory, {})
    assert export([str(directory), "--precision", "float32"]) == 0
    pictures = draw_pictures(tmp_path / "images")
    asked = [(path, "what colour is on the left ?"[: 8 + 3 * i]) for i, path in enumerate(pictures)]
    ways = [False, True] if decoder else [False]
    for written in ways:
        torch = Answerer.load(directory, engine="torch", precision="float32").answer(asked, written=written, blind=True)
        light = Answerer.load(directory, engine="onnx").answer(asked, written=written, blind=True)
        assert [each.text for each in torch] == [each.text for each in light]
        assert [each.blind for each in torch] == [each.blind for each in light]
        assert [each.probability for each in torch] == pytest.approx([each.probability for each in light], abs=1e-4)
        for one, other in zip(torch, light):
            for name in ("hops", "word_weights"):
                np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-4)


def test_a_captioner_that_is_another_one_is_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    from question_answering.configuration import SharedPictureConfig
    from question_answering.model import AnswererModel

    own = model()
    shared = SharedPictureConfig("everyday", "0" * 64, 128, own.config.picture.preprocessing)
    assets = replace(own.assets, config=replace(own.config, picture=shared))
    AnswererModel(assets, own.network).save(tmp_path / "model", {})
    with pytest.raises(UserError, match="has other weights than in training"):
        Answerer.load(tmp_path / "model", engine="torch")

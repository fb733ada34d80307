"""A captioner: a picture in, a caption out, one for one and in order, whatever is wrong with the others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import captioning_fixtures as world
import pytest
import torch
from PIL import Image

from captioning.captioner import Captioner
from s2s.decoding.search import SearchOptions
from s2s.vision.images import Preprocessing, read_image


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Pictures of each colour, every third file broken."""
    found = []
    for number, colour in enumerate([*world.COLOURS] * 3):
        path = tmp_path / f"{number}.png"
        if number % 3 == 2:
            path.write_bytes(b"no picture")
        else:
            Image.new("RGB", (8 + number, 12), world.COLOURS[colour]).save(path)
        found.append(path)
    return found


def captioner(width: int = 3, **options: int) -> Captioner:
    model = world.model()
    model.network.eval()
    return Captioner(model, SearchOptions(width, n_best=width), precision="float32", **options)


@pytest.mark.parametrize("batch", [1, 2, 5, 32])
def test_each_file_has_its_answer_in_order_whatever_the_batch(batch: int, paths: list[Path]) -> None:
    found = list(captioner(batch=batch).caption(paths))
    assert [each.path for each in found] == paths
    alone = captioner()
    for number, each in enumerate(found):
        if number % 3 == 2:
            assert each.problem == "is text, not a picture"
            assert not each.captions
        else:
            assert not each.problem
            [expected] = alone.describe([Preprocessing(world.SIZE).apply(read_image(each.path))])
            assert [caption.text for caption in each.captions] == [caption.text for caption in expected]


def test_files_are_read_no_further_ahead_than_two_batches(paths: list[Path]) -> None:
    taken: list[Path] = []

    def remembered() -> object:
        for path in paths:
            taken.append(path)
            yield path

    found = captioner(batch=2).caption(remembered())  # type: ignore[arg-type]
    next(found)
    assert len(taken) == 4
    assert len(list(found)) == len(paths) - 1


def test_nothing_to_caption_is_nothing() -> None:
    assert list(captioner().caption([])) == []


def test_attention_lies_on_the_cells_a_row_a_token(paths: list[Path]) -> None:
    for each in next(captioner().caption(paths)).captions:
        assert each.attention is not None
        assert each.attention.shape == (len(each.tokens), world.CELLS, world.CELLS)
        torch.testing.assert_close(each.attention.sum((1, 2)), torch.ones(len(each.tokens)))
        assert "<unk>" not in each.tokens


def test_one_hypothesis_wide_is_greedy_and_the_captions_come_best_first(paths: list[Path]) -> None:
    [greedy] = next(captioner(width=1).caption(paths)).captions
    scores = [caption.score for caption in next(captioner(width=4).caption(paths)).captions]
    assert scores == sorted(scores, reverse=True)
    assert greedy.text


def test_the_extent_is_what_the_photograph_fills(tmp_path: Path) -> None:
    Image.new("RGB", (40, 10)).save(tmp_path / "wide.png")
    model = world.model()
    model.network.eval()
    padded = replace(model, config=replace(model.config, preprocessing=Preprocessing(world.SIZE, "pad")))
    [found] = Captioner(padded, precision="float32").caption([tmp_path / "wide.png"])
    assert found.extent == (0.25, 1.0)
    assert found.captions[0].attention is not None
    assert found.captions[0].attention[:, 1].sum() == 0  # the lower row of cells is padding

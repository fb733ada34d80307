"""Familiarity: strange pictures are far from the training pictures, and words are expected where people say them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from captioning import familiarity
from captioning.familiarity import DIRECTIONS, Familiarity, learn
from s2s.errors import UserError

DIM, RANK = 20, 3
DOG, CAT, ALWAYS, RARE = 5, 6, 7, 8


def seen(place: float) -> list[int]:
    """What is seen at a place along the first axis."""
    return [DOG] if place > 0.3 else [CAT] if place < -0.3 else []


def summaries(count: int = 400, seed: int = 0) -> tuple[Tensor, list[list[list[int]]]]:
    """Summaries in a flat part of the space, along whose first axis dogs become cats."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.randn(count, RANK, generator=generator)
    pictures = torch.full((count, DIM), 5.0)
    pictures[:, :RANK] += places
    captions = [[[ALWAYS, *seen(place)], [ALWAYS]] for place in places[:, 0].tolist()]
    captions[0][0].append(RARE)
    return pictures, captions


def learned(monkeypatch: pytest.MonkeyPatch) -> Familiarity:
    monkeypatch.setattr(familiarity, "DIRECTIONS", RANK + 1)  # one more: unit length bends the flat part a little
    pictures, captions = summaries()
    return learn(pictures.split(32), captions)


def test_a_picture_outside_of_the_training_pictures_is_strange(monkeypatch: pytest.MonkeyPatch) -> None:
    known = learned(monkeypatch)
    inside = summaries(50, seed=1)[0]
    outside = inside.clone()
    outside[:, -1] += 5
    alike, odd = known.look(inside), known.look(outside)
    assert max(each.strangeness for each in alike) < min(each.strangeness for each in odd)
    assert max(each.unfamiliar for each in alike) < min(each.unfamiliar for each in odd)
    assert all(0 <= each.unfamiliar <= 1 for each in alike + odd)


def test_words_are_expected_of_the_pictures_of_which_they_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    known = learned(monkeypatch)
    pictures, captions = summaries(50, seed=1)
    for said, impression in zip(captions, known.look(pictures)):
        if abs(impression.expected[DOG] - impression.expected[CAT]) > 0.25:  # far enough from the border
            assert (DOG if impression.expected[DOG] > impression.expected[CAT] else CAT) in said[0]


def test_only_words_that_tell_something_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = learned(monkeypatch).usual()
    assert set(usual) <= {DOG, CAT}  # neither what is said of one picture nor of all
    assert all(0 < share < 0.5 for share in usual.values())


def test_batches_and_the_length_of_summaries_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    known = learned(monkeypatch)
    pictures, captions = summaries()
    again = learn([7 * pictures], captions)
    torch.testing.assert_close(known.mean, again.mean)
    for one, other in zip(known.look(pictures[:9]), again.look(3 * pictures[:9])):
        assert one.strangeness == pytest.approx(other.strangeness, abs=1e-3)


def test_it_is_stored_and_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    known, (pictures, _) = learned(monkeypatch), summaries(9)
    read = Familiarity.from_bytes(known.to_bytes(), DIM, Path("x"))
    for one, other in zip(known.look(pictures), read.look(pictures)):
        assert one.strangeness == pytest.approx(other.strangeness, abs=1e-3)
        assert one.expected == pytest.approx(other.expected, abs=1e-2)


def test_few_pictures_are_enough() -> None:
    pictures, captions = summaries(2)
    known = learn([pictures], captions)
    assert known.directions.shape == (DIM, 1)
    assert known.look(pictures)[0].strangeness >= 0
    assert DIRECTIONS > 1
    with pytest.raises(UserError, match="fewer than 2"):
        learn([pictures[:1]], captions[:1])


def test_pictures_that_are_all_alike_are_no_reason_to_fail() -> None:
    pictures = torch.ones(30, DIM)
    known = learn([pictures], [[[DOG]]] * 30)
    assert known.look(torch.zeros(1, DIM))[0].strangeness > known.look(pictures)[0].strangeness


def test_a_file_of_something_else_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    known = learned(monkeypatch)
    damaged = replace(known, mean=known.mean * float("nan"))
    for data, dim, message in (
        (b"nothing", DIM, "is not a safetensors file"),
        (known.to_bytes(), DIM + 1, r"mean is not \(21,\) finite numbers"),
        (damaged.to_bytes(), DIM, "mean is not"),
    ):
        with pytest.raises(UserError, match=f"x: {message}.*s2s calibrate captioning"):
            Familiarity.from_bytes(data, dim, Path("x"))

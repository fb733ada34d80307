"""Familiarity: strange pictures are far from the training pictures, and words are expected where people say them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load

from captioning import familiarity
from captioning.captioner import DEFAULT_MODEL, MODELS
from captioning.familiarity import DIRECTIONS, FILE, Familiarity, learn
from s2s.errors import UserError

DIM, RANK = 20, 3
DOG, CAT, ALWAYS, RARE = 5, 6, 7, 8


def seen(place: float) -> list[int]:
    """What is seen at a place along the first axis."""
    return [DOG] if place > 0.3 else [CAT] if place < -0.3 else []


def summaries(count: int = 400, seed: int = 0) -> tuple[NDArray[np.float32], list[list[list[int]]]]:
    """Summaries in a flat part of the space, along whose first axis dogs become cats."""
    places = np.random.default_rng(seed).standard_normal((count, RANK), dtype=np.float32)
    pictures = np.full((count, DIM), 5.0, dtype=np.float32)
    pictures[:, :RANK] += places
    captions = [[[ALWAYS, *seen(place)], [ALWAYS]] for place in places[:, 0].tolist()]
    captions[0][0].append(RARE)
    return pictures, captions


def learned(monkeypatch: pytest.MonkeyPatch) -> Familiarity:
    monkeypatch.setattr(familiarity, "DIRECTIONS", RANK + 1)  # one more: unit length bends the flat part a little
    pictures, captions = summaries()
    return learn(np.array_split(pictures, 13), captions)


def test_a_picture_outside_of_the_training_pictures_is_strange(monkeypatch: pytest.MonkeyPatch) -> None:
    known = learned(monkeypatch)
    inside = summaries(50, seed=1)[0]
    outside = inside.copy()
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
    np.testing.assert_allclose(known.mean, again.mean, rtol=1e-6)
    for one, other in zip(known.look(pictures[:9]), again.look(3 * pictures[:9])):
        assert one.strangeness == pytest.approx(other.strangeness, abs=1e-3)


def test_it_is_stored_and_read_back(monkeypatch: pytest.MonkeyPatch) -> None:
    known, (pictures, _) = learned(monkeypatch), summaries(9)
    read = Familiarity.from_bytes(known.to_bytes(), Path("x"))
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
    pictures = np.ones((30, DIM), dtype=np.float32)
    known = learn([pictures], [[[DOG]]] * 30)
    assert known.look(np.zeros((1, DIM), dtype=np.float32))[0].strangeness > known.look(pictures)[0].strangeness


def test_a_file_of_something_else_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    known = learned(monkeypatch)
    damaged = replace(known, mean=known.mean * float("nan"))
    bent = replace(known, slopes=known.slopes[1:])
    for data, message in (
        (b"nothing", "is not a safetensors file"),
        (bent.to_bytes(), r"slopes is not \(4, 2\) finite numbers"),
        (damaged.to_bytes(), r"mean is not \(20,\) finite numbers"),
    ):
        with pytest.raises(UserError, match=f"x: {message}.*s2s calibrate captioning"):
            Familiarity.from_bytes(data, Path("x"))
    known.check_dim(DIM, Path("x"))
    with pytest.raises(UserError, match="x: is of a CNN with 20 channels, and this model has 21; run"):
        known.check_dim(DIM + 1, Path("x"))


def test_the_bundled_captioner_knows_its_pictures_as_the_equations_say() -> None:
    """In 64 bits, and with the distance from the flat part in place of the difference of two squares."""
    data = (MODELS / DEFAULT_MODEL / FILE).read_bytes()
    stored = {name: array.astype(np.float64) for name, array in load(data).items()}
    dim = len(stored["mean"])
    summaries = np.stack([np.linspace(0, 1 + row, dim) + stored["mean"] * 50 * row for row in range(4)])
    known = Familiarity.from_bytes(data, Path("x"))
    for summary, impression in zip(summaries, known.look(summaries.astype(np.float32))):
        offset = summary / np.linalg.norm(summary) - stored["mean"]
        inside = offset @ stored["directions"]
        distance = np.linalg.norm(offset - stored["directions"] @ inside)
        assert impression.strangeness == pytest.approx(distance, abs=2e-3)  # the directions were rounded to 16 bits
        share = 1 - np.linalg.norm(inside) / np.linalg.norm(offset)
        assert impression.unfamiliar == pytest.approx(share, abs=1e-5)
        expected = (stored["shares"] + inside / stored["deviations"] @ stored["slopes"]).clip(0.005, 1)
        assert list(impression.expected.values()) == pytest.approx(expected.tolist(), abs=1e-5)

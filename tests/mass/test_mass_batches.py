"""The callables for engines of any kind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mass.batches import Answer, BatchCaptioner, BatchTranslator, attempt
from s2s.decoding.search import BeamOptions, SamplingOptions
from s2s.errors import UserError

PICTURE = Path("captioning/examples/chelsea.jpg").resolve()
GREEDY = BeamOptions(1, stop_early=True)


@pytest.fixture(scope="module")
def translate() -> BatchTranslator:
    return BatchTranslator("en-de", GREEDY)


def test_results_come_with_the_ids_of_their_texts(translate: BatchTranslator) -> None:
    texts = ["A dog runs.", "", None, float("nan"), 7, "Two men play.\n\nA dog runs."]
    found = translate({"id": np.array([9, 8, 7, 6, 5, 4]), "text": np.array(texts, dtype=object)})
    assert list(found["id"]) == [9, 8, 7, 6, 5, 4]
    dog, blank, *missing, number, several = found["translation"]
    assert blank == ""
    assert missing == [None, None]
    assert number is None
    assert several == translate({"id": [1], "text": ["Two men play."]})["translation"][0] + "\n\n" + dog
    assert found["problem"] == [None] * 4 + ["is of type int, not a text", None]
    assert [score is None for score in found["score"]] == [False, True, True, True, True, False]
    assert all(0 <= each <= 1 for each in found["confidence"] if each is not None)


def test_columns_of_different_lengths_are_refused(translate: BatchTranslator) -> None:
    with pytest.raises(UserError, match="different lengths"):
        translate({"id": [1, 2], "text": ["A dog runs."]})


def test_a_text_that_is_no_text_costs_only_itself(translate: BatchTranslator) -> None:
    found = translate({"id": ["a", "b"], "text": ["half a pair: \ud800", "A dog runs."]})
    assert found["translation"][0] is None
    assert "lone surrogate" in found["problem"][0]
    assert found["translation"][1]
    assert found["problem"][1] is None


def test_what_is_drawn_depends_on_the_place_and_not_on_the_batch() -> None:
    translate = BatchTranslator("en-de", SamplingOptions(1, 1, temperature=3.0))
    texts, places = ["A man walks down the street."] * 6, range(100, 106)
    whole = translate({"id": places, "place": places, "text": texts})["translation"]
    assert len(set(whole)) > 1
    parts = [translate({"id": [0], "place": [place], "text": texts[:1]})["translation"][0] for place in places]
    assert parts == whole


def test_pictures_are_paths_or_bytes() -> None:
    caption = BatchCaptioner(options=BeamOptions(1, minimum_length=1))
    found = caption({"id": ["a", "b"], "path": [str(PICTURE), "none.jpg"]})
    assert found["id"] == ["a", "b"]
    assert found["caption"][0]
    assert found["caption"][1] is None
    assert found["problem"][1] == "does not exist; check the path"
    again = caption({"id": [1, 2], "bytes": [PICTURE.read_bytes(), b"no picture"]})
    assert again["caption"][0] == found["caption"][0]
    assert again["problem"][1]
    with pytest.raises(UserError, match="`path` or `bytes`"):
        caption({"id": [1]})


def test_of_a_batch_that_fails_only_the_items_at_fault_have_a_problem() -> None:
    calls = list[int]()

    def function(items: object) -> list[Answer]:
        items = list(items)  # type: ignore[call-overload]
        calls.append(len(items))
        if 5 in items:
            raise ValueError("five")
        return [Answer(str(item)) for item in items]

    found = attempt(function, range(8), lambda why: Answer(problem=why))
    assert [answer.text for answer in found] == ["0", "1", "2", "3", "4", None, "6", "7"]
    assert found[5].problem == "ValueError: five"
    assert calls == [8, 4, 4, 2, 1, 1, 2]


def test_a_model_that_fails_at_everything_is_at_fault_itself() -> None:
    def function(_: object) -> list[Answer]:
        raise ValueError("broken")

    with pytest.raises(RuntimeError, match="all of 3 items failed, the last with: ValueError: broken"):
        attempt(function, range(3), lambda why: Answer(problem=why))


def test_the_callables_know_of_no_engine() -> None:
    program = "import sys, mass.batches, mass.tasks, mass.local; print('ray' in sys.modules, 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "False False\n"

"""Captions in many scripts have the tokens and scores of pycocoevalcap, and so has every letter and mark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from captioning.metrics.ptb import tokenise
from captioning.metrics.scores import score_captions

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "script_golden.json").read_text("utf-8"))


def points(ranges: str) -> list[int]:
    """The code points of `e0-e2 f0-f0`."""
    ends = [[int(end, 16) for end in each.split("-")] for each in ranges.split()]
    return [point for low, high in ends for point in range(low, high + 1)]


@pytest.mark.parametrize("form", GOLDEN["letters"])
def test_every_letter_and_mark_of_the_basic_plane_is_tokenised_as_stanford_does(form: str) -> None:
    wrong, tried = [], 0
    for expected, ranges in GOLDEN["letters"][form].items():
        for point in points(ranges):
            letter, tried = chr(point), tried + 1
            if " ".join(tokenise(form.replace("{c}", letter))) != expected.replace("C", letter.lower()):
                wrong.append(f"{point:x}")
    assert tried > 10_000
    assert wrong == []


@pytest.mark.parametrize("script", GOLDEN["captions"])
def test_captions_in_a_script_have_the_tokens_and_scores_of_the_reference(script: str) -> None:
    pictures = GOLDEN["captions"][script]
    for texts, tokens in zip(pictures, GOLDEN["tokenised"][script]):
        assert [" ".join(tokenise(text)) for text in texts] == tokens
    captions = {number: texts[0] for number, texts in enumerate(pictures)}
    references = {number: texts[1:] for number, texts in enumerate(pictures)}
    found, expected = score_captions(captions, references).scores, GOLDEN["scores"][script]
    bleu = [found.bleu_1, found.bleu_2, found.bleu_3, found.bleu_4]
    # Without a single n-gram that is right, pycocoevalcap's BLEU is a hair above 0.
    assert bleu == pytest.approx([100 * value * (value > 0.01) for value in expected["bleu"]], abs=1e-3)
    assert found.rouge_l == pytest.approx(100 * expected["rouge_l"], abs=1e-6)
    assert found.cider_d == pytest.approx(100 * expected["cider_d"], abs=1e-4)


def test_there_are_twelve_scripts_and_more() -> None:
    assert len(GOLDEN["captions"]) >= 12

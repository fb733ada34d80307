"""The bundled translators; on real text, which only some machines have: what numbers may depend on, and how much."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
import torch

from s2s.nn.configuration import DecodingPrecision
from s2s.nn.eight_bit_products import available
from translation.loading import MODELS
from translation.metrics import bleu
from translation.translator import Translator

LINES = 200


@pytest.fixture(scope="module")
def text(shared_data: Path) -> tuple[list[str], list[str]]:
    """Sources and references."""
    folder = shared_data / "multi30k"
    english, german = ((folder / f"test_2016_flickr.{language}").read_text("utf-8") for language in ("en", "de"))
    return english.splitlines()[:LINES], german.splitlines()[:LINES]


@cache
def translated(sources: tuple[str, ...], precision: DecodingPrecision, batch_tokens: int) -> list[str]:
    translator = Translator.load(MODELS / "en-de-multi30k", precision=precision, batch_tokens=batch_tokens)
    return [each.text for each in translator.translate(list(sources))]


@pytest.mark.parametrize("precision", ["int8", "bfloat16"])
def test_no_precision_costs_bleu(precision: DecodingPrecision, text: tuple[list[str], list[str]]) -> None:
    if precision == "int8" and not available(torch.device("cpu")):
        pytest.skip("needs a processor with products in eight bits")
    sources, references = text
    outputs = (translated(tuple(sources), p, 16_384) for p in ("float32", precision))
    exact, found = (bleu(output, [references], "de").value for output in outputs)
    assert exact > 36
    assert found > exact - 1  # of 1,000 lines it is 0.1: chance moves that of 200 further


def test_neither_the_size_nor_the_order_of_batches_changes_what_is_translated(
    text: tuple[list[str], list[str]],
) -> None:
    sources, _ = text
    together = translated(tuple(sources), "auto", 16_384)
    few = translated(tuple(sources), "auto", 400)
    backwards = translated(tuple(sources[::-1]), "auto", 3000)[::-1]
    for other in (few, backwards):
        assert sum(a != b for a, b in zip(together, other)) <= 0.01 * LINES


BEGINNINGS = {  # of what each says: the rest is a near tie
    "en-de": ("Where are you from?", "Woher komm"),
    "en-fr": ("Where are you from?", "D'où "),
    "en-de-multi30k": ("Two dogs play.", "Zwei Hunde spielen"),
    "de-en": ("Ich habe ein Buch verkauft.", "I sold a book"),
    "de-en-multi30k": ("Zwei Hunde spielen.", "Two dogs"),
}


@pytest.mark.oldest
def test_every_model_that_comes_along_translates_and_has_a_card() -> None:
    assert {config.parent.name for config in MODELS.glob("*/config.json")} == set(BEGINNINGS)
    for name, (line, beginning) in BEGINNINGS.items():
        (translation,) = Translator.load(name).translate([line])
        assert translation.text.startswith(beginning)
        assert (MODELS / name / "README.md").is_file()

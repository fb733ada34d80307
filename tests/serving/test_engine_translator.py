"""The translator of the page translates whole lines as Python's does, on a network that both compute exactly."""

from __future__ import annotations

from typing import Any

import pytest
from arithmetic_network import Encoder, Stepper
from engine_fixtures import ask, bundled, lines, needs_node

from s2s.decoding.search import BeamOptions
from s2s.runtime.network import LightNetwork
from translation.engine import TranslationEngine
from translation.translator import Translator


@pytest.mark.parametrize(
    "options",
    [
        {"width": 1},
        {"width": 5, "n_best": 5, "stop_early": True},
        {"width": 3, "n_best": 2, "length_penalty": 0.5},
        {"width": 4, "guard_loops": False, "minimum_length": 2},
    ],
)
@needs_node
def test_lines_are_translated_alike(options: dict[str, Any]) -> None:
    assets, data = bundled()
    network = LightNetwork(Encoder(), Stepper(len(assets.target)))
    translator = Translator(
        TranslationEngine(**vars(assets), network=network, precision="float32", batch_tokens=2048),
        BeamOptions(**options),
    )
    texts = lines()[::4]
    expected = translator.translate(texts)
    names = {"n_best": "nBest", "length_penalty": "lengthPenalty", "minimum_length": "minimumLength"}
    names |= {"stop_early": "stopEarly", "guard_loops": "guardLoops"}
    given = {"stopEarly": False, **{names.get(name, name): value for name, value in options.items()}}
    (found,) = ask(("translated", texts, given), data=data)
    for text, theirs, ours in zip(texts, expected, found, strict=True):
        assert [each["text"] for each in ours["nBest"]] == [each.text for each in theirs.n_best], text
        assert [each["tokens"] for each in ours["nBest"]] == [list(each.tokens) for each in theirs.n_best]
        assert [each["score"] for each in ours["nBest"]] == pytest.approx(
            [each.score for each in theirs.n_best], abs=1e-6
        )
        attention = [[] if each.attention is None else each.attention.tolist() for each in theirs.n_best]
        assert [each["attention"] or [] for each in ours["nBest"]] == attention
        assert (ours["sourceTokens"], ours["places"]) == (list(theirs.source_tokens), [[*p] for p in theirs.places])
        assert (ours["isLong"], ours["doubtful"], ours["reasons"]) == (
            theirs.is_long,
            theirs.doubtful,
            list(theirs.reasons),
        )
        assert ours["confidence"] == (theirs.confidence and pytest.approx(theirs.confidence, abs=1e-5))

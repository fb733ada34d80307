"""Given translations are scored as the search scores its own, in both engines; their words are linked by attention."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from translation_fixtures import LINES, tiny_model

from s2s.decoding import forced
from s2s.decoding.search import BeamOptions
from s2s.errors import UserError
from s2s.runtime.engine_options import EngineName
from translation import scoring
from translation.translator import Translator

ENGINES: tuple[EngineName, ...] = ("onnx", "torch")
SOURCES = [
    "Two dogs play.",
    "A man in a red shirt is walking two dogs along the beach.",
    "A man sleeps. Two women run.",
    "1. A boy jumps.",
    "A person with 3 dogs!",
    "<b>A MAN</b> pays “$5” at shop.de 😀!",
    "A street at night",
]


@cache
def translator(engine: EngineName) -> Translator:
    return Translator.load(
        "en-de-multi30k", BeamOptions(5, 3, stop_early=True), engine=engine, precision="auto", align=True
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_translation_has_the_score_of_the_search_that_found_it_or_a_better_spelling(engine: EngineName) -> None:
    own = translator(engine).translate(SOURCES)
    scored = translator(engine).score(SOURCES, [each.text for each in own])
    same = 0
    for translation, given in zip(own, scored):
        assert given.score is not None
        assert given.log_probability is not None
        found = translation.score * len(translation.tokens)
        if translation.pieces == 1:
            assert given.log_probability >= found - 2e-3
        if given.tokens == translation.tokens:
            same += 1
            assert given.score == pytest.approx(translation.score, abs=1e-4)
        assert len(given.tokens) == len(given.log_probabilities)
        assert sum(given.log_probabilities) == pytest.approx(given.log_probability, abs=1e-4)
    assert same >= len(SOURCES) - 2


@pytest.mark.parametrize("engine", ENGINES)
def test_the_links_are_those_of_translating(engine: EngineName) -> None:
    own = translator(engine).translate(SOURCES)
    scored = translator(engine).score(SOURCES, [each.text for each in own], align=True)
    for translation, given in zip(own, scored):
        if given.tokens == translation.tokens:
            assert given.alignment == translation.alignment
    assert own[0].alignment == ((0, 0), (1, 1), (2, 2))
    assert own[2].alignment == ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5))
    assert own[3].alignment == ((1, 1), (2, 2), (3, 3))  # the mark of the list is not read
    marked = dict(own[5].alignment or ())
    assert marked[3] == own[5].text.split().index("“$5”")  # marks around a word that is copied
    assert marked[5] == own[5].text.split().index("shop.de")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wrong_translation_scores_less(engine: EngineName) -> None:
    right, wrong, unknown = translator(engine).score(
        [SOURCES[0]] * 3, ["Zwei Hunde spielen.", "Ein Haus brennt.", "京都"]
    )
    assert right.score is not None
    assert wrong.score is not None
    assert unknown.score is not None
    assert right.score > wrong.score > -20
    assert right.score > unknown.score > -50


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_model_is_not_asked_has_no_score(engine: EngineName) -> None:
    sources, targets = ["", "A dog.", "", "42", "<br/>", "😀"], ["", "", "Ein Hund.", "42", "<br/>", "nichts"]
    for each in translator(engine).score(sources, targets, align=True):
        assert (each.log_probability, each.score, each.tokens) == (None, None, ())
    copied = translator(engine).score(["42 17"], ["42 17"], align=True)[0]
    assert copied.alignment == ((0, 0), (1, 1))


@pytest.mark.parametrize("engine", ENGINES)
def test_sentences_are_scored_one_by_one_if_both_sides_have_as_many(engine: EngineName) -> None:
    line, translation = "A man sleeps. Two dogs run.", "Ein Mann schläft. Zwei Hunde laufen."
    whole, joined, first, second = translator(engine).score(
        [line, line, "A man sleeps.", "Two dogs run."],
        [translation, translation.replace(". Z", " z"), "Ein Mann schläft.", "Zwei Hunde laufen."],
    )
    assert first.log_probability is not None
    assert second.log_probability is not None
    assert whole.log_probability == pytest.approx(first.log_probability + second.log_probability, abs=1e-3)
    assert whole.tokens.count("</s>") == 2
    assert joined.tokens.count("</s>") == 1
    assert joined.log_probability is not None


@pytest.mark.parametrize("engine", ENGINES)
def test_neither_batches_nor_order_change_a_score(engine: EngineName) -> None:
    targets = [each.text for each in translator(engine).translate(SOURCES)]
    together = translator(engine).score(SOURCES, targets)
    alone = [translator(engine).score([source], [target])[0] for source, target in zip(SOURCES, targets)]
    backwards = translator(engine).score(SOURCES[::-1], targets[::-1])[::-1]
    for one, *others in zip(together, alone, backwards):
        for other in others:
            assert one.tokens == other.tokens
            assert one.log_probability == pytest.approx(other.log_probability, abs=1e-2)


def test_a_long_neighbour_does_not_decide_how_a_translation_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a long translation, the fewest tokens count; of others, the likeliest ones, in whatever batch."""
    widths = dict[int, int]()  # the greatest length of a batch in letters, and the width of its beam

    def spell_all(network: Any, inputs: Any, spellings: Any, width: int, **how: Any) -> Any:
        widths[max(len(each.edges) for each in spellings)] = width
        return forced.spell_all(network, inputs, spellings, width, **how)

    monkeypatch.setattr(scoring, "spell_all", spell_all)
    monkeypatch.setattr(scoring, "_LONGEST", 40)
    targets = ["Ein Mann in einem blauen Hemd geht mit zwei großen Hunden spazieren", "Zwei Hunde spielen"]
    together = translator("onnx").score(["A man in a blue shirt", "Two dogs play"], targets, width=3)
    assert sorted(widths.values()) == [1, 3]
    assert widths[max(widths)] == 1
    (alone,) = translator("onnx").score(["Two dogs play"], targets[1:], width=3)
    assert alone.tokens == together[1].tokens


def test_the_final_mark_and_capitals_of_the_source_cost_nothing() -> None:
    """The model writes "." for a heading and for "!", and small letters; writing makes of them what the source has."""
    plain, heading, loud, capitals = translator("onnx").score(
        ["Two dogs play.", "Two dogs play", "Two dogs play!", "TWO DOGS PLAY."],
        ["Zwei Hunde spielen.", "Zwei Hunde spielen", "Zwei Hunde spielen!", "ZWEI HUNDE SPIELEN."],
    )
    assert plain.tokens[-2] == loud.tokens[-2] == heading.tokens[-2] == "."
    assert capitals.tokens == plain.tokens
    assert capitals.log_probability == pytest.approx(plain.log_probability, abs=1e-3)


@pytest.mark.parametrize("align", [False, True])
def test_a_model_of_subwords_scores_any_text(align: bool) -> None:
    model = tiny_model()
    model.network.eval()
    tiny = Translator(model.engine("float32"), BeamOptions())
    scored = tiny.score([*LINES, LINES[0], LINES[0]], [*LINES[::-1], "", "\ue000 京 ▅ </s> 😀"], align=align)
    assert [each.log_probability is None for each in scored] == [False, False, True, False]
    assert all(each.log_probability is None or np.isfinite(each.log_probability) for each in scored)
    assert all((each.alignment is not None) == align for each in scored)


def test_counts_that_differ_are_an_error() -> None:
    with pytest.raises(UserError, match="2 lines and 1 translation: give one translation for each line"):
        translator("onnx").score(["a", "b"], ["c"])

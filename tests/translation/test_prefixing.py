"""Prefixes of translations: read as the model writes, in sentences, and kept in the text that is written."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from s2s.decoding.search import BeamOptions, SamplingOptions, SearchOptions
from s2s.errors import UserError
from translation.translator import Translator

KEPT = [  # a line, and what its translation begins with
    ("A man in a red shirt is walking two dogs along the beach.", "Ein Kerl"),
    ("A man in a red shirt is walking two dogs along the beach.", "Ein Mann in ro"),  # ends inside a word
    ("A woman is reading a book on a park bench.", "Die Da"),
    ("A woman is reading a book on a park bench.", "Die Dame "),
    ("Two children play in the snow.", "Zwei Kinder spielen im Schnee."),  # nothing is left to write
    ("Two children play in the snow.", ""),
    ("A MAN IS SLEEPING.", "EIN HE"),  # the model writes no capitals: they are put in afterwards
    ("The Tall Man And The Small Dog", "Der Gro"),
    ("Call {name} at 555 now.", "Bitte rufen Sie {name}"),  # placeholders
    ("See http://shop.de/a?b=1 for dogs.", "Bei http://shop.de/a?b=1 "),
    ("A dog runs. A cat sleeps. Two birds fly.", "Ein Hund rennt. Die"),  # two sentences of three
    ("A dog runs. A cat sleeps.", "Ein Hund rennt. Eine Katze schläft. Und"),  # more sentences than there are
    ("- A man eats.", "- Der "),
    ("- A man eats.", "Der "),  # the mark of the list is there anyway
    ("😀 A dog runs.", "😀 Der Hund"),
    ("A dog runs.", "Der  Hund"),  # spaces do not count
    ("shop.de", "shop"),  # copied as it is
]
LOST = [  # what the model cannot write, or writing changes
    ("Two children play in the snow.", "Xылофон"),
    ("Two children play in the snow.", "Zwei Kinder spielen im Schnee!"),  # the final mark is that of the source
    ("Two children play in the snow.", "{name}"),  # not in the source
    ("", "Ein"),
    ("shop.de", "Ein"),
]
SEARCHES: list[SearchOptions] = [
    BeamOptions(3, stop_early=True),
    BeamOptions(1),
    BeamOptions(4, 4, groups=2, stop_early=True),
    SamplingOptions(2, 2, top_k=5, seed=1),
]


@cache
def translator(engine: str, search: int) -> Translator:
    how: Any = {"engine": engine, "device": "cpu", "precision": "auto" if engine == "onnx" else "float32"}
    return Translator.load("en-de", SEARCHES[search], **how)


def letters(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("engine", ["onnx", "torch"])
@pytest.mark.parametrize("search", range(len(SEARCHES)))
def test_a_translation_begins_with_its_prefix_or_says_so(engine: str, search: int) -> None:
    lines, prefixes = zip(*KEPT, *LOST)
    found = translator(engine, search).translate(lines, prefixes=prefixes)
    for (line, prefix), translation in zip(KEPT, found):
        assert translation.prefix_kept, (line, prefix, translation.text)
        for each in translation.n_best[:1]:
            assert (
                letters(each.text)
                .removeprefix("-" * line.startswith("-"))
                .startswith(letters(prefix).removeprefix("-" * line.startswith("-")))
            )
    assert not any(translation.prefix_kept for translation in found[len(KEPT) :])


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_the_rest_is_what_the_model_makes_of_it(engine: str) -> None:
    """The beginning of its own translation hardly changes it; none, and the batch, change nothing."""
    pairs = [pair for pair in KEPT if "http" not in pair[0]]  # the beginning of an address is none
    model, lines = translator(engine, 0), [line for line, _ in pairs]
    plain = model.translate(lines)
    assert model.translate(lines, prefixes=[""] * len(lines)) == plain
    for n in (2, 9):
        again = model.translate(lines, prefixes=[each.text[:n] for each in plain])
        same = [each.text == before.text for each, before in zip(again, plain)]
        assert sum(same) >= len(same) - 3  # a beam that is led may find something better
    prefixes = [prefix for _, prefix in pairs]
    together = model.translate(lines, prefixes=prefixes)
    for line, prefix, expected in zip(lines, prefixes, together):
        (alone,) = model.translate([line], prefixes=[prefix])
        assert alone.text == expected.text


def test_a_score_counts_the_prefix_too() -> None:
    """It is that of forced decoding, which knows nothing of prefixes."""
    model, line, prefix = translator("torch", 1), "A man in a red shirt is walking two dogs.", "Der Kerl i"
    (found,) = model.translate([line], prefixes=[prefix])
    target = model.engine.target
    tokens = target.encode(found.text)
    assert target.tokens(tokens) == [*found.tokens[:-1]]  # the vocabulary's own, and not " K" and "erl"
    (scored,) = model.score([line], [found.text], width=1)
    assert scored.score == pytest.approx(found.score, abs=1e-4)


def test_a_space_says_that_a_word_is_complete() -> None:
    model, line = translator("onnx", 0), "A woman is reading a book on a park bench."
    open_, closed = (each.text for each in model.translate([line] * 2, prefixes=["Die Da", "Die Da "]))
    assert open_.startswith("Die Dame")
    assert closed.startswith("Die Da ")


@pytest.mark.parametrize("prefix", ["Ein Mann hat 1.234,5 ", "Ein Mann hat 1.234,5", "Ein Mann hat "])
def test_a_number_of_a_prefix_is_written_once_where_numbers_are_localised(prefix: str) -> None:
    model = Translator.load("en-de", BeamOptions(3, stop_early=True), engine="onnx", localise_numbers=True)
    line = "A man has 1,234.5 dollars in his pocket."
    (found,) = model.translate([line], prefixes=[prefix])
    assert found.prefix_kept
    assert found.text.count("1.234,5") == 1
    (scored,) = model.score([line], [found.text])
    assert scored.tokens.count("1.234,5") == 1


def test_a_whole_sentence_of_a_prefix_may_be_shorter_than_the_minimum() -> None:
    model = Translator.load("en-de", BeamOptions(3, stop_early=True, minimum_length=8), engine="onnx")
    (found,) = model.translate(["Hello. How are you doing today?"], prefixes=["Hallo. Wie"])
    assert found.prefix_kept
    assert found.tokens.index("</s>") < 8 <= len(found.tokens) - found.tokens.index("</s>") - 2


@pytest.mark.parametrize(
    ("prefixes", "message"),
    [
        (["Ein"], "1 prefix for 2 lines: give one for each line"),
        ("Ein", "prefixes are a list of strings"),
        (["Ein", None], "prefixes are a list of strings"),
    ],
)
def test_prefixes_that_are_none_are_told(prefixes: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        translator("onnx", 0).translate(["A dog.", "A cat."], prefixes=prefixes)

"""translation.placing: marks and copies that were left out are put into the text where they belong."""

from __future__ import annotations

import numpy as np
import pytest
from translation_fixtures import table

from s2s.decoding.search import Hypothesis
from s2s.text.tokens import PLACEHOLDERS, UNK
from s2s.text.vocabulary import CharacterVocabulary, load_vocabulary
from translation import placing
from translation.copying import copy_words
from translation.placing import Insertion, Placer, decode_copies, insert
from translation.reading import Reader
from translation.writing import Writer

LINE = "ein mann in paris, 3 frauen 2 a man and a dog in the park."
CHARACTERS = CharacterVocabulary.from_lines([LINE])
WORDS = ["a", "man", "is", "in", "paris", "ein", "mann", "ist", ".", ",", "hat", "A", "Man"]


@pytest.mark.parametrize(("source", "hypothesis", "text"), table(placing.__doc__))
def test_the_examples_of_the_docstring(source: str, hypothesis: str, text: str) -> None:
    step, tokens = hypothesis.index("|"), CHARACTERS.encode(hypothesis.replace("|", ""))
    piece = Reader(CHARACTERS).read(source)
    attention = np.zeros((len(tokens) + 1, len(piece.ids) + 1), np.float32)
    for position, i in enumerate(piece.ids):
        if i == UNK:
            attention[step, position] = 1
    copies = copy_words(tokens, attention, piece, CHARACTERS, CHARACTERS)
    draft = decode_copies(tokens, copies, CHARACTERS)
    placer = Placer(tokens, draft, attention, copies, piece, CHARACTERS)
    assert insert(draft, placer.insertions()) == text


def translated(source: str, target: str, aligned: dict[int, int]) -> str:
    """The text of a translation in words that were aligned: word of the target to word of the source."""
    letters = CharacterVocabulary.from_lines([" ".join(WORDS)])
    vocabulary = load_vocabulary("character", letters.to_bytes(), placeholders=3)
    piece = Reader(vocabulary, "en").read(source)
    tokens = vocabulary.encode(target)
    attention = np.zeros((len(tokens) + 1, len(piece.ids) + 1), np.float32)
    sides = _words(target), _words("".join(piece.tokens))
    for there, here in aligned.items():
        for step, position in zip(sides[0][there], sides[1][here]):
            attention[step, position] = 1
    writer = Writer(vocabulary, vocabulary, n_best=1, spaces=True)
    return writer.write_hypothesis(Hypothesis(tokens, -1.0, -1.0, attention, True), piece).text


def _words(text: str) -> list[range]:
    """The offsets of the characters of each word."""
    ends, found = 0, list[range]()
    for word in text.split(" "):
        found.append(range(ends, ends + len(word)))
        ends += len(word) + 1
    return found


STRAIGHT = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("[a man] is in paris.", "[ein mann] ist in paris."),
        ("a [man] is in paris.", "ein [mann] ist in paris."),
        ("a man is in [paris].", "ein mann ist in [paris]."),
        ("a <b>man</b> is in <i>paris</i>.", "ein <b>mann</b> ist in <i>paris</i>."),
        ("😀 a man is in paris.", "😀 ein mann ist in paris."),
        ("a man 😀 is in paris.", "ein mann 😀 ist in paris."),
        ("a man is in paris 😀.", "ein mann ist in paris 😀."),
        ("a man is in paris. 😀", "ein mann ist in paris. 😀"),
        ("“a man is in paris.”", "“ein mann ist in paris.”"),
        ("(a) man “is” in paris!", "(ein) mann “ist” in paris!"),
    ],
)
def test_marks_keep_their_places(source: str, text: str) -> None:
    assert translated(source, "ein mann ist in paris.", STRAIGHT) == text


def test_marks_go_with_their_words_where_these_change_places() -> None:
    found = translated("a <b>man</b> is in <i>paris</i>", "in paris ist ein mann", {0: 3, 1: 4, 2: 2, 3: 0, 4: 1})
    assert found == "in <i>paris</i> ist ein <b>mann</b>"
    found = translated("<b>a man</b> <i>is in</i> paris", "in paris ist ein mann", {0: 3, 1: 4, 2: 2, 3: 0, 4: 1})
    assert all(found.index(f"<{tag}>") < found.index(f"</{tag}>") for tag in "bi")


def test_marks_that_touch_a_copy_touch_it_in_the_translation() -> None:
    first, second = PLACEHOLDERS[:2]
    found = translated("«5» man is in <b>{y}</b> paris", f"in paris {second} ist {first} mann", {4: 0, 0: 3})
    assert found == "in paris <b>{y}</b> ist «5» mann"


def test_a_word_in_capitals_has_a_translation_in_capitals() -> None:
    assert translated("a MAN is in paris.", "ein mann ist in paris.", STRAIGHT) == "ein MANN ist in paris."
    assert translated("A MAN IS IN PARIS.", "ein mann ist in paris.", STRAIGHT) == "EIN MANN IST IN PARIS."


def test_spaces_stand_where_an_insertion_touches_nothing() -> None:
    inserted = [Insertion(0, "<", False, True), Insertion(1, ">", True, False), Insertion(2, "*", False, False)]
    assert insert("a b", inserted) == "<a> * b"
    assert insert("a b", [Insertion(2, "/", True, True)]) == "a/b"


def test_without_attention_a_place_is_found_by_counting() -> None:
    letters = CharacterVocabulary(["a", "b", " "])
    piece = Reader(letters).read("a X b")
    copies = copy_words(tokens := letters.encode("a b"), None, piece, letters, letters)
    placer = Placer(tokens, "a b", None, copies, piece, letters)
    assert insert("a b", placer.insertions()) in ("X a b", "a X b", "a b X")

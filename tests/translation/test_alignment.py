"""Word alignments count the words of the user's own line and of the output, whatever was left out on the way."""

from __future__ import annotations

import numpy as np
import pytest

from translation.alignment import AlignedPiece, Side, align, pharaoh


def links(source: str, target: str, source_tokens: list[str], target_tokens: list[str], read: list[int]) -> str:
    """The alignment of a line if each token of the target attended to one position of the source."""
    attention = np.zeros((len(target_tokens), len(source_tokens)), np.float32)
    attention[np.arange(len(read)), read] = 1
    piece = AlignedPiece(Side(0, source, source_tokens), Side(0, target, target_tokens), attention)
    return pharaoh(align(source, target, [piece]))


def test_subwords_are_merged_to_words() -> None:
    source, target = ["A", " pic", "nic", " table", ".", "</s>"], ["Ein", " Picknick", "t", "isch", ".", "</s>"]
    assert links("A picnic table.", "Ein Picknicktisch.", source, target, [0, 1, 2, 3, 4, 5]) == "0-0 1-1"


def test_the_most_attention_to_all_subwords_of_a_word_decides() -> None:
    attention = np.array([[0.3, 0.3, 0.4]], np.float32)  # the first word has two subwords
    piece = AlignedPiece(Side(0, "ab c", ["a", "b", " c"]), Side(0, "x", ["x"]), attention)
    assert align("ab c", "x", [piece]) == ((0, 0),)


@pytest.mark.parametrize(
    ("source", "target", "read", "expected"),
    [
        ("a b", "x y", [0, 1], "0-0 1-1"),
        ("a b", "x y", [1, 0], "0-1 1-0"),
        ("  a   b ", "x  y", [0, 1], "0-0 1-1"),  # more spaces than the model read
        ("“a” (b)", "“x” (y)", [0, 1], "0-0 1-1"),  # quotation marks that it did not read
        ("😀 a b", "😀 x y", [0, 1], "1-1 2-2"),  # a word that it did not read
        ("A B", "X Y", [0, 1], "0-0 1-1"),  # words in capitals
        ("a b!", "x y !", [0, 1], "0-0 1-1"),
    ],
)
def test_words_are_those_that_the_user_sees(source: str, target: str, read: list[int], expected: str) -> None:
    assert links(source, target, ["a", " b", "</s>"], ["x", " y", "</s>"], [*read, 2]) == expected


def test_whole_words_are_tokens_too() -> None:
    assert links("the dog", "der Hund", ["the", "dog", "</s>"], ["der", "Hund", "</s>"], [0, 1, 2]) == "0-0 1-1"


def test_a_copied_text_of_several_words_is_linked_with_each() -> None:
    found = links("see a b c", "sieh a b c", ["see", " a b c", "</s>"], ["sieh", " a b c", "</s>"], [0, 1, 2])
    assert found == "0-0 1-1 1-2 1-3"


def test_pieces_are_counted_on() -> None:
    one = np.eye(2, dtype=np.float32)
    pieces = [
        AlignedPiece(Side(2, "a.", ["a", "."]), Side(2, "x.", ["x", "."]), one),
        AlignedPiece(Side(5, "42 1", []), Side(5, "42 1", []), None),  # copied
        AlignedPiece(Side(10, "b c", ["b", " c"]), Side(10, "y z", ["y", " z"]), one[::-1]),
    ]
    assert pharaoh(align("- a. 42 1 b c", "- x. 42 1 y z", pieces)) == "1-1 2-2 3-3 4-5 5-4"
    assert align("", "", []) == ()


def test_a_long_line_of_signs_takes_no_quadratic_time() -> None:
    text = "„" + "ab " * 4000
    found = links(text, text, ["ab", *[" ab"] * 3999], ["ab", *[" ab"] * 3999], list(range(4000)))
    assert found.startswith("0-0 1-1 ")
    assert found.endswith(" 3999-3999")

"""Word alignments from attention: which word of the user's line each word of the output came from.

Words are what white space separates. Each word of the output is linked to the word of the line that its tokens attended
to most; the attention to all subwords of a word is added up, and that to END is left out. A link is written `i-j`, the
Pharaoh format: word i of the line, word j of the output, both counted from 0. A word that the model neither read nor
wrote, such as an emoji between two words, has no link.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from s2s.decoding.results import Sentence
from s2s.errors import check
from s2s.text.casing import in_small_letters
from s2s.text.tokens import END, SPECIALS, UNK
from translation.cutting import CutLine

Span = tuple[int, int]
Links = tuple[tuple[int, int], ...]

_WORD = re.compile(r"\S+")
_UNIT = re.compile(r"\w+|\W")
_NOT_WRITTEN = (SPECIALS[END], SPECIALS[UNK])
NO_ATTENTION = (
    "this model has no attention, so that it gives no alignments; leave out --alignments, or use another --model"
)
_MOST_PAIRS = 1 << 20  # of characters that are compared with each other


def pharaoh(links: Links) -> str:
    """The links as a line of a file: `0-0 1-2 2-1`."""
    return " ".join(f"{source}-{target}" for source, target in links)


@dataclass(frozen=True)
class Side:
    """One side of a piece.

    Attributes:
        start: where its text begins in the line
        text: as the user sees it
        tokens: what each position of the attention stands for
    """

    start: int
    text: str
    tokens: Sequence[str]


@dataclass(frozen=True)
class AlignedPiece:
    """A sentence of a line and its translation.

    Attributes:
        source, target: the sentence, and its translation in the output
        attention: (target tokens, source tokens); None for a piece that was copied as it is
    """

    source: Side
    target: Side
    attention: NDArray[np.float32] | None


def align(source: str, target: str, pieces: Iterable[AlignedPiece]) -> Links:
    """Link the words of a line and of its translation, in the order of the line."""
    lines = _Words(source), _Words(target)
    links = set[tuple[int, int]]()
    for piece in pieces:
        columns, rows = (words.of(side) for words, side in zip(lines, (piece.source, piece.target)))
        if piece.attention is None:
            links.update(zip(columns, rows))
            continue
        by_word = _members(piece.target, rows, lines[1]).T @ piece.attention @ _members(piece.source, columns, lines[0])
        links.update((columns[of.argmax()], row) for row, of in zip(rows, by_word) if of.any())
    return tuple(sorted(links))


def align_line(line: CutLine, text: str, sentences: Sequence[Sentence], between: Sequence[str]) -> Links:
    """Link the words of a line to those of its translation.

    Args:
        line: in its pieces
        text: the translation
        sentences: those of the pieces, of which the translation consists
        between: the text before the first of them, between each two, and after the last

    Raises:
        UserError: the model has no attention.
    """
    aligned, end = list[AlignedPiece](), 0
    for piece, (start, _), sentence, before in zip(line.pieces, line.places, sentences, between):
        check(not sentence.tokens or sentence.attention is not None, NO_ATTENTION)
        end += len(before)
        sides = Side(start, piece.text, piece.source_tokens), Side(end, sentence.text, sentence.tokens)
        aligned.append(AlignedPiece(*sides, sentence.attention if sentence.tokens else None))
        end += len(sentence.text)
    return align(line.text, text, aligned)


class _Words:
    """The words of a line: where each starts and ends."""

    def __init__(self, line: str) -> None:
        spans = [match.span() for match in _WORD.finditer(line)]
        self.starts, self.ends = [start for start, _ in spans], [end for _, end in spans]

    def between(self, start: int, end: int) -> range:
        """The numbers of the words that share characters with a part of the line."""
        return range(bisect_right(self.ends, start), bisect_left(self.starts, end))

    def of(self, side: Side) -> range:
        """The numbers of the words of a piece."""
        return self.between(side.start, side.start + len(side.text))


def _members(side: Side, own: range, words: _Words) -> NDArray[np.float32]:
    """Which tokens stand in which of the piece's own words, (tokens, words)."""
    members = np.zeros((len(side.tokens), len(own)), np.float32)
    for token, (start, end) in enumerate(_token_spans(side.tokens, side.text)):
        for word in words.between(side.start + start, side.start + end) if start < end else ():
            members[token, word - own.start] = 1
    return members


def _token_spans(tokens: Sequence[str], text: str) -> list[Span]:
    """Where each token stands in the text; an empty span for one that does not."""
    written = ["" if token in _NOT_WRITTEN else token for token in tokens]
    for separator in ("", " "):  # of subwords, and of whole words
        if text.startswith(separator.join(written).rstrip()):
            ends = accumulate(len(token) + (len(separator) if i else 0) for i, token in enumerate(written))
            return [(end - len(token), end) for token, end in zip(written, ends)]
    # Signs were left out, folded or put in, or words were written in capitals: the texts are compared by letters.
    places, spans, end = _places(in_small_letters("".join(written)), in_small_letters(text)), list[Span](), 0
    for token in written:
        there = [place for place in places[end : end + len(token)] if place is not None]
        spans.append((there[0], there[-1] + 1) if there else (0, 0))
        end += len(token)
    return spans


def _places(one: str, other: str) -> list[int | None]:
    """Where each character of a text stands in another one that is much the same; white space stands nowhere.

    Words are compared first, and then the characters of those that differ.
    """
    places: list[int | None] = [None] * len(one)
    words, others = _UNIT.findall(one), _UNIT.findall(other)
    starts, other_starts = ([0, *accumulate(map(len, units))] for units in (words, others))
    for _, first, last, other_first, other_last in SequenceMatcher(None, words, others, False).get_opcodes():
        start, there = starts[first], other_starts[other_first]
        part, counterpart = one[start : starts[last]], other[there : other_starts[other_last]]
        blocks = [("replace", 0, len(part), 0, len(counterpart))]
        if part != counterpart and len(part) * len(counterpart) <= _MOST_PAIRS:
            blocks = SequenceMatcher(None, part, counterpart, False).get_opcodes()
        for _, begin, end, other_begin, other_end in blocks:
            for i in range(begin, end) if other_begin < other_end else ():
                if not part[i].isspace():
                    shift = (i - begin) * (other_end - other_begin) // (end - begin)
                    places[start + i] = there + other_begin + shift
    return places

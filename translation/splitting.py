"""Lines longer than any that a model was trained on, cut where a reader would pause.

A network that has never seen so many tokens loses its way in them: it repeats itself, or stops early (Koehn & Knowles,
2017, section 3.4). Such a line becomes its sentences; a sentence that is still too long becomes as few and as equal
parts as will do, cut at clause marks, else between words, else between tokens.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from s2s.text.vocabulary import Vocabulary

# One mark, few closing quotes, white space that is not given back: nothing is tried twice, whatever the line holds.
_CLOSING = r"[\"'»”’)\]]{0,2}"
_SENTENCE = re.compile(rf"(?:(?<=\S)|(?<=\w\s))[.!?…]{_CLOSING}\s++|[。！？]{_CLOSING}")  # ". . . ." has one end
_CLAUSE = re.compile(rf"[,;:]{_CLOSING}\s++|\s[–—-]\s++|[、，；：]")
_WORD = re.compile(r"\s++")
_INITIAL = re.compile(r"\W?[^\W\d]\.")
_SENTENCES, _CLAUSES, _WORDS, _TOKENS = range(4)

Span = tuple[int, int]  # offsets in the text, [start, end)


def split(text: str, vocabulary: Vocabulary, limit: int) -> list[str]:
    """Cut `text` into pieces of at most `limit` tokens, without the white space around them; none is blank.

    The time is proportional to the length of the text. Only a piece that ends or begins inside a word may be a few
    tokens longer, since what was a part of a word now is one.
    """
    spans = _spans(text, list(_token_ends(text, vocabulary)), limit, (0, len(text)), _SENTENCES)
    return [piece for start, end in spans if (piece := text[start:end].strip())]


def _token_ends(text: str, vocabulary: Vocabulary) -> Iterator[int]:
    """The offset behind each token. A space before a word may belong to its token, so that starts would tell less."""
    end = 0
    for piece in vocabulary.pieces(text):
        end = text.index(piece, end) + len(piece)
        yield end


def _spans(text: str, tokens: Sequence[int], limit: int, whole: Span, level: int) -> Iterator[Span]:
    """Cut at the marks of `level`, and at those of the next one only what is still too long; `tokens` are the ends."""

    def length(span: Span) -> int:
        return bisect(tokens, span[1]) - bisect(tokens, span[0])

    units = list(pairwise([whole[0], *_marks(text, tokens, whole, level), whole[1]]))
    for fits, run in groupby(units, key=lambda unit: length(unit) <= limit):
        if not fits:
            for start, end in run:
                end = start + len(text[start:end].rstrip())
                yield from _spans(text, tokens, limit, (start, end), level + 1)
        elif level == _SENTENCES:  # what was trained on is sentences
            yield from run
        else:
            yield from _packed([(unit, length(unit)) for unit in run], limit)


def _marks(text: str, tokens: Sequence[int], span: Span, level: int) -> Iterator[int]:
    """The offsets inside the span at which it may be cut."""
    if level == _TOKENS:
        yield from tokens[bisect(tokens, span[0]) : bisect(tokens, span[1]) - 1]
        return
    for mark in (_SENTENCE, _CLAUSE, _WORD)[level].finditer(text, *span):
        if level > _SENTENCES or _ends_sentence(mark):
            yield mark.end()


def _ends_sentence(mark: re.Match[str]) -> bool:
    """A mark before a small letter ends no sentence ("approx. five"), nor does one after an initial ("J. Smith")."""
    text, start, end = mark.string, mark.start(), mark.end()
    return not text[end : end + 1].islower() and not _INITIAL.fullmatch(text, max(start - 2, 0), start + 1)


def _packed(units: Sequence[tuple[Span, int]], limit: int) -> Iterator[Span]:
    """Join neighbouring (span, tokens) to as few spans of at most `limit` as will do, of about equal lengths."""
    total = sum(length for _, length in units)
    share = total / max(1, -(-total // limit))
    start, size, done, boundary = units[0][0][0], 0, 0, share
    for span, length in units:
        if size + length > limit or done + length / 2 > boundary:  # nearest to where an equal part ends
            yield start, span[0]
            start, size, boundary = span[0], 0, boundary + share
        size, done = size + length, done + length
    yield start, units[-1][0][1]

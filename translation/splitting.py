"""Splitting: lines that are longer than all lines of the training text are cut into pieces.

A model repeats itself or stops early on sentences longer than those it was trained on (Koehn & Knowles, 2017, section
3.4). Therefore such a line is cut into its sentences. A sentence that is still too long is cut at clause marks, into as
few pieces as possible, of about equal lengths. A clause that is too long is cut between words, and a word that is too
long between tokens.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise

from s2s.text.vocabulary import Vocabulary

# One mark, at most two closing quotes, and possessive white space: matching takes linear time, whatever the line holds.
_CLOSING = r"[\"'»”’)\]]{0,2}"
_SENTENCE = re.compile(rf"(?:(?<=\S)|(?<=\w\s))[.!?…]{_CLOSING}\s++|[。！？]{_CLOSING}")  # only the first of ". . . ."
_CLAUSE = re.compile(rf"[,;:]{_CLOSING}\s++|\s[–—-]\s++|[、，；：]")
_WORD = re.compile(r"\s++")
_INITIAL = re.compile(r"\W?[^\W\d]\.")
_SENTENCES, _CLAUSES, _WORDS, _TOKENS = range(4)

Span = tuple[int, int]  # offsets in the text, [start, end)


def split(text: str, vocabulary: Vocabulary, limit: int) -> list[str]:
    """Cut `text` into pieces of at most `limit` tokens, without white space around them; no piece is blank.

    It takes linear time. A piece that begins or ends inside a word may have a few tokens more than `limit`, because
    part of a word may be encoded otherwise than the whole.
    """
    spans = _spans(text, list(_token_ends(text, vocabulary)), limit, (0, len(text)), _SENTENCES)
    return [piece for start, end in spans if (piece := text[start:end].strip())]


def _token_ends(text: str, vocabulary: Vocabulary) -> Iterator[int]:
    """The offset at which each token ends. Its start says less: it may be that of a word, or the space before it."""
    end = 0
    for piece in vocabulary.pieces(text):
        end = text.index(piece, end) + len(piece)
        yield end


def _spans(text: str, ends: Sequence[int], limit: int, span: Span, level: int) -> Iterator[Span]:
    """Cut a span of the text at the marks of `level`, and what is still too long at those of the next level.

    `ends` are the offsets at which the tokens of the text end.
    """

    def tokens(part: Span) -> int:
        return bisect(ends, part[1]) - bisect(ends, part[0])

    parts = pairwise([span[0], *_marks(text, ends, span, level), span[1]])
    for fits, run in groupby(parts, key=lambda part: tokens(part) <= limit):
        if not fits:
            for start, end in run:
                end = start + len(text[start:end].rstrip())
                yield from _spans(text, ends, limit, (start, end), level + 1)
        elif level == _SENTENCES:  # not joined: the model was trained on single sentences
            yield from run
        else:
            yield from _joined([(part, tokens(part)) for part in run], limit)


def _marks(text: str, ends: Sequence[int], span: Span, level: int) -> Iterator[int]:
    """The offsets inside the span at which it may be cut at this level."""
    if level == _TOKENS:
        yield from ends[bisect(ends, span[0]) : bisect(ends, span[1]) - 1]
        return
    for mark in (_SENTENCE, _CLAUSE, _WORD)[level].finditer(text, *span):
        if level > _SENTENCES or _ends_sentence(mark):
            yield mark.end()


def _ends_sentence(mark: re.Match[str]) -> bool:
    """Whether a mark ends a sentence.

    It does not before a lower-case letter ("approx. five"), nor after an initial ("J. Smith").
    """
    text, start, end = mark.string, mark.start(), mark.end()
    return not text[end : end + 1].islower() and not _INITIAL.fullmatch(text, max(start - 2, 0), start + 1)


def _joined(parts: Sequence[tuple[Span, int]], limit: int) -> Iterator[Span]:
    """Join neighbouring parts, each with its number of tokens, to as few spans as possible, of about equal lengths.

    No span of several parts has more than `limit` tokens.
    """
    total = sum(length for _, length in parts)
    share = total / max(1, -(-total // limit))
    start, size, done, boundary = parts[0][0][0], 0, 0, share
    for span, length in parts:
        if size + length > limit or done + length / 2 > boundary:  # cut nearest to the end of an equal part
            yield start, span[0]
            start, size, boundary = span[0], 0, boundary + share
        size, done = size + length, done + length
    yield start, parts[-1][0][1]

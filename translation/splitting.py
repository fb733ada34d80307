"""Splitting: lines that are longer than all lines of the training text are cut into pieces.

A model repeats itself or stops early on sentences longer than those it was trained on (Koehn & Knowles, 2017, section
3.4). Therefore such a line is cut into its sentences. A sentence that is still too long is cut at clause marks, into as
few pieces as possible, of about equal lengths. A clause that is too long is cut between words, and a word that is too
long between tokens.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise

from s2s.text.sentences import Span, sentence_spans
from s2s.text.vocabulary import Vocabulary

# One mark, at most two closing quotes, and possessive white space: matching takes linear time, whatever the line holds.
_CLOSING = r"[\"'»”’)\]]{0,2}"
_CLAUSE = re.compile(rf"[,;:]{_CLOSING}\s++|\s[–—-]\s++|[、，；：]")
_WORD = re.compile(r"\s++")
_SENTENCES, _CLAUSES, _WORDS, _TOKENS = range(4)


def split(text: str, vocabulary: Vocabulary, limit: int, language: str = "") -> list[str]:
    """Cut `text` into pieces of at most `limit` tokens, without white space around them; no piece is blank.

    The code `language` says whose abbreviations do not end a sentence (see `s2s.text.sentences`). It takes linear
    time. A piece that begins or ends inside a word may have a few tokens more than `limit`, because part of a word may
    be encoded otherwise than the whole.
    """
    ends, sentences = list(_token_ends(text, vocabulary)), sentence_spans(text, language)
    spans = _spans(text, ends, limit, (0, len(text)), [start for start, _ in sentences[1:]])
    return [piece for start, end in spans if (piece := text[start:end].strip())]


def _token_ends(text: str, vocabulary: Vocabulary) -> Iterator[int]:
    """The offset at which each token ends. Its start says less: it may be that of a word, or the space before it."""
    end = 0
    for piece in vocabulary.pieces(text):
        end = text.index(piece, end) + len(piece)
        yield end


def _spans(
    text: str, ends: Sequence[int], limit: int, span: Span, marks: Iterable[int], level: int = _SENTENCES
) -> Iterator[Span]:
    """Cut a span of the text at the offsets `marks`, and what is still too long at the marks of the next level.

    `ends` are the offsets at which the tokens of the text end.
    """

    def tokens(part: Span) -> int:
        return bisect(ends, part[1]) - bisect(ends, part[0])

    parts = pairwise([span[0], *marks, span[1]])
    for fits, run in groupby(parts, key=lambda part: tokens(part) <= limit):
        if not fits:
            for start, end in run:
                shorter = (start, start + len(text[start:end].rstrip()))
                finer = _marks(text, ends, shorter, level + 1)
                yield from _spans(text, ends, limit, shorter, finer, level + 1)
        elif level == _SENTENCES:  # not joined: the model was trained on single sentences
            yield from run
        else:
            yield from _joined([(part, tokens(part)) for part in run], limit)


def _marks(text: str, ends: Sequence[int], span: Span, level: int) -> Iterable[int]:
    """The offsets inside the span at which it may be cut at this level, finer than sentences."""
    if level == _TOKENS:
        return ends[bisect(ends, span[0]) : bisect(ends, span[1]) - 1]
    pattern = _CLAUSE if level == _CLAUSES else _WORD
    return (mark.end() for mark in pattern.finditer(text, *span))


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

"""Cutting, the first stage of a translation: lines to the pieces that a model reads."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from s2s.text.vocabulary import Vocabulary
from translation.splitting import split
from translation.unknown_words import Piece, with_unknown_words


@dataclass(frozen=True)
class CutLine:
    """A line in the pieces that are translated one by one.

    Attributes:
        pieces: none of a blank line, several of one that is too long
        source_tokens: one label per token of the whole line, END last; empty if it is blank
    """

    pieces: tuple[Piece, ...]
    source_tokens: tuple[str, ...]


def cut(lines: Sequence[str], vocabulary: Vocabulary, limit: int) -> list[CutLine]:
    """Cut lines that have more than `limit` tokens, and find what `vocabulary` does not know.

    White space around a line is left out. Lines are normalised to NFC, as the text was that the vocabulary was trained
    on.
    """
    texts = [unicodedata.normalize("NFC", line).strip() for line in lines]
    return [_cut(text, ids, vocabulary, limit) for text, ids in zip(texts, vocabulary.encode_all(texts))]


def _cut(text: str, ids: list[int], vocabulary: Vocabulary, limit: int) -> CutLine:
    if not text:
        return CutLine((), ())
    whole = with_unknown_words(text, ids, vocabulary)
    if len(ids) <= limit:
        return CutLine((whole,), whole.source_tokens)
    texts = split(text, vocabulary, limit)
    pieces = [
        with_unknown_words(part, part_ids, vocabulary) for part, part_ids in zip(texts, vocabulary.encode_all(texts))
    ]
    return CutLine(tuple(pieces), whole.source_tokens)

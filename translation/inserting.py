"""Inserting: unknown words of the source that the decoder left out are put into the text, so that none is lost.

Only for vocabularies of subwords or characters: training text has no unknown tokens for them, so that a model writes
few. (In training text of words, rare words are unknown, and the model learned which of them to leave out.)

A word is put before the token that attended to it most, or before the word that this token is a part of. A space is put
before it if one stands before it in the source, and one behind it if a word follows and none follows in the source.

Examples with a vocabulary of characters, to which Chinese characters, `ñ` and emoji are unknown. In `hypothesis`, `|`
stands before the character that attended to all unknown words most, or at the end if that was END:

    source                hypothesis             text
    a man in 北京.         ein mann in|.          ein mann in 北京.
    a man in 北京 .        ein mann in |paris.    ein mann in 北京 paris.
    a man in 北京 .        ein mann in| paris.    ein mann in 北京 paris.
    a man in 北京 .        ein mann in pari|s.    ein mann in 北京 paris.
    a man in paris. 🐕     ein mann.|             ein mann. 🐕
    🐕 a man               |ein mann              🐕 ein mann
    a man (北)             ein mann (|2)          ein mann (北 2)
    a ñman                ein |mann              ein ñman mann
    北 a 京                ein | mann             ein 北 京 mann
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from s2s.text.tokens import UNK
from s2s.text.vocabulary import Vocabulary
from translation.copying import Copies
from translation.unknown_words import Piece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def insert_missing_words(
    tokens: Sequence[int], attention: NDArray[np.float32], copies: Copies, piece: Piece, target: Vocabulary
) -> str:
    """The text of a hypothesis with the words that `copies` calls missing.

    Args:
        tokens: ids, without END
        attention: (tokens or more, source tokens or more); it has a row for END if END was written
        piece: the source
        target: the vocabulary of the tokens
    """
    text = target.decode(tokens, copies.words)
    places: list[tuple[int, int]] = []  # (offset in the text, position in the source)
    for position in copies.missing:
        prefix = tokens[: int(attention[:, position].argmax())]
        offset = len(target.decode(prefix, copies.words[: prefix.count(UNK)]))
        places.append((_start_of_word(text, offset), position))
    for offset, position in sorted(places, reverse=True):  # from the right, so that the other offsets stay valid
        before = piece.tokens[position - 1] if position > 0 else ""
        after = piece.tokens[position + 1] if position + 1 < len(piece.tokens) else ""
        text = _insert(text, offset, copies.missing[position], before, after)
    return text


def _start_of_word(text: str, offset: int) -> int:
    """The offset itself, or the start of the word that it lies in."""
    while 0 < offset < len(text) and text[offset - 1].isalnum() and text[offset].isalnum():
        offset -= 1
    return offset


def _insert(text: str, offset: int, word: str, source_before: str, source_after: str) -> str:
    """Put `word` into the text; `source_before` and `source_after` are the tokens around it in the source."""
    before, after = text[:offset], text[offset:]
    spaced_in_source = not source_before or source_before[-1].isspace()
    if before and not before[-1].isspace() and spaced_in_source:
        word = f" {word}"
    if after[:1].isalnum() and not source_after[:1].isalnum():
        word = f"{word} "
    return f"{before}{word}{after}"

"""Copying: a source word takes the place of each unknown token (UNK) in a hypothesis.

The word is the unknown one of the source to which the UNK attended most, of those that have not been copied yet (Luong
et al., 2015b, section 3.3, with attention as the aligner). If there is none left and tokens are words, it is the source
word to which the UNK attended most, known or not; if tokens are smaller, the UNK is dropped.

Examples with a vocabulary of words, to which capitalised words are unknown. `attended to` lists the source word with
the most attention for each UNK:

    source               hypothesis           attended to        text
    a Hobbit in Mordor   ein <unk> in <unk>   Hobbit Mordor      ein Hobbit in Mordor
    a Hobbit in Mordor   ein <unk> in <unk>   Mordor Mordor      ein Mordor in Hobbit
    a man in Mordor      ein <unk> in         man                ein Mordor in
    a man .              ein <unk> .          man                ein man .
    Ulm Bonn             <unk> <unk> <unk>    Bonn Bonn Bonn     Bonn Ulm Bonn
    a Hobbit .           ein mann .           -                  ein mann .
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2s.text.tokens import UNK
from translation.unknown_words import Piece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Copies:
    """The result of copying.

    Attributes:
        words: one per UNK of the hypothesis, in order; empty where the UNK is dropped
        missing: the unknown words of the source that no UNK became, by their positions in the source
    """

    words: list[str]
    missing: dict[int, str]


def copy_words(tokens: Sequence[int], attention: NDArray[np.float32], piece: Piece, *, known_words: bool) -> Copies:
    """Choose the source word for each UNK among the tokens of a hypothesis.

    Args:
        tokens: ids, without END
        attention: (tokens or more, source tokens or more)
        piece: the source
        known_words: whether an UNK may become a known token when no unknown word is left; if tokens are words
    """
    unknown_positions = (position for position, i in enumerate(piece.ids) if i == UNK)
    missing = dict(zip(unknown_positions, piece.unknown_words))
    words: list[str] = []
    for step in (step for step, token in enumerate(tokens) if token == UNK):
        candidates = list(missing) or (range(len(piece.ids)) if known_words else [])
        position = max(candidates, key=attention[step].tolist().__getitem__, default=None)
        words.append("" if position is None else missing.pop(position, piece.tokens[position]))
    return Copies(words, missing)

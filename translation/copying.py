"""Copying: a source word takes the place of each unknown token (UNK) and of each placeholder in a hypothesis.

A placeholder stands for the text that it was read for. For an UNK, the text is the one that an UNK of the source stands
for and to which it attended most, of those that have not been copied yet (Luong et al., 2015b, section 3.3, with
attention as the aligner). If there is none left and tokens are words, it is the source word to which the UNK attended
most, known or not; if tokens are smaller, the UNK is dropped.

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
from s2s.text.vocabulary import Vocabulary
from translation.piece import Piece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Copies:
    """The result of copying.

    Attributes:
        texts: one per UNK and placeholder of the hypothesis, by its step; empty where it is dropped
        steps: the step at which each placeholder was written, by its position in the source
        missing: the texts of the source that nothing became, by their positions in the source
    """

    texts: dict[int, str]
    steps: dict[int, int]
    missing: dict[int, str]


def copy_words(
    tokens: Sequence[int], attention: NDArray[np.float32] | None, piece: Piece, target: Vocabulary, source: Vocabulary
) -> Copies:
    """Choose the source text for each UNK and placeholder among the tokens of a hypothesis.

    Args:
        tokens: ids, without END
        attention: (tokens or more, source tokens or more); None if the decoder has none: then the order decides
        piece: the source
        target: the vocabulary of the tokens
        source: the vocabulary of the piece
    """
    missing, texts, steps = dict(piece.copies), dict[int, str](), dict[int, int]()
    for step, token in enumerate(tokens):
        if token >= target.first_placeholder:
            read = source.first_placeholder + token - target.first_placeholder
            position = piece.ids.index(read) if read in piece.ids else None
            texts[step] = missing.pop(position, "") if position is not None else ""
            if position is not None:
                steps.setdefault(position, step)
    for step in (step for step, token in enumerate(tokens) if token == UNK):
        unknown = [position for position in missing if piece.ids[position] == UNK]
        candidates = unknown or (range(len(piece.ids)) if target.whole_words else [])
        weights = [0.0] * len(piece.ids) if attention is None else attention[step].tolist()
        position = max(candidates, key=weights.__getitem__, default=None)
        texts[step] = "" if position is None else piece.source_tokens[position]
        if position is not None:
            missing.pop(position, None)
    return Copies(texts, steps, missing)

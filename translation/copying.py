"""What a vocabulary does not know passes through a translation as it is, to the place that attention gives it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from s2s.decoding.generation import with_end
from s2s.decoding.search import Hypothesis
from s2s.text.tokens import UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import Vocabulary

WORD = re.compile(r"\S+|\s")  # as a vocabulary of words cuts a line
UNIT = re.compile(r"[\w'’-]+|[^\w\s]|\s")  # a word, any other character


@dataclass(frozen=True)
class Source:
    """A line as a model reads it.

    Attributes:
        line: as it was written
        text: as it is read, in which `UNKNOWN_CHARACTER` may stand for a word
        ids: its tokens, without END
        unknown: what each UNK among them stands for
    """

    line: str
    text: str
    ids: list[int]
    unknown: Sequence[str] = ()


def read(line: str, ids: list[int], vocabulary: Vocabulary) -> Source:
    """The line, whose tokens are `ids`.

    Where tokens are smaller than words, a word with a character never seen in training is one UNK as a whole: no name
    is translated by halves, and it is what `augmentation` taught the model to copy. White space never seen is a space.
    """
    if UNK not in ids:
        return Source(line, line, ids)
    pieces = vocabulary.pieces(line)
    if vocabulary.kind == "word":
        return Source(line, line, ids, [piece for piece, i in zip(pieces, ids) if i == UNK])
    seen = "".join(UNKNOWN_CHARACTER * len(piece) if i == UNK else piece for piece, i in zip(pieces, ids))
    units: list[str] = []
    unknown: list[list[str]] = []
    for unit in UNIT.finditer(line):
        if UNKNOWN_CHARACTER not in seen[unit.start() : unit.end()]:
            units.append(unit[0])
        elif unit[0].isspace():
            units.append(" ")
        elif units[-1:] == [UNKNOWN_CHARACTER]:  # neighbours are one token
            unknown[-1].append(unit[0])
        else:
            units.append(UNKNOWN_CHARACTER)
            unknown.append([unit[0]])
    text = "".join(units)
    return Source(line, text, vocabulary.encode(text), ["".join(parts) for parts in unknown])


def is_foreign(source: Source, vocabulary: Vocabulary) -> bool:
    """Whether the line has nothing to translate: some of it is unknown, and in the rest is no letter or digit."""
    if not source.unknown:
        return False
    known = (piece for piece, i in zip(vocabulary.pieces(source.text), source.ids) if i != UNK)
    return not any(character.isalnum() for piece in known for character in piece)


def with_copies(
    hypothesis: Hypothesis, target: Vocabulary, source: Source, vocabulary: Vocabulary
) -> tuple[str, list[str]]:
    """The text of the hypothesis, with what `vocabulary`, that of the source, does not know; and its tokens' labels.

    An unknown token that the decoder wrote becomes the unknown one of the source that it looked at most, of those not
    copied yet (Luong et al., 2015b, section 3.3, with attention for an aligner). Where tokens are words, it may also
    become a known one, and that is all: training had unknown words, and taught the decoder which of them to copy.
    Smaller tokens are unknown where a character was never seen: what the decoder left out is put where it was looked at
    most, so that nothing is lost, and an unknown token too many reads nothing.
    """
    weights, tokens = hypothesis.attention, hypothesis.tokens
    labels = target.tokens(with_end(hypothesis))
    if weights is None or not (source.unknown or UNK in tokens):
        return target.decode(tokens), labels
    pieces = vocabulary.pieces(source.text)
    left = dict(zip((position for position, i in enumerate(source.ids) if i == UNK), source.unknown))
    words = target.kind == "word"
    copies = []
    for step in (step for step, token in enumerate(tokens) if token == UNK):
        choice = list(left) or (range(len(pieces)) if words else [])
        position = max(choice, key=weights[step].tolist().__getitem__, default=None)
        copies.append("" if position is None else left.pop(position, pieces[position]))
        labels[step] = copies[-1] or labels[step]
    if words:
        return target.decode(tokens, copies), labels
    text = _inserted(hypothesis, target, copies, pieces, weights[:, : len(pieces)], left)
    return re.sub(" {2,}", " ", text) if "" in copies else text, labels


def _inserted(
    hypothesis: Hypothesis,
    target: Vocabulary,
    copies: Sequence[str],
    pieces: Sequence[str],
    weights: Tensor,
    left: dict[int, str],
) -> str:
    """What is `left`, by its position, before the token whose step looked at it most, or before that token's word."""
    tokens, text = hypothesis.tokens, target.decode(hypothesis.tokens, copies)
    places = []
    for position in left:
        before = tokens[: int(weights[:, position].argmax())]
        place = len(target.decode(before, copies[: before.count(UNK)]))
        while 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum():
            place -= 1
        places.append((place, position))
    neighbours = ["", *pieces, ""]
    for place, position in sorted(places, reverse=True):  # from the right, so that places stay what they are
        start, end = text[:place], text[place:]
        before, after = neighbours[position], neighbours[position + 2]
        spaced_before = start and not start[-1].isspace() and (not before or before[-1].isspace())
        spaced_after = end[:1].isalnum() and not after[:1].isalnum()
        text = start + " " * bool(spaced_before) + left[position] + " " * spaced_after + end
    return text

"""What a vocabulary does not know passes through a translation as it is, to the place that attention gives it."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from s2s.search import Hypothesis
from s2s.vocabulary import UNK, Vocabulary


def is_foreign(text: str, ids: Sequence[int], source: Vocabulary) -> bool:
    """Whether there are unknown tokens in `text`, and among the known ones no letter or digit: nothing to translate."""
    if UNK not in ids:
        return False
    known = (piece for piece, i in zip(source.pieces(text), ids) if i != UNK)
    return not any(character.isalnum() for piece in known for character in piece)


def with_copies(hypothesis: Hypothesis, target: Vocabulary, text: str, ids: Sequence[int], source: Vocabulary) -> str:
    """The text of the hypothesis, in which nothing that `source` does not know of `text` is lost.

    An unknown token that the decoder wrote becomes the source token it looked at most, one that is unknown and not
    copied yet if there is any (Luong et al., 2015b, section 3.3, with attention for an aligner). Where tokens are words
    that is all: training had unknown words, and taught the decoder which to copy. Smaller tokens are unknown where a
    character was never seen; what the decoder did not copy of these is put where it was looked at most.
    """
    weights, tokens = hypothesis.attention, hypothesis.tokens
    lost = [position for position, i in enumerate(ids) if i == UNK]
    if weights is None or not (lost or UNK in tokens):
        return target.decode(tokens)
    pieces = source.pieces(text)
    weights = weights[:, : len(pieces)]  # without END
    copies = []
    for step in (step for step, token in enumerate(tokens) if token == UNK):
        choice = lost or range(len(pieces))
        position = max(choice, key=weights[step].tolist().__getitem__)
        lost = [other for other in lost if other != position]
        copies.append(pieces[position])
    return _inserted(hypothesis, target, copies, pieces, weights, lost if target.kind != "word" else [])


def _inserted(
    hypothesis: Hypothesis,
    target: Vocabulary,
    copies: Sequence[str],
    pieces: Sequence[str],
    weights: Tensor,
    lost: Sequence[int],
) -> str:
    """Each of the `lost` pieces before the token whose step looked at it most, or before the word around that token."""
    tokens, text = hypothesis.tokens, target.decode(hypothesis.tokens, copies)
    places: list[tuple[int, int]] = []
    for position in lost:
        before = tokens[: int(weights[:, position].argmax())]
        place = len(target.decode(before, copies[: before.count(UNK)]))
        while 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum():
            place -= 1
        places.append((place, position))
    neighbours = ["", *pieces, ""]
    for place, position in sorted(places, reverse=True):  # from the right, so that places stay what they are
        left, right = text[:place], text[place:]
        before, after = neighbours[position], neighbours[position + 2]
        spaced_left = left and not left[-1].isspace() and (not before or before[-1].isspace())
        spaced_right = right[:1].isalnum() and not after[:1].isalnum()
        text = left + " " * bool(spaced_left) + pieces[position].strip() + " " * spaced_right + right
    return text

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

    An unknown token that the decoder wrote becomes the source token it looked at most, an unknown one if there is any
    (Luong et al., 2015b, section 3.3, with attention for an aligner). Where tokens are words, that is all: the decoder
    was trained to say when it wants to copy. Smaller tokens are unknown only where a character was never seen in
    training; then the decoder hardly ever writes one, so what is left over is put where it was looked at most.
    """
    weights, tokens = hypothesis.attention, hypothesis.tokens
    unknown = [position for position, i in enumerate(ids) if i == UNK]
    written = [step for step, token in enumerate(tokens) if token == UNK]
    if weights is None or not (unknown or written):
        return target.decode(tokens)
    pieces = source.pieces(text)
    weights = weights[:, : len(pieces)]  # without END
    choice = unknown or list(range(len(pieces)))
    looked = [choice[i] for i in weights[written][:, choice].argmax(1).tolist()]
    copies = [pieces[position] for position in looked]
    if target.kind == "word":
        return target.decode(tokens, copies)
    lost = [position for position in unknown if position not in looked]
    return _inserted(hypothesis, target, copies, pieces, weights, lost)


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
    places = []
    for position in lost:
        before = tokens[: int(weights[:, position].argmax())]
        place = len(target.decode(before, copies[: before.count(UNK)]))
        while 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum():
            place -= 1
        places.append((place, position))
    for place, position in sorted(places, reverse=True):  # from the right, so that places stay what they are
        left, right = text[:place], text[place:]
        spaced_left = position == 0 or (pieces[position - 1] or " ")[-1].isspace()
        spaced_right = right[:1].isalnum() and not "".join(pieces[position + 1 : position + 2])[:1].isalnum()
        text = left + " " * bool(left.strip() and spaced_left) + pieces[position].strip() + " " * spaced_right + right
    return text

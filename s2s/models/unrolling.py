"""From the record of a network to the steps of an unrolled sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from s2s.nn.recording import LayerRun
from s2s.text.tokens import END, SPECIALS, START
from s2s.text.vocabulary import Vocabulary
from s2s.views.unrolled import UnrolledLayer

LIKELIEST = 5  # next tokens that are shown


def unrolled_layers(runs: Mapping[str, LayerRun], t: int, units: int) -> list[UnrolledLayer]:
    """Step t of the first row of layers, by name."""
    return [
        UnrolledLayer(
            name,
            run.states[0].shape[-1],
            {letter: values_of(gate[t, 0], units) for letter, gate in run.gates.items()},
            [values_of(state[t, 0], units) for state in run.before],
            [values_of(state[t, 0], units) for state in run.states],
        )
        for name, run in runs.items()
    ]


def values_of(vector: Tensor, units: int | None = None) -> list[float]:
    """The first elements of a vector (dim,)."""
    return vector[:units].float().tolist()


def likeliest(log_probabilities: Tensor, label: Callable[[int], str]) -> list[tuple[str, float]]:
    """The likeliest tokens of one step, (vocabulary,), and their probabilities."""
    best = log_probabilities.topk(min(LIKELIEST, len(log_probabilities)))
    return [(label(int(token)), float(value.exp())) for token, value in zip(best.indices, best.values)]


def token_label(vocabulary: Vocabulary, token: int) -> str:
    """What a reader sees of a token: its text, `<s>` and the like for special ones, `<copy 1>` for a placeholder."""
    if token >= vocabulary.first_placeholder:
        return f"<copy {token - vocabulary.first_placeholder + 1}>"
    return vocabulary.tokens([token])[0].strip() or "␣"


def shown_piece(piece: str, *, begins: bool = False) -> str:
    """What a reader sees of a part of a text, where START and END are empty."""
    return piece.strip() or ("␣" if piece else SPECIALS[START if begins else END])

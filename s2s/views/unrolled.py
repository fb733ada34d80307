"""A sentence unrolled: what a recurrent model computes at each step, in the order in which it computes it.

An application registers how its models are unrolled under the entry-point group "s2s.unrolled", by the kind of the
models (see s2s/plugins.py): a function as `Unroll` describes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

Values = Sequence[float]
LONGEST = 200  # tokens of a sentence: of a longer one nobody looks at each step


@dataclass(frozen=True)
class UnrolledLayer:
    """One step of a layer, of its first units alone.

    Attributes:
        name: for the reader, such as "layer 1, right to left"
        dim: how many units the layer has
        gates: by their letters in the equation of the cell ("i", "f", "g", "o"; "r", "z", "n"; or "h"), activated
        before, after: the states before and after the step: hidden, and cell of an LSTM
    """

    name: str
    dim: int
    gates: Mapping[str, Values]
    before: Sequence[Values]
    after: Sequence[Values]


@dataclass(frozen=True)
class UnrolledStep:
    """One step.

    Attributes:
        part: of the model, such as "encoder, layer 1, left to right", or "decoder"
        token: that is read
        position: of the token in its sentence, from 0
        embedding: of the token, its first units alone; None where the layer reads the layer below
        layers: those that are computed in this step, from the bottom
        attention: weights of the source tokens; None where the step does not look
        likeliest: the likeliest next tokens and their probabilities, in descending order; none in an encoder
        following: the token that follows in the sentence; None behind the last one, and in an encoder
    """

    part: str
    token: str
    position: int
    embedding: Values | None
    layers: Sequence[UnrolledLayer]
    attention: Values | None = None
    likeliest: Sequence[tuple[str, float]] = ()
    following: str | None = None


@dataclass(frozen=True)
class Unrolled:
    """A sentence.

    Attributes:
        steps: in the order of their computation
        source: the tokens that attention looks at; none where there is no attention
        embedding_dim: units of an embedding
    """

    steps: Sequence[UnrolledStep]
    source: Sequence[str]
    embedding_dim: int


@dataclass(frozen=True)
class SentenceToUnroll:
    """A sentence whose steps are asked for.

    Attributes:
        text: one line
        target: a given translation; None for the model's own, or for a model that does not translate
        units: how many units of each vector, at most
        device, threads: what computes, as the options of the command line name it
    """

    text: str
    target: str | None = None
    units: int = 32
    device: str = "auto"
    threads: int | None = None


class Unroll(Protocol):
    """Unrolls a sentence.

    Raises:
        UserError: the model is damaged, cannot read such a sentence, or the sentence has more than `LONGEST` tokens.
    """

    def __call__(self, directory: Path, sentence: SentenceToUnroll) -> Unrolled:
        """The steps of a model over a sentence."""
        ...

"""Contracts between encoders, decoders, search and training.

An encoder makes a `Memory`. A decoder looks at it and writes: `start` gives its state before the first token, `step`
reads one token of every row (decoding), and `forward` reads all tokens at once (teacher forcing, training). The state
belongs to the decoder that made it: search, training and ensembles move its rows and never look inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self, TypeVar

from s2s.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

Item = TypeVar("Item")
Result = TypeVar("Result")


class State(Protocol):
    """What a decoder knows between two steps.

    Rows lie sentence by sentence: rows = sentences * rows of each, and every sentence has as many rows as any other.
    """

    @property
    def sentences(self) -> int:
        """How many sentences there are."""
        ...

    @property
    def mask(self) -> Array | None:
        """(sentences, positions), True where a position of the memory is real; None where all are or there is none."""
        ...

    def reorder(self, parents: Array) -> Self:
        """The state whose row i continues row parents[i]; parents (new rows,) int64, as many for each sentence."""
        ...

    def keep(self, sentences: Array) -> Self:
        """The state of these sentences alone, with all their rows; sentences (n,) int64, ascending."""
        ...

    def repeat(self, times: int) -> Self:
        """Every row `times` times, side by side."""
        ...

    def detach(self) -> Self:
        """The same state without its history: no gradient flows back through it."""
        ...


class Likeliest(NamedTuple):
    """The likeliest tokens of each row.

    Attributes:
        values: (rows, count) float32, their log-probabilities, descending
        tokens: (rows, count) int64; of equals, the lower id comes first
    """

    values: Array
    tokens: Array


class Step(Protocol):
    """The answer of one step. Search keeps these arrays: a step must not write to them again."""

    @property
    def log_probabilities(self) -> Array:
        """(rows, vocabulary) float32, natural logarithms; read only where `likeliest` is None."""
        ...

    @property
    def likeliest(self) -> Likeliest | None:
        """What an engine found inside of the step, where it was asked to (see `Network.searching`); else None."""
        ...

    @property
    def attention(self) -> Array | None:
        """(rows, positions), with as many positions at every step; None where the decoder does not look."""
        ...

    @property
    def state(self) -> State:
        """The state after the step."""
        ...


@dataclass(frozen=True)
class DecoderStep:
    """A `Step` with the log-probabilities of all tokens."""

    log_probabilities: Array
    state: State
    attention: Array | None = None
    likeliest: None = None


class Search(Protocol):
    """A network while it is searched with: it starts and steps."""

    def start(self, inputs: Any) -> State:
        """Encode, and return the decoder's state before START."""
        ...

    def step(self, tokens: Array, state: Any) -> Step:
        """Read one token a row: tokens (rows,) int64 -> what follows them."""
        ...


class Network(Protocol):
    """What search needs of a model, whichever engine computes it: PyTorch or ONNX Runtime."""

    def searching(self, likeliest: int | None = None) -> AbstractContextManager[Search]:
        """A context to search in.

        Args:
            likeliest: how many tokens of each row a step has to report; None if all log-probabilities are needed
        """
        ...

    def array(self, values: NDArray[Any]) -> Array:
        """A NumPy array as the engine's own, where it computes."""
        ...

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Apply `function` to each item and yield the results in order, with several items in work at the same time."""
        ...


@dataclass(frozen=True)
class Sampled:
    """What attention that samples positions reports of its choices, for training by REINFORCE (Xu et al., 2015, 4.1).

    Attributes:
        log_probability: (rows, time), of the positions that were sampled
        entropy: (rows, time), in nats, of the distribution that they were sampled from
    """

    log_probability: Tensor
    entropy: Tensor


@dataclass(frozen=True)
class Output:
    """All steps of a decoder under teacher forcing.

    Attributes:
        features: (rows, time, dim), from which `Decoder.readout` makes logits
        attention: (rows, time, positions), or None where the decoder does not look
        state: after the last step
        sampled: what attention sampled; None for soft attention
        tokens: (rows, time), what was read where scheduled sampling replaced some tokens; else None
        mixture: (rows, time, positions), log-probabilities of the positions, where the next token's probability is the
            mean over all of them; the features are then (rows, time, positions, dim). Else None
    """

    features: Tensor
    attention: Tensor | None
    state: State
    sampled: Sampled | None = None
    tokens: Tensor | None = None
    mixture: Tensor | None = None


@dataclass(frozen=True)
class Predictions:
    """What a model returns in training.

    Attributes:
        logits: (n, vocabulary), at the n positions that the mask of the call names, row by row
        attention: (rows, time, positions), or None where the decoder does not look
        memory_mask: (sentences, positions), True where real, or None where all are; sentences <= rows
        sampled: what attention sampled; None for soft attention
    """

    logits: Tensor
    attention: Tensor | None = None
    memory_mask: Tensor | None = None
    sampled: Sampled | None = None

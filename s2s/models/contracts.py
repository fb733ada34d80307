"""Contracts between encoders, decoders, search and training.

An encoder makes a `Memory`. A decoder looks at it and writes: `start` gives its state before the first token, `step`
reads one token of every row (decoding), and `forward` reads all tokens at once (teacher forcing, training). The state
belongs to the decoder that made it: search, training and ensembles move its rows and never look inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, Self

from torch import Tensor, nn

from s2s.errors import UserError
from s2s.models.memory import Memory


class State(Protocol):
    """What a decoder knows between two steps.

    Rows lie sentence by sentence: rows = sentences * rows of each, and every sentence has as many rows as any other.
    """

    @property
    def sentences(self) -> int:
        """How many sentences there are."""
        ...

    @property
    def mask(self) -> Tensor | None:
        """(sentences, positions), True where a position of the memory is real; None where all are or there is none."""
        ...

    def reorder(self, parents: Tensor) -> Self:
        """The state whose row i continues row parents[i]; parents (new rows,) int64, as many for each sentence."""
        ...

    def keep(self, sentences: Tensor) -> Self:
        """The state of these sentences alone, with all their rows; sentences (n,) int64, ascending."""
        ...

    def repeat(self, times: int) -> Self:
        """Every row `times` times, side by side."""
        ...

    def detach(self) -> Self:
        """The same state without its history: no gradient flows back through it."""
        ...


class Step(Protocol):
    """The answer of one step. Search keeps these tensors: a step must not write to them again."""

    @property
    def log_probabilities(self) -> Tensor:
        """(rows, vocabulary) float32, natural logarithms."""
        ...

    @property
    def attention(self) -> Tensor | None:
        """(rows, positions), with as many positions at every step; None where the decoder does not look."""
        ...

    @property
    def state(self) -> State:
        """The state after the step."""
        ...


@dataclass(frozen=True)
class DecoderStep:
    """A decoder's `Step`."""

    log_probabilities: Tensor
    state: State
    attention: Tensor | None = None


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
    """

    features: Tensor
    attention: Tensor | None
    state: State
    sampled: Sampled | None = None
    tokens: Tensor | None = None


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


class Decoder(nn.Module):
    """What every decoder offers, recurrent or not."""

    embedding: nn.Embedding

    def start(self, memory: Memory | None, *, sentences: int | None = None) -> Any:
        """The state before START, of one row a sentence.

        Args:
            memory: what the decoder looks at; None for a decoder that was built without one, such as a language model
            sentences: how many there are, where there is no memory that tells
        """
        raise NotImplementedError

    def step(self, tokens: Tensor, state: Any) -> DecoderStep:
        """Read one token a row: tokens (rows,) -> the next token's log-probabilities."""
        raise NotImplementedError

    def forward(self, tokens: Tensor, state: Any) -> Output:
        """Teacher forcing: read tokens (rows, time), START first, all at once."""
        raise NotImplementedError

    def readout(self, features: Tensor) -> Tensor:
        """(..., dim) -> logits (..., vocabulary)."""
        raise NotImplementedError

    def scheduled(self, tokens: Tensor, state: Any, sampling_probability: float) -> Output:
        """Scheduled sampling, for decoders that compute one step after the other (see `SequentialDecoder.scheduled`).

        Raises:
            UserError: this decoder computes all steps at once
        """
        raise UserError(
            f"{type(self).__name__} reads all words at once, so scheduled sampling cannot feed its own words back: "
            "choose a decoder.kind among input_feeding, show_and_tell, show_attend_tell and top_down, or leave "
            "scheduled_sampling out"
        )

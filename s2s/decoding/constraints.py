"""Constraints on what a search may write: functions on the scores of each step, which search itself need not know.

`constrain` puts a constraint around a step function and its state. Beam search, greedy search and sampling run on the
result as on any other step function.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from s2s.decoding.search import StepFunction
from s2s.models.contracts import DecoderStep, State


class Constraint(Protocol):
    """What a constraint remembers of each row, and what it does to the scores of the row's next token.

    Rows lie as those of a `State`, and are moved by the same calls.
    """

    def read(self, tokens: Tensor) -> Self:
        """The constraint after each row has been continued by a token, (rows,) int64."""
        ...

    def apply(self, log_probabilities: Tensor) -> Tensor:
        """The scores of the next tokens, (rows, vocabulary) float32; the argument stays as it is."""
        ...

    def reorder(self, parents: Tensor) -> Self:
        """See `State.reorder`."""
        ...

    def keep(self, sentences: Tensor, total: int) -> Self:
        """See `State.keep`; there are `total` sentences before."""
        ...

    def repeat(self, times: int) -> Self:
        """See `State.repeat`."""
        ...


@dataclass(frozen=True)
class ConstrainedState:
    """The state of a decoder together with that of a constraint."""

    decoder: State
    constraint: Constraint

    @property
    def sentences(self) -> int:
        """See `State`."""
        return self.decoder.sentences

    @property
    def mask(self) -> Tensor | None:
        """See `State`."""
        return self.decoder.mask

    def reorder(self, parents: Tensor) -> ConstrainedState:
        """See `State`."""
        return ConstrainedState(self.decoder.reorder(parents), self.constraint.reorder(parents))

    def keep(self, sentences: Tensor) -> ConstrainedState:
        """See `State`."""
        return ConstrainedState(self.decoder.keep(sentences), self.constraint.keep(sentences, self.sentences))

    def repeat(self, times: int) -> ConstrainedState:
        """See `State`."""
        return ConstrainedState(self.decoder.repeat(times), self.constraint.repeat(times))

    def detach(self) -> ConstrainedState:
        """See `State`."""
        return ConstrainedState(self.decoder.detach(), self.constraint)


def constrain(step: StepFunction, state: State, constraint: Constraint) -> tuple[StepFunction, State]:
    """A step function and a first state whose scores obey `constraint`.

    Args:
        step: of the decoder; it may be constrained already
        state: its first state
        constraint: with one row for each row of the state
    """

    def constrained(tokens: Tensor, state: Any) -> DecoderStep:
        result, read = step(tokens, state.decoder), state.constraint.read(tokens)
        scores = read.apply(result.log_probabilities)
        return DecoderStep(scores, ConstrainedState(result.state, read), result.attention)

    return constrained, ConstrainedState(state, constraint)


@dataclass(frozen=True)
class WriteOnce:
    """Every placeholder that a sentence needs is written exactly once, and no other one is written.

    A hypothesis that still lacks a placeholder cannot end. The probability of END goes to the first placeholder that it
    lacks, so that a model that forgot one writes it where it would have ended, rather than anything else.

    Attributes:
        missing: (rows, placeholders) bool, which ones a row still has to write
        first: the token id of the first placeholder; those of the others follow
        end: the token id of END
    """

    missing: Tensor
    first: int
    end: int

    @classmethod
    def of(
        cls, needed: Sequence[Sequence[int]], *, first: int, count: int, end: int, device: torch.device | str
    ) -> WriteOnce:
        """The constraint before the first token; `needed` has the token ids of each sentence's placeholders."""
        missing = torch.zeros(len(needed), count, dtype=torch.bool)
        for row, ids in enumerate(needed):
            missing[row, [i - first for i in ids]] = True
        return cls(missing.to(device), first, end)

    def read(self, tokens: Tensor) -> WriteOnce:
        """See `Constraint`."""
        numbers = torch.arange(self.first, self.first + self.missing.shape[1], device=tokens.device)
        return replace(self, missing=self.missing & (tokens[:, None] != numbers))

    def apply(self, log_probabilities: Tensor) -> Tensor:
        """See `Constraint`."""
        scores, last = log_probabilities.clone(), self.first + self.missing.shape[1]
        scores[:, self.first : last].masked_fill_(~self.missing, -math.inf)
        rows = self.missing.any(1).nonzero().squeeze(1)  # those that cannot end yet
        next_missing = self.first + self.missing[rows].byte().argmax(1)
        scores[rows, next_missing] = torch.logaddexp(scores[rows, next_missing], scores[rows, self.end])
        scores[rows, self.end] = -math.inf
        return scores

    def reorder(self, parents: Tensor) -> WriteOnce:
        """See `Constraint`."""
        return replace(self, missing=self.missing[parents])

    def keep(self, sentences: Tensor, total: int) -> WriteOnce:
        """See `Constraint`."""
        return replace(self, missing=keep_rows(self.missing, sentences, total))

    def repeat(self, times: int) -> WriteOnce:
        """See `Constraint`."""
        return replace(self, missing=self.missing.repeat_interleave(times, 0))


def keep_rows(rows: Tensor, sentences: Tensor, total: int) -> Tensor:
    """The rows of some of `total` sentences, which have equally many each: (rows, ...) -> (fewer rows, ...)."""
    return rows.unflatten(0, (total, -1))[sentences].flatten(0, 1)

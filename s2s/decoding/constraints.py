"""Constraints on what a search may write: functions on the scores of each step, which search itself need not know.

`constrain` puts a constraint around a step function and its state. Beam search, greedy search and sampling run on the
result as on any other step function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np

from s2s.arrays import Array, namespace, repeat
from s2s.decoding.search import StepFunction
from s2s.models.contracts import DecoderStep, State


class Constraint(Protocol):
    """What a constraint remembers of each row, and what it does to the scores of the row's next token.

    Rows lie as those of a `State`, and are moved by the same calls.
    """

    def read(self, tokens: Array) -> Self:
        """The constraint after each row has been continued by a token, (rows,) int64."""
        ...

    def apply(self, log_probabilities: Array, attention: Array | None = None) -> Array:
        """The scores of the next tokens, (rows, vocabulary) float32; the arguments stay as they are.

        Args:
            log_probabilities: (rows, vocabulary) float32
            attention: of the step, (rows, positions); None if there is none
        """
        ...

    def reorder(self, parents: Array) -> Self:
        """See `State.reorder`."""
        ...

    def keep(self, sentences: Array, total: int) -> Self:
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
    def mask(self) -> Array | None:
        """See `State`."""
        return self.decoder.mask

    def reorder(self, parents: Array) -> ConstrainedState:
        """See `State`."""
        return ConstrainedState(self.decoder.reorder(parents), self.constraint.reorder(parents))

    def keep(self, sentences: Array) -> ConstrainedState:
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

    def constrained(tokens: Array, state: Any) -> DecoderStep:
        result, read = step(tokens, state.decoder), state.constraint.read(tokens)
        scores = read.apply(result.log_probabilities, result.attention)
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

    missing: Array
    first: int
    end: int

    @classmethod
    def of(
        cls, needed: Sequence[Sequence[int]], array: Callable[[Any], Array], *, first: int, count: int, end: int
    ) -> WriteOnce:
        """The constraint before the first token.

        Args:
            needed: the token ids of each sentence's placeholders
            array: brings a NumPy array where the search runs (see `Network.array`)
            first, end: see the class
            count: how many placeholders there are
        """
        missing = np.zeros((len(needed), count), dtype=np.bool_)
        for row, ids in enumerate(needed):
            missing[row, [i - first for i in ids]] = True
        return cls(array(missing), first, end)

    def read(self, tokens: Array) -> WriteOnce:
        """See `Constraint`."""
        numbers = namespace(tokens).arange(self.first, self.first + self.missing.shape[1], device=tokens.device)
        return replace(self, missing=self.missing & (tokens[:, None] != numbers))

    def apply(self, log_probabilities: Array, attention: Array | None = None) -> Array:
        """See `Constraint`."""
        xp, last = namespace(log_probabilities), self.first + self.missing.shape[1]
        scores = xp.asarray(log_probabilities, copy=True)
        scores[:, self.first : last] = xp.where(self.missing, scores[:, self.first : last], -math.inf)
        rows = xp.nonzero(xp.any(self.missing, axis=1))[0]  # those that cannot end yet
        next_missing = self.first + xp.argmax(xp.astype(self.missing[rows], xp.uint8), axis=1)
        scores[rows, next_missing] = xp.logaddexp(scores[rows, next_missing], scores[rows, self.end])
        scores[rows, self.end] = -math.inf
        return scores

    def reorder(self, parents: Array) -> WriteOnce:
        """See `Constraint`."""
        return replace(self, missing=self.missing[parents])

    def keep(self, sentences: Array, total: int) -> WriteOnce:
        """See `Constraint`."""
        return replace(self, missing=keep_rows(self.missing, sentences, total))

    def repeat(self, times: int) -> WriteOnce:
        """See `Constraint`."""
        return replace(self, missing=repeat(self.missing, times))


def keep_rows(rows: Array, sentences: Array, total: int) -> Array:
    """The rows of some of `total` sentences, which have equally many each: (rows, ...) -> (fewer rows, ...)."""
    each, rest = len(rows) // total, rows.shape[1:]
    return rows.reshape(total, each, *rest)[sentences].reshape(len(sentences) * each, *rest)

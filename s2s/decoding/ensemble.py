"""Ensembles: several models that write one sentence together, by the mean of their probabilities at each step.

The models may differ in everything but their vocabulary and the number of their grids' positions (Sutskever et al.,
2014, section 3.6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any

from numpy.typing import NDArray

from s2s.arrays import Array, namespace
from s2s.models.contracts import DecoderStep, Item, Network, Result, Search, State


@dataclass(frozen=True)
class EnsembleState:
    """The `State` of an ensemble: one of each model."""

    members: tuple[State, ...]

    @property
    def sentences(self) -> int:
        """See `State`."""
        return self.members[0].sentences

    @property
    def mask(self) -> Array | None:
        """See `State`; that of the first model that has one."""
        return next((state.mask for state in self.members if state.mask is not None), None)

    def reorder(self, parents: Array) -> EnsembleState:
        """See `State`."""
        return EnsembleState(tuple(state.reorder(parents) for state in self.members))

    def repeat(self, times: int) -> EnsembleState:
        """See `State`."""
        return EnsembleState(tuple(state.repeat(times) for state in self.members))

    def keep(self, sentences: Array) -> EnsembleState:
        """See `State`."""
        return EnsembleState(tuple(state.keep(sentences) for state in self.members))

    def detach(self) -> EnsembleState:
        """See `State`."""
        return EnsembleState(tuple(state.detach() for state in self.members))


@dataclass(frozen=True)
class EnsembleSearch:
    """The `Search` of an ensemble: one of each model."""

    members: tuple[Search, ...]

    def start(self, inputs: Any) -> EnsembleState:
        """See `Search`: each model has its own encoder."""
        return EnsembleState(tuple(member.start(inputs) for member in self.members))

    def step(self, tokens: Array, state: EnsembleState) -> DecoderStep:
        """See `Search`. Attention is the mean over the models that look."""
        steps = [member.step(tokens, own) for member, own in zip(self.members, state.members)]
        xp = namespace(tokens)
        total = reduce(xp.logaddexp, [step.log_probabilities for step in steps])
        looks = [step.attention for step in steps if step.attention is not None]
        return DecoderStep(
            total - math.log(len(steps)),
            EnsembleState(tuple(step.state for step in steps)),
            xp.mean(xp.stack(looks), axis=0) if looks else None,
        )


class Ensemble:
    """Models with one vocabulary, of one engine, in the place of one model."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self.members = tuple(networks)

    @contextmanager
    def searching(self, likeliest: int | None = None) -> Iterator[EnsembleSearch]:
        """See `Network`. The mean needs all log-probabilities of each model."""
        with ExitStack() as stack:
            yield EnsembleSearch(tuple(stack.enter_context(member.searching()) for member in self.members))

    def array(self, values: NDArray[Any]) -> Array:
        """See `Network`."""
        return self.members[0].array(values)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """See `Network`."""
        return self.members[0].map(function, items)

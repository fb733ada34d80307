"""Tables of log-probabilities that stand in for a model in tests of search, and a call for each kind of search.

Tests write tables as torch tensors. A search runs in the library of the tables that it is given, so that
`run_beam(library(tables), 9)` searches in either: see the fixture `library`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2s.arrays import Array, namespace, repeat, take
from s2s.decoding.beam import beam
from s2s.decoding.greedy import greedy
from s2s.decoding.sampling import sample
from s2s.decoding.search import BeamOptions, Hypothesis, SamplingOptions
from s2s.models.contracts import DecoderStep, Likeliest, State, Step

PAD, UNK, START, END = 0, 1, 2, 3
BANNED = (PAD, START)

Limits = int | Sequence[int] | Tensor | NDArray[np.int64]
Library = Callable[[Any], Array]  # a torch tensor as an array of the library
LIBRARIES: dict[str, Library] = {"torch": torch.as_tensor, "numpy": np.asarray}


@dataclass(frozen=True)
class TableState:
    """The table of each sentence, and of each hypothesis the token before the last and all tokens that it has read."""

    tables: Array  # (n, vocabulary, vocabulary, vocabulary)
    previous: Array  # (rows,)
    read: Array  # (rows, positions), newest first
    kept: list[int] = field(default_factory=list)  # the number of sentences that stayed, each time that some left

    @property
    def sentences(self) -> int:
        return len(self.tables)

    @property
    def mask(self) -> None:
        return None

    def reorder(self, parents: Array) -> TableState:
        return TableState(self.tables, self.previous[parents], self.read[parents], self.kept)

    def repeat(self, times: int) -> TableState:
        xp = namespace(self.previous)
        return self.reorder(repeat(xp.arange(len(self.previous)), times))

    def detach(self) -> TableState:
        return self

    def keep(self, sentences: Array) -> TableState:
        self.kept.append(len(sentences))
        n, positions = len(self.tables), self.read.shape[1]
        previous = self.previous.reshape(n, -1)[sentences].reshape(-1)
        read = self.read.reshape(n, -1, positions)[sentences].reshape(-1, positions)
        return TableState(self.tables[sentences], previous, read, self.kept)


def table_step(tokens: Array, state: TableState) -> DecoderStep:
    """A second-order Markov model. Its "attention" is all tokens read, in which any wrong reordering shows."""
    xp = namespace(tokens)
    assert tokens.dtype == xp.int64
    assert tokens.shape == state.previous.shape
    sentences = repeat(xp.arange(len(state.tables)), len(tokens) // len(state.tables))
    log_probabilities = state.tables[sentences, state.previous, tokens]
    read = xp.concat((xp.astype(tokens[:, None], xp.float32), state.read[:, :-1]), axis=1)
    return DecoderStep(log_probabilities, TableState(state.tables, tokens, read, state.kept), read)


def blind_step(tokens: Array, state: TableState) -> DecoderStep:
    """The same model without attention."""
    step = table_step(tokens, state)
    return DecoderStep(step.log_probabilities, step.state, None)


@dataclass(frozen=True)
class LikeliestStep:
    """A step that reports only its likeliest tokens, as those of ONNX Runtime do."""

    likeliest: Likeliest
    state: State
    attention: Array | None

    @property
    def log_probabilities(self) -> Array:
        raise AssertionError("search reads all log-probabilities although the step reports the likeliest")


@dataclass(frozen=True)
class TableSearch:
    """The `Search` of a `TableNetwork`; its inputs are the numbers of tables, (n,) int64."""

    tables: Array
    count: int | None

    def start(self, inputs: NDArray[np.int64]) -> TableState:
        return initial_state(self.tables[inputs])

    def step(self, tokens: Array, state: TableState) -> Step:
        step = table_step(tokens, state)
        if self.count is None:
            return step
        xp, count = namespace(tokens), min(self.count, step.log_probabilities.shape[1])
        order = xp.argsort(-step.log_probabilities, axis=1, stable=True)[:, :count]
        likeliest = Likeliest(take(step.log_probabilities, order), order)
        return LikeliestStep(likeliest, step.state, step.attention)


@dataclass(frozen=True)
class TableNetwork:
    """The `Network` of tables.

    Attributes:
        tables: (sentences, vocabulary, vocabulary, vocabulary), in the library of the search
        reports: whether steps report only the likeliest tokens where search asks for them
    """

    tables: Array
    reports: bool = False

    @contextmanager
    def searching(self, likeliest: int | None = None) -> Iterator[TableSearch]:
        yield TableSearch(self.tables, likeliest if self.reports else None)

    def array(self, values: NDArray[Any]) -> Array:
        return namespace(self.tables).asarray(values)

    def map(self, function: Callable, items: Sequence) -> Iterator:
        return map(function, items)


def initial_state(tables: Array, positions: int = 24) -> TableState:
    xp, n = namespace(tables), len(tables)
    return TableState(tables, xp.full((n,), PAD, dtype=xp.int64), xp.zeros((n, positions), dtype=xp.float32))


def random_tables(sentences: int, vocabulary: int, seed: int, sharpness: float = 1.5, end: float = 0.0) -> Tensor:
    """Log-probabilities (sentences, vocabulary, vocabulary, vocabulary); `end` lifts the logit of END."""
    shape = (sentences, vocabulary, vocabulary, vocabulary)
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * sharpness
    logits[..., END] += end
    return logits.log_softmax(-1)


def limits_for(tables: Array, limit: Limits) -> Array:
    """The maximum length of each sentence, (sentences,) int64, in the library of the tables."""
    limits = np.broadcast_to(np.asarray(limit, dtype=np.int64), len(tables))
    return namespace(tables).asarray(limits.copy())


def generator_for(tables: Array, seed: int) -> Any:
    """A random generator of the library of the tables."""
    return torch.Generator().manual_seed(seed) if isinstance(tables, Tensor) else np.random.default_rng(seed)


def run_beam(
    tables: Array, limit: Limits, banned: tuple[int, ...] = BANNED, step: Callable = table_step, **options
) -> list[list[Hypothesis]]:
    where: Any = {"start": START, "end": END, "banned": banned}
    return beam(step, initial_state(tables), limits_for(tables, limit), options=BeamOptions(**options), **where)


def run_greedy(
    tables: Array, limit: Limits, banned: tuple[int, ...] = BANNED, step: Callable = table_step, **options: Any
) -> list[Hypothesis]:
    where: Any = {"start": START, "end": END, "banned": banned}
    return greedy(step, initial_state(tables), limits_for(tables, limit), **where, **options)


def sample_words(
    tables: Array,
    limit: Limits = 1,
    seed: int = 0,
    step: Callable = table_step,
    generator: Any = ...,
    numbers: Array | None = None,
    **options: Any,
) -> list[Hypothesis]:
    """Draw with the numbers, or a generator of the library; with None for both, torch's global one."""
    drawn_from = generator_for(tables, seed) if generator is ... else generator
    where: Any = {"start": START, "end": END, "banned": BANNED, "generator": drawn_from, "numbers": numbers}
    return sample(step, initial_state(tables), limits_for(tables, limit), options=SamplingOptions(**options), **where)


def all_searches(tables: Array, limit: int, step: Callable = table_step) -> list[Hypothesis]:
    """The hypotheses of beam search, greedy search and sampling, in one list."""
    wide = run_beam(tables, limit, step=step, width=4, n_best=4)
    found = [hypothesis for hypotheses in wide for hypothesis in hypotheses]
    return found + run_greedy(tables, limit, step=step) + sample_words(tables, limit, step=step)


def log_probability(table: Tensor, tokens: list[int]) -> float:
    """The log-probability of the tokens after START, END among them if it is given."""
    path = [PAD, START, *tokens]
    return sum(float(table[a, b, c]) for a, b, c in zip(path, path[1:], path[2:]))


def outcomes(found: list[Hypothesis]) -> list[tuple[list[int], bool]]:
    """What was found: tokens, and whether END finished them."""
    return [(hypothesis.tokens, hypothesis.finished) for hypothesis in found]


def check_same(found: Sequence[Hypothesis], expected: Sequence[Hypothesis]) -> None:
    """Assert that two searches found the same hypotheses, with the same attention and scores within 1e-5."""
    assert [(h.tokens, h.finished) for h in found] == [(h.tokens, h.finished) for h in expected]
    for own, other in zip(found, expected):
        assert abs(own.score - other.score) <= 1e-5
        assert abs(own.log_probability - other.log_probability) <= 1e-5 * (len(own.tokens) + 1)
        np.testing.assert_array_equal(own.attention, other.attention)

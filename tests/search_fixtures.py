"""Tables of log-probabilities that stand in for a model in tests of search, and a call for each kind of search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from s2s.decoding.beam import beam
from s2s.decoding.greedy import greedy
from s2s.decoding.sampling import sample
from s2s.decoding.search import Hypothesis, SearchOptions
from s2s.models.contracts import DecoderStep

PAD, UNK, START, END = 0, 1, 2, 3
BANNED = (PAD, START)


@dataclass(frozen=True)
class TableState:
    """The table of each sentence, and of each hypothesis the token before the last and all tokens that it has read."""

    tables: Tensor  # (n, vocabulary, vocabulary, vocabulary)
    previous: Tensor  # (rows,)
    read: Tensor  # (rows, positions), newest first
    kept: list[int] = field(default_factory=list)  # the number of sentences that stayed, each time that some left

    @property
    def sentences(self) -> int:
        return len(self.tables)

    @property
    def mask(self) -> None:
        return None

    def reorder(self, parents: Tensor) -> TableState:
        return TableState(self.tables, self.previous[parents], self.read[parents], self.kept)

    def repeat(self, times: int) -> TableState:
        return self.reorder(torch.arange(len(self.previous)).repeat_interleave(times))

    def detach(self) -> TableState:
        return self

    def keep(self, sentences: Tensor) -> TableState:
        self.kept.append(len(sentences))
        n, positions = len(self.tables), self.read.shape[1]
        previous = self.previous.view(n, -1)[sentences].flatten()
        read = self.read.view(n, -1, positions)[sentences].view(-1, positions)
        return TableState(self.tables[sentences], previous, read, self.kept)


def table_step(tokens: Tensor, state: TableState) -> DecoderStep:
    """A second-order Markov model. Its "attention" is all tokens read, in which any wrong reordering shows."""
    assert tokens.dtype == torch.int64
    assert tokens.shape == state.previous.shape
    sentences = torch.arange(len(state.tables)).repeat_interleave(len(tokens) // len(state.tables))
    log_probabilities = state.tables[sentences, state.previous, tokens]
    read = torch.cat((tokens[:, None].float(), state.read[:, :-1]), 1)
    return DecoderStep(log_probabilities, TableState(state.tables, tokens, read, state.kept), read)


def blind_step(tokens: Tensor, state: TableState) -> DecoderStep:
    """The same model without attention."""
    step = table_step(tokens, state)
    return DecoderStep(step.log_probabilities, step.state, None)


def initial_state(tables: Tensor, positions: int = 24) -> TableState:
    n = len(tables)
    return TableState(tables, torch.full((n,), PAD), torch.zeros(n, positions))


def random_tables(sentences: int, vocabulary: int, seed: int, sharpness: float = 1.5, end: float = 0.0) -> Tensor:
    """Log-probabilities (sentences, vocabulary, vocabulary, vocabulary); `end` lifts the logit of END."""
    shape = (sentences, vocabulary, vocabulary, vocabulary)
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * sharpness
    logits[..., END] += end
    return logits.log_softmax(-1)


def run_beam(
    tables: Tensor, limit: int | Tensor, banned: tuple[int, ...] = BANNED, **options
) -> list[list[Hypothesis]]:
    where: Any = {"start": START, "end": END, "maximum_length": limit, "banned": banned}
    return beam(table_step, initial_state(tables), len(tables), options=SearchOptions(**options), **where)


def run_greedy(tables: Tensor, limit: int | Tensor, **options: Any) -> list[Hypothesis]:
    where: Any = {"start": START, "end": END, "maximum_length": limit, "banned": BANNED}
    return greedy(table_step, initial_state(tables), len(tables), **where, **options)


def sample_words(tables: Tensor, limit: int | Tensor = 1, seed: int = 0, **options: Any) -> list[Hypothesis]:
    where: Any = {"start": START, "end": END, "maximum_length": limit, "banned": BANNED}
    where |= {"generator": torch.Generator().manual_seed(seed)} | options
    return sample(table_step, initial_state(tables), len(tables), **where)


def all_searches(tables: Tensor, limit: int, step: Callable = table_step) -> list[Hypothesis]:
    """The hypotheses of beam search, greedy search and sampling, in one list."""
    where: Any = {"start": START, "end": END, "maximum_length": limit, "banned": BANNED}
    n, generator = len(tables), torch.Generator().manual_seed(0)
    wide = beam(step, initial_state(tables), n, options=SearchOptions(width=4, n_best=4), **where)
    likeliest = greedy(step, initial_state(tables), n, **where)
    drawn = sample(step, initial_state(tables), n, generator=generator, **where)
    return [hypothesis for hypotheses in wide for hypothesis in hypotheses] + likeliest + drawn


def log_probability(table: Tensor, tokens: list[int]) -> float:
    """The log-probability of the tokens after START, END among them if it is given."""
    path = [PAD, START, *tokens]
    return sum(float(table[a, b, c]) for a, b, c in zip(path, path[1:], path[2:]))


def outcomes(found: list[Hypothesis]) -> list[tuple[list[int], bool]]:
    """What was found: tokens, and whether END finished them."""
    return [(hypothesis.tokens, hypothesis.finished) for hypothesis in found]

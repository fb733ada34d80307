"""The search for hypotheses that do not compete, which greedy search and sampling share.

Each hypothesis is its own parent at every step, and keeps its slot. A sentence is done when all its hypotheses have
ended. The hypotheses of a beam do compete: see `s2s.decoding.beam`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from s2s.decoding.backpointers import StepRecord, read_hypotheses
from s2s.decoding.search import Hypothesis, StepFunction, remaining_sentences
from s2s.models.contracts import State

# (log_probabilities (n * slots, vocabulary), totals (n, slots) float32: log-probabilities so far, time: steps before
# this one) -> (totals (n, slots), tokens (n, slots) int64, checksum () float32, as `remaining_sentences` takes it).
ChooseTokens = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor, Tensor]]


def search_independently(
    step: StepFunction,
    state: State,
    limits: Tensor,
    choose: ChooseTokens,
    *,
    start: int,
    end: int,
    length_penalty: float,
    slots: int = 1,
) -> list[Hypothesis]:
    """Let `choose` continue every hypothesis until END or the maximum length.

    Args:
        step, start, end: as in `beam`
        state: `slots` rows for each sentence
        limits: (sentences,) int64, the maximum lengths
        choose: chooses the next token of every hypothesis
        length_penalty: for the scores
        slots: how many hypotheses each sentence has

    Returns:
        sentences * slots hypotheses, those of a sentence next to each other.

    Raises:
        UserError: a log-probability is NaN or infinite.
        RuntimeError: a hypothesis of a sentence is left without any token whose probability is above zero.
    """
    records = list[StepRecord]()
    parents = torch.arange(slots, device=limits.device).expand(len(limits), -1)  # (sentences, slots)
    all_lengths = torch.zeros_like(parents)  # (sentences, slots): tokens without END
    all_totals = all_lengths.float()  # (sentences, slots): log-probabilities
    # These are of the n sentences in the batch:
    sentences, batch_limits = torch.arange(len(limits), device=limits.device), limits[:, None]  # (n,), (n, 1)
    lengths, totals = all_lengths.clone(), all_totals.clone()  # (n, slots) each
    tokens, ended = torch.full_like(parents, start), parents < 0  # (n, slots) each
    for time in range(max(limits.tolist(), default=0)):
        result = step(tokens.flatten(), state)
        new_totals, tokens, checksum = choose(result.log_probabilities, totals, time)
        records.append(StepRecord(sentences, tokens, parents[: len(sentences)], result.attention))
        totals = torch.where(ended, totals, new_totals)
        ended = ended | (tokens == end)
        lengths = lengths + ~ended
        ended = ended | (batch_limits == time + 1)
        state, remaining = result.state, remaining_sentences(ended.all(1), checksum)
        if remaining is not None:
            all_totals[sentences], all_lengths[sentences] = totals, lengths
            if not len(remaining):
                break
            sentences, batch_limits, state = sentences[remaining], batch_limits[remaining], state.keep(remaining)
            tokens, ended = tokens[remaining], ended[remaining]
            totals, lengths = totals[remaining], lengths[remaining]
    steps = all_lengths + (all_lengths < limits[:, None])  # (sentences, slots): with END
    scores = all_totals / steps**length_penalty
    # A hypothesis without any possible token is an error of its sentence: leaving it out would shift all that follow.
    scores = scores.masked_fill((scores == -math.inf).any(1, keepdim=True), -math.inf)
    found = read_hypotheses(records, scores, all_lengths, parents, limits, length_penalty)
    return [hypothesis for hypotheses in found for hypothesis in hypotheses]

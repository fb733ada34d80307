"""Several models that write one sentence together: at each step the mean of their probabilities.

They may differ in all but their tokens and the number of their grids' positions (Sutskever et al., 2014, 3.6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.recurrent_decoder import DecoderState


@dataclass(frozen=True)
class EnsembleState:
    """What each of the models knows; see `s2s.decoding.search.State`."""

    members: tuple[DecoderState, ...]

    def reorder(self, parents: Tensor) -> EnsembleState:
        """Row i becomes a copy of row parents[i], in all of them."""
        return EnsembleState(tuple(state.reorder(parents) for state in self.members))

    def keep(self, sentences: Tensor) -> EnsembleState:
        """Only the given sentences, in all of them."""
        return EnsembleState(tuple(state.keep(sentences) for state in self.members))


@dataclass(frozen=True)
class EnsembleStep:
    """Their answer: log-probabilities (rows, vocabulary), attention (rows, positions), the mean of those that look."""

    log_probabilities: Tensor
    state: EnsembleState
    attention: Tensor | None


class Ensemble(nn.Module):
    """Networks with one vocabulary in the place of one network: it starts, and it steps."""

    def __init__(self, networks: Sequence[EncoderDecoder]) -> None:
        super().__init__()
        self.members: Sequence[EncoderDecoder] = nn.ModuleList(networks)  # type: ignore[assignment]

    def start(self, inputs: Any) -> EnsembleState:
        """Encode, each with its own encoder."""
        return EnsembleState(tuple(member.start(inputs) for member in self.members))

    def step(self, tokens: Tensor, state: EnsembleState) -> EnsembleStep:
        """Read one token a row: tokens (rows,)."""
        steps = [member.step(tokens, own) for member, own in zip(self.members, state.members)]
        total = reduce(torch.logaddexp, [step.log_probabilities for step in steps])
        looks = [step.attention for step in steps if step.attention is not None]
        return EnsembleStep(
            total - math.log(len(steps)),
            EnsembleState(tuple(step.state for step in steps)),
            torch.stack(looks).mean(0) if looks else None,
        )

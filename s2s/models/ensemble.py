"""Ensembles: several models that write one sentence together, by the mean of their probabilities at each step.

The models may differ in everything but their vocabulary and the number of their grids' positions (Sutskever et al.,
2014, section 3.6).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn

from s2s.models.contracts import DecoderStep, State
from s2s.models.encoder_decoder import EncoderDecoder


@dataclass(frozen=True)
class EnsembleState:
    """The `State` of an ensemble: one of each model."""

    members: tuple[State, ...]

    @property
    def sentences(self) -> int:
        """See `State`."""
        return self.members[0].sentences

    @property
    def mask(self) -> Tensor | None:
        """See `State`; that of the first model that has one."""
        return next((state.mask for state in self.members if state.mask is not None), None)

    def reorder(self, parents: Tensor) -> EnsembleState:
        """See `State`."""
        return EnsembleState(tuple(state.reorder(parents) for state in self.members))

    def repeat(self, times: int) -> EnsembleState:
        """See `State`."""
        return EnsembleState(tuple(state.repeat(times) for state in self.members))

    def keep(self, sentences: Tensor) -> EnsembleState:
        """See `State`."""
        return EnsembleState(tuple(state.keep(sentences) for state in self.members))

    def detach(self) -> EnsembleState:
        """See `State`."""
        return EnsembleState(tuple(state.detach() for state in self.members))


class Ensemble(nn.Module):
    """Models with one vocabulary in the place of one model: it can start and step."""

    def __init__(self, networks: Sequence[EncoderDecoder]) -> None:
        super().__init__()
        self.members: Sequence[EncoderDecoder] = nn.ModuleList(networks)  # type: ignore[assignment]

    def start(self, inputs: Any) -> EnsembleState:
        """Encode, each model with its own encoder."""
        return EnsembleState(tuple(member.start(inputs) for member in self.members))

    def step(self, tokens: Tensor, state: EnsembleState) -> DecoderStep:
        """Read one token a row: tokens (rows,). Attention is the mean over the models that look."""
        steps = [member.step(tokens, own) for member, own in zip(self.members, state.members)]
        total = reduce(torch.logaddexp, [step.log_probabilities for step in steps])
        looks = [step.attention for step in steps if step.attention is not None]
        return DecoderStep(
            total - math.log(len(steps)),
            EnsembleState(tuple(step.state for step in steps)),
            torch.stack(looks).mean(0) if looks else None,
        )

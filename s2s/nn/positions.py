"""Positions: the vectors that tell a Transformer where in its sentence a word stands."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from s2s.nn.configuration import LearnedConfig, PositionConfig, SinusoidalConfig

LONGEST_WAVE = 10_000.0  # positions, divided by 2 pi: Vaswani et al.'s


def wave_numbers(dim: int) -> Tensor:
    """Radians per position of each pair of features, (dim / 2,): from 1 down to almost 1 / LONGEST_WAVE."""
    return torch.exp(torch.arange(0, dim, 2, dtype=torch.float64) * (-math.log(LONGEST_WAVE) / dim)).float()


class SinusoidalPositions(nn.Module):
    """PE(t) = [sin(w_1 t), ..., sin(w_n t), cos(w_1 t), ..., cos(w_n t)], where w_i = 10000^(-2i / dim), n = dim / 2.

    These are the features of Vaswani et al. (2017, 3.5), all sines before all cosines. There is one for any position.
    """

    def __init__(self, config: SinusoidalConfig, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, first: int, count: int, like: Tensor) -> Tensor:
        """The vectors of positions first, first + 1, ...: (count, dim), on the device of `like`."""
        times = torch.arange(first, first + count, device=like.device, dtype=torch.float32)
        angles = times.unsqueeze(1) * wave_numbers(self.dim).to(like.device)  # (count, dim / 2)
        return torch.cat([angles.sin(), angles.cos()], 1).to(like.dtype)


class LearnedPositions(nn.Module):
    """A vector for each position up to a limit; later positions share the last one."""

    def __init__(self, config: LearnedConfig, dim: int) -> None:
        super().__init__()
        self.table = nn.Embedding(config.count, dim)
        nn.init.normal_(self.table.weight, std=0.02)

    def forward(self, first: int, count: int, like: Tensor) -> Tensor:
        """The vectors of positions first, first + 1, ...: (count, dim)."""
        times = torch.arange(first, first + count, device=like.device)
        return self.table(times.clamp_max(self.table.num_embeddings - 1))


Positions = SinusoidalPositions | LearnedPositions

POSITIONS: dict[type[PositionConfig], type[Positions]] = {
    SinusoidalConfig: SinusoidalPositions,
    LearnedConfig: LearnedPositions,
}


def build_positions(config: PositionConfig, dim: int) -> Positions:
    """The positions that a configuration describes."""
    return POSITIONS[type(config)](config, dim)  # type: ignore[arg-type]

"""Hard attention that draws the positions it looks at while it writes, instead of taking the likeliest."""

from __future__ import annotations

from typing import Any

from s2s.decoding.ensemble import Ensemble
from s2s.errors import UserError, check
from s2s.models.contracts import Network
from s2s.runtime.network import LightNetwork


def draw_positions(network: Network, seed: int) -> None:
    """Let a network draw its positions from now on.

    Args:
        network: of PyTorch, or an ensemble of such, all with hard attention
        seed: of the random numbers. Where several threads search, their draws come in any order

    Raises:
        UserError: the network is in its light form, which takes the likeliest position, or its attention is not hard.
    """
    for member in network.members if isinstance(network, Ensemble) else [network]:
        check(
            not isinstance(member, LightNetwork),
            "--draw-positions: the light form of a model takes the likeliest position; use --engine torch",
        )
        _draw(member, seed)


def _draw(network: Any, seed: int) -> None:
    from torch import Generator

    from s2s.nn.hard_attention import HardAttention, drawn_by

    attention = getattr(network.network.decoder, "attention", None)
    if not isinstance(attention, HardAttention):
        raise UserError(
            "--draw-positions: this model has no hard attention (decoder.attention.kind = hard); leave the option out"
        )
    attention.choose = drawn_by(Generator(network.device).manual_seed(seed))

"""Recording: the weights of every head of multi-head attention, for pages that show them.

with recorded_heads(layers) as weights:
encoder(source)
weights[0]  # (batch, heads, time, positions), of the first of these attentions
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from s2s.nn.multi_head import MultiHeadAttention, head_weights


@contextmanager
def recorded_heads(attentions: Sequence[MultiHeadAttention]) -> Iterator[list[Tensor]]:
    """A context in which the weights of attentions are kept, in the order in which they look. It has no gradient."""
    weights = list[Tensor]()

    def keep(module: nn.Module, inputs: tuple[Tensor, Tensor, Tensor, Tensor | None], output: Tensor) -> None:
        queries, keys, _, allowed = inputs
        weights.append(head_weights(queries, keys, allowed))

    with ExitStack() as stack:
        for attention in attentions:
            stack.callback(attention.product.register_forward_hook(keep).remove)  # type: ignore[arg-type]
        stack.enter_context(torch.no_grad())
        yield weights

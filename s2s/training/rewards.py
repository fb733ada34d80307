"""Learning from rewards: weighted cross-entropy of sentences that the model wrote, beside that of true sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from s2s.models.contracts import Predictions
from s2s.nn.loss import weighted_cross_entropy
from s2s.text.tokens import START
from s2s.training.batches import padded_tensors
from s2s.training.task import Loss


@contextmanager
def searching(model: nn.Module) -> Iterator[None]:
    """Let a model that is being trained write sentences: within, it has neither dropout nor gradients."""
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train()
        # Autocast keeps the weights that it has cast. Those cast here have no gradient, and the loss would use them.
        torch.clear_autocast_cache()


def standardised(weights: Tensor) -> Tensor:
    """The weights divided by their standard deviation, or by 1e-6 where that is smaller (all may be 0)."""
    return weights / weights.std().clamp_min(1e-6)


def rewarded_loss(
    model: Any, inputs: Any, own: Sequence[list[int]], weights: Tensor, true: Sequence[list[int]], share: float
) -> Loss:
    """The loss that makes the better ones of the model's own sentences likelier and keeps the true ones likely.

    The total divided by the weight is (1 - share) * the mean of -weight * log p over the tokens of the model's own
    sentences, plus share * the mean of -log p over the tokens of the true ones.

    Args:
        model: called as `EncoderDecoder.forward`
        inputs: what its encoder takes
        own: sentences that the model wrote, the same number for each input, side by side, as `with_end` returns them
        weights: (inputs, own sentences of each), on the CPU, of either sign
        true: true sentences, END included, the same number for each input and not 0
        share: of cross-entropy, 0 <= share < 1
    """
    count, tokens = len(weights), [sum(map(len, side)) for side in (own, true)]
    rows = [row for sides in zip(_by_input(own, count), _by_input(true, count)) for side in sides for row in side]
    of_true = torch.full((count, len(true) // count), share * tokens[0] / tokens[1])
    of_rows = torch.cat([(1 - share) * weights, of_true], 1).flatten()
    device = next(model.parameters()).device
    read, targets = padded_tensors([[START, *row[:-1]] for row in rows], device), padded_tensors(rows, device)
    mask = targets.mask
    predictions: Predictions = model(inputs, read.ids, mask)
    logits = predictions.logits
    of_tokens = of_rows.to(device).repeat_interleave(targets.lengths)
    total, _ = weighted_cross_entropy(logits, targets.ids[mask], of_tokens)
    return Loss(total, tokens[0], len(logits))


def _by_input(sentences: Sequence[list[int]], count: int) -> list[Sequence[list[int]]]:
    each = len(sentences) // count
    return [sentences[first : first + each] for first in range(0, len(sentences), each)]

"""Learning from rewards: sentences that the model found itself, each with a weight, beside true ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from s2s.nn.loss import weighted_cross_entropy
from s2s.text.padding import pad
from s2s.text.tokens import START
from s2s.training.task import Loss


@contextmanager
def searching(model: nn.Module) -> Iterator[None]:
    """Within, a model that is being trained writes sentences of its own: without dropout, and without gradients."""
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train()
        torch.clear_autocast_cache()  # of weights that were cast without a gradient, which would get none afterwards


def standardised(weights: Tensor) -> Tensor:
    """In units of their standard deviation, or of 1e-6 where that is less: all may be 0."""
    return weights / weights.std().clamp_min(1e-6)


def rewarded_loss(
    model: Any, inputs: Any, own: Sequence[list[int]], weights: Tensor, true: Sequence[list[int]], share: float
) -> Loss:
    """Make of the model's own sentences the better ones likelier, and keep the true ones likely.

    Its total over its weight is a mean over the tokens of the model's own sentences, of -weight * log p, plus one over
    those of the true ones, of -log p, in the shares 1 - share and share.

    Args:
        model: an `EncoderDecoder`
        inputs: what its encoder takes
        own: as many of each input as of any other, side by side, as `generation.with_end` gives them
        weights: (inputs, own sentences of each), on the CPU, of either sign
        true: as `own`, END included, of any other number that is not 0
        share: of cross-entropy, 0 <= share < 1
    """
    count, tokens = len(weights), [sum(map(len, side)) for side in (own, true)]
    rows = [row for sides in zip(_by_input(own, count), _by_input(true, count)) for side in sides for row in side]
    of_true = torch.full((count, len(true) // count), share * tokens[0] / tokens[1])
    of_rows = torch.cat([(1 - share) * weights, of_true], 1).flatten()
    read, targets = pad([[START, *row[:-1]] for row in rows]), pad(rows)
    device = next(model.parameters()).device
    mask = targets.mask.to(device)
    output = model(inputs, read.ids.to(device))
    logits = model.decoder.readout(output.features[mask])
    of_tokens = of_rows.repeat_interleave(targets.lengths).to(device)
    total, _ = weighted_cross_entropy(logits, targets.ids.to(device)[mask], of_tokens)
    return Loss(total, tokens[0], len(logits))


def _by_input(sentences: Sequence[list[int]], count: int) -> list[Sequence[list[int]]]:
    each = len(sentences) // count
    return [sentences[first : first + each] for first in range(0, len(sentences), each)]

"""Learning from rewards: sentences that the model found itself, each with a weight, beside true ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from s2s.batch import pad
from s2s.loss import weighted_cross_entropy
from s2s.task import Loss
from s2s.vocabulary import START


def rewarded_loss(
    model: Any, inputs: Any, own: Sequence[list[int]], advantages: Tensor, true: Sequence[list[int]], share: float
) -> Loss:
    """Make of the model's own sentences the better ones likelier, and keep the true ones likely.

    It is a mean over the tokens of its own sentences, of -advantage * log p, plus one over those of the true ones, of
    -log p, in the shares 1 - share and share.

    Args:
        model: an `EncoderDecoder`
        inputs: what its encoder takes
        own: as many of each input as of any other, side by side; token ids, END among them where it came
        advantages: (inputs, own sentences of each), how much better than expected each is, of either sign
        true: as `own`, of any other number
        share: of cross-entropy, 0 <= share < 1
    """
    count, tokens = len(advantages), [sum(map(len, side)) for side in (own, true)]
    rows = [row for sides in zip(_by_input(own, count), _by_input(true, count)) for side in sides for row in side]
    of_own = (1 - share) * advantages
    of_true = torch.full((count, len(true) // count), share * tokens[0] / tokens[1])
    read, written = pad([[START, *row[:-1]] for row in rows]), pad(rows)
    device = model.decoder.embedding.weight.device
    weights = torch.cat([of_own, of_true], 1).flatten().repeat_interleave(written.lengths).to(device)
    mask = written.mask.to(device)
    output = model(inputs, read.ids.to(device))
    logits = model.decoder.readout(output.features[mask])
    total, _ = weighted_cross_entropy(logits, written.ids.to(device)[mask], weights)
    return Loss(total, tokens[0], len(logits))


def _by_input(sentences: Sequence[list[int]], count: int) -> list[Sequence[list[int]]]:
    each = len(sentences) // count
    return [sentences[first : first + each] for first in range(0, len(sentences), each)]

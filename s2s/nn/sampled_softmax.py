"""The softmax of a large vocabulary, estimated from a sample of its tokens; for training only.

Most of a word model's time goes into the scores of words that are not the target: they are needed for the normaliser
alone. A sample of them estimates it (Jean et al., 2015, "On using very large target vocabulary"). Here token c is in
the sample with a probability pi_c, independently of the others, and counts 1 / pi_c times (Horvitz & Thompson, 1952):

    Z  ~  exp(s_t) + sum over sampled c other than t of exp(s_c) / pi_c,        loss = log Z - s_t

which has the normaliser of the whole softmax as its mean. One sample serves all rows of a step, so it costs one matrix
product. Evaluation and search use the whole softmax.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_POWER = 0.75  # of the counts, as Mikolov et al. (2013) sample: rare tokens come more often than they occur
_NEVER = -1e4  # a score whose exp is 0, also in bfloat16


@dataclass(frozen=True)
class Sample:
    """Tokens that stand for the whole vocabulary.

    Attributes:
        tokens: (sampled,), ascending
        log_inclusion: (sampled,), log pi_c of each
    """

    tokens: Tensor
    log_inclusion: Tensor

    def __len__(self) -> int:
        return len(self.tokens)


class TokenSampler:
    """Draws samples: pi_c = min(1, scale * count_c^0.75), so that frequent tokens are in every sample.

    Args:
        counts: (vocabulary,), how often each token occurs; tokens that do not occur count as occurring once, or
            nothing would lower their scores
        size: the mean number of sampled tokens, below the size of the vocabulary
    """

    def __init__(self, counts: NDArray[np.int64], size: int) -> None:
        assert 0 < size < len(counts), f"cannot sample {size} of {len(counts)} tokens"
        self.inclusion = _inclusion(np.maximum(counts, 1) ** _POWER, size)

    def draw(self, seed: int, device: torch.device) -> Sample:
        """Return the sample of a seed."""
        tokens = np.flatnonzero(np.random.default_rng(seed).random(len(self.inclusion)) < self.inclusion)
        logs = np.log(self.inclusion[tokens]).astype(np.float32)
        return Sample(torch.from_numpy(tokens).to(device), torch.from_numpy(logs).to(device))


def _inclusion(weights: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return min(1, scale * weights) with the scale at which they sum to `size`."""
    certain = np.zeros(len(weights), bool)
    while True:
        scale = (size - certain.sum()) / weights[~certain].sum()
        found = np.where(certain, 1.0, scale * weights)
        if found.max() <= 1:
            return found
        certain |= found > 1


def sampled_logits(features: Tensor, targets: Tensor, sample: Sample, weight: Tensor, bias: Tensor) -> Tensor:
    """Return logits whose cross-entropy with the last column is the estimated loss.

    Args:
        features: (rows, dim)
        targets: (rows,)
        sample: the same for all rows
        weight: (vocabulary, dim) of the output layer
        bias: (vocabulary,) of the output layer

    Returns:
        (rows, sampled + 1): s_c - log pi_c of the sampled tokens, those that are a row's target masked; then s_t.
    """
    picked = nn.functional.embedding(torch.cat([sample.tokens, targets]), weight)  # one gather, so one dense gradient
    own = (features * picked[len(sample) :]).sum(-1) + bias[targets]
    rows = nn.functional.pad(picked[: len(sample)], (0, 0, 0, 1))  # the last column is overwritten
    shifts = nn.functional.pad(bias[sample.tokens] - sample.log_inclusion, (0, 1))
    logits = nn.functional.linear(features, rows, shifts)
    logits[:, -1] = own.to(logits.dtype)
    place = torch.searchsorted(sample.tokens, targets).clamp_(max=len(sample) - 1)
    (hits,) = torch.nonzero(sample.tokens[place] == targets, as_tuple=True)
    logits[hits, place[hits]] = _NEVER
    return logits

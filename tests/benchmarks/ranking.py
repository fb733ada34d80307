"""How well a number ranks: measures that the benchmarks of confidence share."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def ranks(values: ArrayLike) -> NDArray[np.float64]:
    """The rank of each value, from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


def area(higher: ArrayLike, lower: ArrayLike) -> float:
    """The area under the ROC curve: how often one of `higher` is above one of `lower`, ties counting half."""
    above, below = np.asarray(higher), np.asarray(lower)
    total = ranks(np.concatenate((above, below)))[: len(above)].sum()
    return float((total - len(above) * (len(above) + 1) / 2) / (len(above) * len(below)))


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Spearman's correlation of ranks."""
    return float(np.corrcoef(ranks(one), ranks(other))[0, 1])

"""Ranking the units of recurrent layers by how well each of them tells a property of the text.

A yes/no property is told by the area under the ROC curve (AUC): the chance that the unit is higher at a token that has
the property than at one that has not (Mann & Whitney, 1947). A number is told by Spearman's rank correlation. Both use
the ranks of a unit's values alone, so the tanh of a value ranks as the value does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2s.views.cell_properties import Property

FEWEST = 5  # tokens that have a property, and tokens that have not; tokens that have another number than most
STRETCHES = 3  # in which a yes/no property holds: a cell that drifts slowly would tell a single stretch
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ranked:
    """A unit and how well it tells a property.

    Attributes:
        layer, unit: indices, from 0
        score: the AUC, from 0.5 to 1, or the absolute rank correlation, from 0 to 1
        rises: whether the unit is high where the property is; otherwise it is low there
    """

    layer: int
    unit: int
    score: float
    rises: bool


@dataclass(frozen=True)
class Ranking:
    """The units that tell a property best.

    Attributes:
        of: the property
        best: in descending order of the score
        tokens: how many tokens have the property; of a number, how many different values there are
    """

    of: Property
    best: list[Ranked]
    tokens: int


def rank_cells(
    layers: Sequence[NDArray[np.float32]], properties: Sequence[Property], count: int
) -> tuple[list[Ranking], list[Property]]:
    """Find the units that tell each property best.

    Args:
        layers: the values of each layer's units, (tokens, dim)
        properties: of the same tokens; those that are NaN do not count
        count: how many units of each ranking

    Returns:
        the rankings; and the properties that are left out, because hardly any token has them, or all do, or the number
        is always the same.
    """
    usable = [each for each in properties if _is_usable(each)]
    kept = ~np.isnan(usable[0].values) if usable else np.zeros(0, bool)
    ranks = [average_ranks(layer[kept]) for layer in layers]
    rankings = list[Ranking]()
    for each in usable:
        values = each.values[kept]
        measure = spearman if each.is_number else signed_auc
        scores = np.concatenate([measure(of_layer, values) for of_layer in ranks])
        tokens = len(np.unique(values)) if each.is_number else int(values.sum())
        rankings.append(Ranking(each, _best(scores, [layer.shape[1] for layer in layers], each, count), tokens))
    return rankings, [each for each in properties if each not in usable]


def _is_usable(each: Property) -> bool:
    values = each.values[~np.isnan(each.values)]
    if not len(values):
        return False
    commonest = np.unique(values, return_counts=True)[1].max()
    if len(values) - commonest < FEWEST:
        return False
    return each.is_number or (commonest >= FEWEST and (np.diff(values, prepend=0) > 0).sum() >= STRETCHES)


def average_ranks(values: NDArray[np.floating]) -> Floats:
    """The ranks of the values in each column, from 1; equal values share the mean of their ranks.

    Args:
        values: (tokens, columns)
    """
    ranks = np.empty(values.shape)
    for column in range(values.shape[1]):
        _, inverse, counts = np.unique(values[:, column], return_inverse=True, return_counts=True)
        last = counts.cumsum()
        ranks[:, column] = (last - (counts - 1) / 2)[inverse]
    return ranks


def signed_auc(ranks: Floats, property_holds: Floats) -> Floats:
    """2 AUC - 1 of each column: 1 if the column is always higher where the property holds, -1 if always lower.

    Args:
        ranks: (tokens, columns), from `average_ranks`
        property_holds: (tokens,), 0 or 1, both of which occur
    """
    holds = property_holds > 0
    positive, negative = int(holds.sum()), int((~holds).sum())
    pairs = ranks[holds].sum(0) - positive * (positive + 1) / 2  # in which the positive token is higher; ties half
    return 2 * pairs / (positive * negative) - 1


def spearman(ranks: Floats, numbers: Floats) -> Floats:
    """Spearman's rank correlation of each column with numbers (tokens,) that are not all equal.

    A column that is constant has 0.
    """
    other = average_ranks(numbers[:, None])[:, 0]
    own, other = ranks - ranks.mean(0), other - other.mean()
    norms = np.sqrt((own * own).sum(0) * (other * other).sum())
    return np.divide(other @ own, norms, out=np.zeros(ranks.shape[1]), where=norms > 0)


def _best(scores: Floats, widths: Sequence[int], of: Property, count: int) -> list[Ranked]:
    """The best units by signed scores of all units of all layers, one layer after the other."""
    firsts = np.cumsum([0, *widths])
    found = list[Ranked]()
    for unit in np.argsort(-np.abs(scores), kind="stable")[:count].tolist():
        layer = int(np.searchsorted(firsts, unit, side="right")) - 1
        strength = abs(float(scores[unit]))
        found.append(
            Ranked(
                layer,
                unit - int(firsts[layer]),
                strength if of.is_number else (1 + strength) / 2,
                bool(scores[unit] > 0),
            )
        )
    return found

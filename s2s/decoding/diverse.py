"""Diverse beam search: groups of hypotheses that avoid each other's words (Vijayakumar et al., 2018).

A beam is divided into groups of equal size, and each group is a beam of its own. At each step the groups choose one
after the other: what a hypothesis gains by a token is its log-probability, less a penalty for each hypothesis of the
groups before that goes on with the same token at this step (the paper's Hamming diversity). So the first group is a
plain beam, and the others are ever further away from it. With a penalty of 0, all groups find the same.

The penalty decides what is chosen, and is forgotten then: totals and scores are the model's own. END is never
penalised, because sentences that end at the same time are not alike for that.

For a search, each group is a sentence: group g of sentence i has the number i * groups + g.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain, zip_longest

from s2s.arrays import Array, namespace, take
from s2s.decoding.search import Hypothesis
from s2s.decoding.top_k import Continuations, ContinuationSelector, top_k
from s2s.models.contracts import Likeliest, Step


class DiverseSelector:
    """Find the continuations of each group, given those of the groups before it.

    Args:
        excluded: token ids that are never chosen
        groups: how many there are
        width: how many hypotheses of a group go on
        penalty: see `BeamOptions.diversity_penalty`
        end: the token id of END
    """

    def __init__(self, excluded: set[int], *, groups: int, width: int, penalty: float, end: int) -> None:
        self._groups, self._width, self._penalty, self._end = groups, width, penalty, end
        self._select = ContinuationSelector(excluded)

    def __call__(self, step: Step, alive: Array, count: int) -> Continuations:
        """The `count` best continuations of each group, by their penalised totals; the totals themselves are not.

        The totals of those that neither end the hypothesis nor are among the first `width` others are -inf.

        Args:
            step: of the model, with one row for each slot of each group
            alive: (n * groups, slots) float32
            count: how many to find, ENDs among them
        """
        xp, slots = namespace(alive), alive.shape[1]
        by_group = alive.reshape(-1, self._groups, slots)
        nothing = xp.zeros((len(by_group), 0), dtype=xp.int64, device=alive.device)
        # (n, tokens) each: what the groups before went on with, and what each costs; 0 for what they did not take
        chosen, penalties = nothing, xp.astype(nothing, xp.float32)
        found = list[Continuations]()
        for group in range(self._groups):
            best = self._best(step, group, by_group[:, group], count, chosen, penalties)
            goes_on = (best.tokens != self._end) & (best.totals > -math.inf)  # (n, count)
            goes_on = goes_on & (xp.cumulative_sum(xp.astype(goes_on, xp.int64), axis=1) <= self._width)
            totals = best.totals + _price(best.tokens, chosen, penalties)
            found.append(best._replace(totals=xp.where(goes_on | (best.tokens == self._end), totals, -math.inf)))
            chosen = xp.concat((chosen, best.tokens), axis=1)
            penalties = xp.concat((penalties, self._penalty * xp.astype(goes_on, xp.float32)), axis=1)
        totals, places, tokens = (xp.stack(each, axis=1).reshape(len(alive), -1) for each in list(zip(*found))[:3])
        return Continuations(totals, places, tokens, sum(each.checksum for each in found))

    def _best(self, step: Step, group: int, alive: Array, count: int, chosen: Array, penalties: Array) -> Continuations:
        """The best continuations of a group, with penalised totals: alive (n, slots)."""
        xp, (n, slots) = namespace(alive), alive.shape

        def of_group(rows: Array) -> Array:
            return rows.reshape(n, self._groups, slots, -1)[:, group]  # (n, slots, ...)

        if step.likeliest is None:
            scores = xp.asarray(of_group(step.log_probabilities), copy=True)  # (n, slots, vocabulary)
            sentences = xp.arange(n, device=alive.device)
            for token in range(chosen.shape[1]):  # a column at a time: each sentence once
                scores[sentences, :, chosen[:, token]] -= penalties[:, token, None]
            return self._select.of_all(scores.reshape(n * slots, -1), alive, count)
        tokens, values = of_group(step.likeliest.tokens), of_group(step.likeliest.values)  # (n, slots, likeliest)
        prices = _price(tokens.reshape(n, -1), chosen, penalties)
        tokens = tokens.reshape(n * slots, -1)
        values = values.reshape(n * slots, -1) - prices.reshape(n * slots, -1)
        order = top_k(values, tokens, values.shape[1])
        return self._select.among(Likeliest(take(values, order), take(tokens, order)), alive, count)


def _price(tokens: Array, chosen: Array, penalties: Array) -> Array:
    """The sum of the penalties of each token: (n, tokens), (n, chosen), (n, chosen) -> (n, tokens) float32."""
    xp = namespace(tokens)
    return xp.sum(xp.where(tokens[:, :, None] == chosen[:, None, :], penalties[:, None, :], 0.0), axis=2)


def of_all_groups(groups: Sequence[Sequence[Hypothesis]]) -> list[Hypothesis]:
    """The hypotheses of all groups of a sentence, without repetitions: the best of each, then the second of each...

    Those of one rank come by their scores, so that the first is the best of all. Those cut off come last.
    """
    ranks = (sorted(filter(None, rank), key=lambda each: -each.score) for rank in zip_longest(*groups))
    ordered = sorted(chain.from_iterable(ranks), key=lambda each: not each.finished)  # stable
    return [each for i, each in enumerate(ordered) if all(each.tokens != other.tokens for other in ordered[:i])]

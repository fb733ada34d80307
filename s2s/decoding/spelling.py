"""Spellings: all token sequences that stand for one text, and the constraint that nothing else is written.

Subwords can spell a text in many ways, and a model spreads the probability of the text over them. A search under this
constraint finds the likeliest spelling. `Spelling` is a graph whose nodes are places in the text. A token leads from
one place to a later one; END leads out.

    text       a b                        tokens: a, b, ab
    places     0 --a--> 1 --b--> 2 --END-->
               0 -------ab-----> 2
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from s2s.arrays import Array, namespace, repeat, take
from s2s.decoding.constraints import keep_rows
from s2s.text.tokens import END, PAD

Edge = tuple[int, int]  # a token id, and the place that it leads to


@dataclass(frozen=True)
class Spelling:
    """The token sequences that stand for one text.

    Attributes:
        edges: of each place; those of END lead to the place itself. From every place END can be reached
        end: the place at which the text as it is given ends; END may be possible elsewhere too
    """

    edges: Sequence[Sequence[Edge]]
    end: int

    @classmethod
    def of(cls, edges: Sequence[Sequence[Edge]], end: int) -> Spelling | None:
        """The spelling without dead ends; None if no token sequence stands for the text as it is given.

        Args:
            edges: of each place, which lead forward
            end: see the class
        """
        alive = [False] * len(edges)
        kept: list[list[Edge]] = [[] for _ in edges]
        for place in reversed(range(len(edges))):
            kept[place] = [(token, to) for token, to in edges[place] if token == END or alive[to]]
            alive[place] = bool(kept[place])
        spelling = cls(kept, end)
        return spelling if alive[end] and spelling.shortest() else None

    def shortest(self) -> list[Edge]:
        """The path of the fewest tokens to `end`, and END; of several, the one of the most frequent tokens (low ids).

        Empty if no path leads there.
        """
        best: list[tuple[int, int, Edge] | None] = [None] * len(self.edges)  # tokens to the end, their ids, the first
        best[self.end] = (0, 0, (END, self.end))
        for place in reversed(range(self.end)):
            following = [(edge, found) for edge in self.edges[place] if edge[0] != END and (found := best[edge[1]])]
            if following:
                edge, (count, ids, _) = min(following, key=lambda each: (each[1][0], each[1][1] + each[0][0]))
                best[place] = (count + 1, ids + edge[0], edge)
        path, place = list[Edge](), 0
        while (found := best[place]) and not (path and path[-1][0] == END):
            path.append(found[2])
            place = found[2][1]
        return path

    def remaining(self, log_probabilities: Sequence[float]) -> list[float]:
        """Estimate, for each place, the log-probability of what is still to be written.

        Args:
            log_probabilities: of the tokens of `shortest`; inside of a token the log-probability falls evenly
        """
        found, left, start = [log_probabilities[-1]] * len(self.edges), math.fsum(log_probabilities), 0
        for (_, end), own in zip(self.shortest()[:-1], log_probabilities):
            for place in range(start, end):
                found[place] = left - own * (place - start) / (end - start)
            left, start = left - own, end
        return found


@dataclass(frozen=True)
class WriteText:
    """The constraint that each row spells its text.

    A beam compares hypotheses of equally many tokens, and one of few letters seems to be better than one of many. So
    the estimate of what remains is added to the scores: it cancels out in those of whole sentences, apart from a number
    that all spellings of a text have in common.

    Attributes:
        tokens: (places, edges) int64, what may follow at each place of each sentence; PAD where there are fewer
        following: (places, edges) int64, the places that they lead to
        gains: (places, edges) float32, by how much each makes the estimate smaller
        places: (rows,) int64, where each row is
    """

    tokens: Array
    following: Array
    gains: Array
    places: Array

    @classmethod
    def of(
        cls, spellings: Sequence[Spelling], remaining: Sequence[Sequence[float]], array: Callable[[Any], Array]
    ) -> WriteText:
        """The constraint before the first token.

        Args:
            spellings: one for each sentence
            remaining: of each sentence, see `Spelling.remaining`
            array: brings a NumPy array where the search runs (see `Network.array`)
        """
        sizes = [len(spelling.edges) for spelling in spellings]
        firsts = np.cumsum([0, *sizes])[:-1]
        most = max((len(edges) for spelling in spellings for edges in spelling.edges), default=0)
        tokens = np.full((sum(sizes), most), PAD, dtype=np.int64)
        following, gains = np.zeros_like(tokens), np.zeros(tokens.shape, np.float32)
        for first, spelling, left in zip(firsts.tolist(), spellings, remaining):
            for place, edges in enumerate(spelling.edges):
                for column, (token, to) in enumerate(edges):
                    tokens[first + place, column], following[first + place, column] = token, first + to
                    gains[first + place, column] = (0.0 if token == END else left[to]) - left[place]
        return cls(array(tokens), array(following), array(gains), array(firsts.astype(np.int64)))

    def read(self, tokens: Array) -> WriteText:
        """See `Constraint`. START, which no place has, leads nowhere."""
        xp = namespace(tokens)
        chosen = self.tokens[self.places] == tokens[:, None]  # (rows, edges)
        following = xp.sum(xp.where(chosen, self.following[self.places], 0), axis=1)
        return replace(self, places=xp.where(xp.any(chosen, axis=1), following, self.places))

    def apply(self, log_probabilities: Array, attention: Array | None = None) -> Array:
        """See `Constraint`."""
        xp, allowed = namespace(log_probabilities), self.tokens[self.places]  # (rows, edges)
        scores = xp.full_like(log_probabilities, -math.inf)
        rows = xp.arange(len(allowed), device=allowed.device)[:, None]
        scores[rows, allowed] = take(log_probabilities, allowed) + self.gains[self.places]
        scores[:, PAD] = -math.inf
        return scores

    def reorder(self, parents: Array) -> WriteText:
        """See `Constraint`."""
        return replace(self, places=self.places[parents])

    def keep(self, sentences: Array, total: int) -> WriteText:
        """See `Constraint`."""
        return replace(self, places=keep_rows(self.places, sentences, total))

    def repeat(self, times: int) -> WriteText:
        """See `Constraint`."""
        return replace(self, places=repeat(self.places, times))

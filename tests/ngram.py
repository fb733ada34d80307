"""An n-gram baseline for language models: interpolated by Witten and Bell's method, over token ids.

    p(c | context) = (count(context c) + types(context) p(c | shorter context)) / (count(context) + types(context))

Its figures on tiny-shakespeare, in nats per character of the last tenth:

    uv run python -m tests.ngram data/lm/tiny-shakespeare.txt
"""

from __future__ import annotations

import math
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path


class NgramModel:
    """Counts of what follows each context.

    Args:
        tokens: the training text
        order: tokens of the longest n-gram, at least 1
        vocabulary: how many tokens there are; below the shortest context all are equally likely
    """

    def __init__(self, tokens: Sequence[int], order: int, vocabulary: int) -> None:
        self.order, self.vocabulary = order, vocabulary
        self._follow: list[defaultdict[tuple[int, ...], Counter[int]]] = [defaultdict(Counter) for _ in range(order)]
        for position, token in enumerate(tokens):
            for length in range(min(order, position + 1)):
                self._follow[length][tuple(tokens[position - length : position])][token] += 1

    def probability(self, token: int, context: Sequence[int]) -> float:
        """Of a token after a context, of which the last `order` - 1 tokens count."""
        found = 1 / self.vocabulary
        for length in range(min(self.order, len(context) + 1)):
            follow = self._follow[length].get(tuple(context[len(context) - length :]))
            if follow:
                found = (follow[token] + len(follow) * found) / (follow.total() + len(follow))
        return found

    def nats(self, tokens: Sequence[int]) -> float:
        """Mean of minus ln p over a text."""
        before = self.order - 1
        return -sum(
            math.log(self.probability(token, tokens[max(0, i - before) : i])) for i, token in enumerate(tokens)
        ) / len(tokens)


def main() -> None:
    """Print the figures of several orders."""
    from language_model.corpus import read_text
    from language_model.prepare import learn_vocabulary
    from language_model.recipe import VocabularyConfig

    train, validation = read_text([Path(sys.argv[1])]).split(0.1)
    vocabulary = learn_vocabulary(train, VocabularyConfig())
    ids, held_out = (part.encode(vocabulary).tolist() for part in (train, validation))
    for order in range(1, 9):
        print(order, f"{NgramModel(ids, order, len(vocabulary)).nats(held_out):.3f}", flush=True)


if __name__ == "__main__":
    main()

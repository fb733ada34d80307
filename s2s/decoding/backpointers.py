"""Back-pointers: a record of what each step of a search chose, and the walk back that reads hypotheses out of it.

A search copies no hypotheses while it runs. Each step records its tokens and, for each token, the parent: the slot of
the hypothesis that the token continues. After the last step, `walk_back` follows the parents from the last token of
each hypothesis to its first. The docstring of `s2s.decoding.beam` draws an example.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from s2s.arrays import Array, namespace, take, to_numpy
from s2s.decoding.search import Hypothesis


@dataclass(frozen=True)
class StepRecord:
    """What one step chose for the n sentences that were in the batch.

    Attributes:
        sentences: (n,) int64, the number of each sentence; steps between which none left hold the same tensor
        tokens: (n, slots) int64, the token that was chosen for each slot
        parents: (n, slots) int64, the back-pointers: the slot, before this step, of the hypothesis that it continues
        attention: (n * slots before this step, positions), or None
    """

    sentences: Array
    tokens: Array
    parents: Array
    attention: Array | None


def walk_back(records: Sequence[StepRecord], lengths: Array, last_slots: Array) -> tuple[Array, Array | None]:
    """Follow the back-pointers of m hypotheses of each sentence.

    Args:
        records: one for each step, first to last
        lengths: (sentences, m) int64, how many tokens each hypothesis has, without END
        last_slots: (sentences, m) int64, the slot of its last token; for an empty hypothesis, that of START

    Returns:
        tokens: (sentences, m, steps) int64, of which the first `lengths` count and the others are arbitrary
        attention: (sentences, m, steps, positions), of which one row more counts, that of END; or None
    """
    xp, where = namespace(lengths), lengths.device
    tokens, attention = [], []
    slots = last_slots  # (sentences, m): where each hypothesis was after the step that is being read
    batch, positions = None, last_slots
    for time, record in reversed(list(enumerate(records))):
        if record.sentences is not batch:
            batch = record.sentences  # (n,)
            # Where each sentence was in that batch, (sentences,); for those that had left, any position will do.
            positions = xp.zeros(len(last_slots), dtype=xp.int64, device=where)
            positions[batch] = xp.arange(len(batch), device=where)
        tokens.append(take(record.tokens[positions], slots))  # (sentences, m)
        slots = xp.where(time < lengths, take(record.parents[positions], slots), slots)
        if record.attention is not None:  # its rows are those before the step, hence the parents' slots
            weights = record.attention.reshape(len(record.tokens), -1, record.attention.shape[1])
            attention.append(weights[positions[:, None], slots])  # (sentences, m, positions)
    return xp.stack(tokens[::-1], axis=2), xp.stack(attention[::-1], axis=2) if attention else None


def read_hypotheses(
    records: Sequence[StepRecord],
    scores: Array,
    lengths: Array,
    last_slots: Array,
    limits: Array,
    length_penalty: float,
) -> list[list[Hypothesis]]:
    """Read the hypotheses of each sentence out of the records of a search.

    Args:
        records: one for each step, first to last
        scores: (sentences, m) float32, descending; -inf is a place without a hypothesis
        lengths: (sentences, m) int64, how many tokens each hypothesis has, without END
        last_slots: (sentences, m) int64, the slot of its last token
        limits: (sentences,) int64, the maximum lengths; a hypothesis with as many tokens was cut off
        length_penalty: the one in the scores

    Raises:
        RuntimeError: a sentence has no hypothesis.
    """
    if not len(limits):
        return []
    found: list[list[Hypothesis]] = []
    tokens, looks = walk_back(records, lengths, last_slots)
    attention = None if looks is None else to_numpy(looks)  # (sentences, m, steps, positions)
    table = zip(tokens.tolist(), scores.tolist(), lengths.tolist(), limits.tolist())
    for sentence, (its_tokens, its_scores, its_lengths, limit) in enumerate(table):
        if its_scores[0] == -math.inf:
            raise RuntimeError(f"sentence {sentence} of the batch: a step left no token with a probability above zero")
        hypotheses = []
        for rank, (path, score, length) in enumerate(zip(its_tokens, its_scores, its_lengths)):
            if score == -math.inf:
                continue
            finished = length < limit
            steps = length + finished  # END takes a step too
            weights = None if attention is None else attention[sentence, rank, :steps]  # (steps, positions)
            log_probability = score * steps**length_penalty
            hypotheses.append(Hypothesis(path[:length], score, log_probability, weights, finished))
        found.append(hypotheses)
    return found

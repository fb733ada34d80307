r"""Beam search: extend the best few hypotheses of each sentence, step by step.

A worked example, with a beam of width 2, a vocabulary of four words, maximum length 4 and length penalty 1. The model
is this table of log P(word | word before it):

                     the    dogs    bark     END
        START       -0.7    -0.8    -3.6    -3.6
        the         -1.5    -1.3    -1.4    -1.5
        dogs        -3.9    -3.8    -0.9    -0.6
        bark        -3.4    -3.5    -3.6    -0.1

Each step ranks the 2 * width best continuations of the alive hypotheses by their total log-probability. An END among
the first `width` ranks finishes a hypothesis. The first `width` of the other continuations go on, in slots 0 and 1:

        rank   step 1                   step 2                    step 3
        1      the   -0.7   slot 0      dogs END   -1.4  end      dogs bark END  -1.8  end
        2      dogs  -0.8   slot 1      dogs bark  -1.7  slot 0   the dogs END   -2.6  end
        3      bark  -3.6               the dogs   -2.0  slot 1   the dogs bark  -2.9  slot 0
        4      END   -3.6               the bark   -2.1           dogs bark the  -5.1  slot 1

A step stores only the last token of each slot and a back-pointer, which is the slot of its parent one step before:

        slot 0        the   -0.7 <--.   .-- bark  -1.7 <--.   .-- bark  -2.9
                    /                \ /                   \ /
        START  0.0 <                  X                     X
                    \                / \                   / \
        slot 1        dogs  -0.8 <--'   '-- dogs  -2.0 <--'   '-- the   -5.1

        tokens        the  dogs             bark  dogs            bark  the
        parents        0    0                1     0               1     0

The two best finished hypotheses are remembered, by their scores log P / length and by their parents:

        END at step 2, parent in slot 1      -1.4 / 2 = -0.7
        END at step 3, parent in slot 0      -1.8 / 3 = -0.6       the best
        END at step 3, parent in slot 1      -2.6 / 3 = -0.87      forgotten

After step 3 the search stops. The best alive hypothesis has -2.9, which can only fall, and at most 4 steps: its score
cannot exceed -2.9 / 4 = -0.725, and both remembered ones are better.

The walk back of the best starts at step 2 in slot 0: `bark`, parent 1. At step 1, slot 1 holds `dogs`, whose parent is
START. The result is "dogs bark", and the second best is "dogs". Greedy search writes "the dogs", with -0.87.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from s2s.arrays import Array, namespace, repeat, take
from s2s.decoding.backpointers import StepRecord, read_hypotheses
from s2s.decoding.search import BeamOptions, Hypothesis, StepFunction, check_limits, remaining_sentences
from s2s.decoding.top_k import ContinuationSelector, Selector
from s2s.models.contracts import State


def beam(
    step: StepFunction,
    state: State,
    limits: Array,
    *,
    start: int,
    end: int,
    options: BeamOptions | None = None,
    banned: Sequence[int] = (),
    selector: Callable[[set[int]], Selector] = ContinuationSelector,
) -> list[list[Hypothesis]]:
    """Search with a beam, or with a diverse one if the options have several groups (see s2s.decoding.diverse).

    A beam that is wide enough for all possible outputs is an exhaustive search.

    Continuations with equal log-probabilities are ranked by slot, then by token id.

    Args:
        step: computes the log-probabilities of the next tokens
        state: one row for each sentence; after the first step, `reorder` makes up to `width` of each
        limits: (sentences,) int64, the maximum number of steps of each sentence, END being one; it prevails over
            `minimum_length`. The search runs on its device, with arrays of its kind
        start: the token id that the first step is given
        end: the token id that finishes a hypothesis
        options: the width of the beam, the score, and when to stop
        banned: token ids that are never chosen, such as padding and START
        selector: chooses the continuations that go on; takes the token ids that it must not choose

    Returns:
        Up to n_best hypotheses of each sentence, best first; those cut off come after all finished ones.

    Raises:
        UserError: a maximum length is below 1, or a log-probability is NaN or infinite.
        RuntimeError: a sentence is left without any token whose probability is above zero.
    """
    options = options or BeamOptions()
    check_limits(limits)
    if options.groups == 1:
        select, select_without_end = selector({*banned}), selector({*banned, end})
        return _search(step, state, limits, start, end, options, select, select_without_end)
    from s2s.decoding.diverse import DiverseSelector, of_all_groups

    groups, width = options.groups, options.width // options.groups
    how = {"groups": groups, "width": width, "penalty": options.diversity_penalty, "end": end}
    select, select_without_end = DiverseSelector({*banned}, **how), DiverseSelector({*banned, end}, **how)
    limits, of_group = repeat(limits, groups), replace(options, width=width, n_best=width, groups=1)
    found = _search(step, state.repeat(groups), limits, start, end, of_group, select, select_without_end, groups)
    of_sentences = (found[first : first + groups] for first in range(0, len(found), groups))
    return [of_all_groups(of_sentence)[: options.n_best] for of_sentence in of_sentences]


def _search(
    step: StepFunction,
    state: State,
    limits: Array,
    start: int,
    end: int,
    options: BeamOptions,
    select: Selector,
    select_without_end: Selector,
    groups: int = 1,
) -> list[list[Hypothesis]]:
    """See `beam`; so many neighbouring sentences as there are groups are one for the state, and leave together."""
    beams, records = _Beams(limits, options, end), list[StepRecord]()
    tokens, last_steps = namespace(limits).full_like(limits, start), set(limits.tolist())
    for time in range(max(last_steps, default=0)):
        result, parent_slots = step(tokens, state), beams.alive.shape[1]
        choose = select_without_end if time < options.minimum_length else select
        found = choose(result, beams.alive, 2 * options.width)
        chosen, parents = beams.extend(found.totals, found.slots, found.tokens, time)  # (n, slots) each
        records.append(StepRecord(beams.sentences, chosen, parents, result.attention))
        done = beams.close(time + 1)  # (n,)
        if groups > 1:
            done = namespace(done).all(done.reshape(-1, groups), axis=1)
        state, remaining = result.state, remaining_sentences(done, found.checksum, at_once=time + 1 in last_steps)
        if remaining is not None:
            beams.store(time + 1)
            if not len(remaining):
                break
            state, remaining = state.keep(remaining), _members(remaining, groups)
            beams.keep(remaining)
            chosen, parents = chosen[remaining], parents[remaining]
        tokens, state = chosen.reshape(-1), state.reorder(_rows(parents, parent_slots))
    scores, ends = beams.result_scores[:, : options.n_best], beams.result_ends[:, : options.n_best]
    lengths, last_slots = ends // options.width, ends % options.width  # (sentences, n_best)
    return read_hypotheses(records, scores, lengths, last_slots, limits, options.length_penalty)


def _members(sentences: Array, groups: int) -> Array:
    """The numbers of the groups of some sentences: (n,) -> (n * groups,)."""
    return (sentences[:, None] * groups + namespace(sentences).arange(groups, device=sentences.device)).reshape(-1)


def _rows(parents: Array, slots: int) -> Array:
    """The rows of parents in a batch of `slots` rows for each sentence: parents (n, new slots) -> (n * new slots,)."""
    first_rows = namespace(parents).arange(0, len(parents) * slots, slots, device=parents.device)[:, None]  # (n, 1)
    return (parents + first_rows).reshape(-1)


class _Beams:
    """The hypotheses of the n sentences in the batch, and the results of all sentences.

    The end of a hypothesis, where its walk back starts, is one number: length * width + the slot of its last token,
    where the length does not count END.

    Attributes:
        sentences: (n,) int64, the numbers of the sentences in the batch
        limits: (n,) int64, their maximum lengths
        alive: (n, slots) float32, total log-probabilities, descending; -inf is an empty slot. The first step has one
            slot, the others have up to `width`
        finished_scores: (n, width) float32, of the best finished hypotheses, descending; -inf is a free place
        finished_ends: (n, width) int64, their ends
        result_scores: (sentences, width) float32, of finished hypotheses, then of those cut off; -inf is a free place
        result_ends: (sentences, width) int64, their ends
    """

    def __init__(self, limits: Array, options: BeamOptions, end: int) -> None:
        self.limits, self.options, self.end = limits, options, end
        self._xp, where = namespace(limits), limits.device
        shape = (len(limits), options.width)
        self.sentences = self._xp.arange(len(limits), device=where)
        self.alive = self._xp.zeros((len(limits), 1), dtype=self._xp.float32, device=where)
        self.finished_scores = self._xp.full(shape, -math.inf, dtype=self._xp.float32, device=where)
        self.finished_ends = self._xp.zeros(shape, dtype=self._xp.int64, device=where)
        self.result_scores = self._xp.asarray(self.finished_scores, copy=True)
        self.result_ends = self._xp.asarray(self.finished_ends, copy=True)

    def extend(self, totals: Array, slots: Array, tokens: Array, time: int) -> tuple[Array, Array]:
        """Finish the hypotheses that END continues, and continue the best others.

        Args:
            totals: (n, candidates) float32, log-probabilities of the best continuations, descending
            slots: (n, candidates) int64, of the hypotheses that they continue
            tokens: (n, candidates) int64, their last tokens
            time: how many tokens the hypotheses have

        Returns:
            The tokens of the continued hypotheses and the slots of their parents, (n, slots) int64 each.
        """
        xp, width, divisor = self._xp, self.options.width, (time + 1) ** self.options.length_penalty
        is_end = tokens == self.end  # (n, candidates)
        new_scores = xp.where(is_end[:, :width], totals[:, :width], -math.inf) / divisor  # (n, width)
        new_ends = slots[:, :width] + time * width  # (n, width)
        scores = xp.concat((self.finished_scores, new_scores), axis=1)  # (n, 2 * width)
        ends = xp.concat((self.finished_ends, new_ends), axis=1)
        order = xp.argsort(-scores, axis=1, stable=True)[:, :width]
        self.finished_scores, self.finished_ends = take(scores, order), take(ends, order)
        alive = xp.where(is_end, -math.inf, totals)
        order = xp.argsort(-alive, axis=1, stable=True)[:, :width]  # (n, slots)
        self.alive = take(alive, order)
        return take(tokens, order), take(slots, order)

    def close(self, length: int) -> Array:
        """Decide which sentences are done after `length` steps, (n,) bool.

        The slots of those that the options stop are emptied, so that nothing of them changes until they leave. Those at
        their maximum length keep theirs, which `store` needs, and have to leave at once.
        """
        # A log-probability only falls and no length exceeds the limit, so this quotient bounds all later scores.
        longest = self._xp.astype(self.limits**self.options.length_penalty, self._xp.float32)
        bounds = self.alive[:, 0] / longest  # (n,)
        worst_finished = self.finished_scores[:, -1]  # (n,)
        done = bounds <= worst_finished
        if self.options.stop_early:
            done = done | (worst_finished > -math.inf)  # all places are taken
        self.alive = self._xp.where(done[:, None], -math.inf, self.alive)
        return done | (self.limits == length)

    def store(self, length: int) -> None:
        """Store the results of the sentences in the batch after `length` steps.

        Free places go to alive hypotheses, which the maximum length cuts off now. If a sentence stays in the batch, a
        later call stores it again.
        """
        xp, width = self._xp, self.options.width
        slots = xp.arange(self.alive.shape[1], device=self.alive.device)
        alive_scores = self.alive / length**self.options.length_penalty  # (n, slots)
        scores = xp.concat((self.finished_scores, alive_scores), axis=1)  # (n, width + slots)
        alive_ends = xp.broadcast_to(slots + length * width, alive_scores.shape)
        ends = xp.concat((self.finished_ends, alive_ends), axis=1)
        # A stable sort by whether a place is free moves free places to the end, and leaves all others in order.
        free = xp.astype(scores == -math.inf, xp.uint8)
        order = xp.argsort(free, axis=1, stable=True)[:, :width]  # (n, width)
        self.result_scores[self.sentences] = take(scores, order)
        self.result_ends[self.sentences] = take(ends, order)

    def keep(self, remaining: Array) -> None:
        """Go on with the sentences at these positions of the batch, (remaining,) int64."""
        self.sentences, self.limits = self.sentences[remaining], self.limits[remaining]
        self.alive = self.alive[remaining]
        self.finished_scores, self.finished_ends = self.finished_scores[remaining], self.finished_ends[remaining]

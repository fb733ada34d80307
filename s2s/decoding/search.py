"""The contracts of search: what a model provides, the options, and the hypotheses that come out.

`beam`, `greedy` and `sample` have a module each. All three take a step function: usually that of a decoder, but a test
passes a table of numbers. Its arrays are torch tensors or NumPy arrays (s2s/arrays.py), so that one search
serves both engines. The modules of this folder use these terms:

    batch      the sentences that are decoded together
    slot       the place of a hypothesis among those of its sentence, counted from 0
    row        a hypothesis in the arrays of a step function, where rows lie sentence by sentence, and then by slot
    alive      a hypothesis that will be continued
    finished   a hypothesis that ended with END
    cut off    a hypothesis that reached the maximum length without END
    parent     the hypothesis, one step shorter, that a hypothesis continues; stored as its slot
    done       a sentence whose search is over; done sentences leave the batch
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from s2s.arrays import Array, namespace
from s2s.errors import UserError, check
from s2s.models.contracts import Step

_LEAVING_SHARE = 0.25  # done sentences leave once they are this share of the batch: copying the others takes time

StepFunction = Callable[[Array, Any], Step]  # (the last tokens (rows,) int64, a `State`) -> what follows them


@dataclass(frozen=True)
class Hypothesis:
    """An output sentence that a search found.

    Attributes:
        tokens: its token ids, without START and END
        score: log_probability / length ** length_penalty, where the length counts END
        log_probability: the natural logarithm of the probability of all tokens and END, without any temperature
        attention: (steps, positions), one row for each token and one for END if it is finished; or None
        finished: False if the maximum length cut it off before END
    """

    tokens: list[int]
    score: float
    log_probability: float
    attention: NDArray[Any] | None = field(compare=False)
    finished: bool


@dataclass(frozen=True)
class SearchOptions:
    """The options of a beam search.

    Attributes:
        width: how many hypotheses of a sentence are alive after each step, and how many finished ones are remembered
        n_best: how many hypotheses are returned for a sentence, best first; this does not change the search
        length_penalty: alpha in score = log P / length ** alpha. With 0 the score is the log-probability, with 1 the
            mean log-probability of a token. (Wu et al., 2016, eq. 14, divide by ((5 + length) / 6) ** alpha instead,
            which favours long hypotheses less.)
        minimum_length: how many tokens a hypothesis has before END is allowed
        stop_early: if True, the search of a sentence stops when `width` hypotheses are finished, which takes far fewer
            steps but may miss a longer and better one. If False, it stops when no alive hypothesis can beat any of
            the `width` best finished ones.
        guard_loops: whether a sentence that repeats itself without a reason is searched again, see s2s.decoding.loops

    Raises:
        UserError: a value is outside its range.
    """

    width: int = 5
    n_best: int = 1
    length_penalty: float = 1.0
    minimum_length: int = 0
    stop_early: bool = False
    guard_loops: bool = True

    def __post_init__(self) -> None:
        check(self.width >= 1, f"the beam's width is {self.width}: choose 1 or more")
        check(1 <= self.n_best <= self.width, f"n_best is {self.n_best}: choose 1 to {self.width}, the beam's width")
        check(0 <= self.length_penalty <= 10, f"length_penalty is {self.length_penalty:g}: choose 0 to 10")
        check(self.minimum_length >= 0, f"minimum_length is {self.minimum_length}: choose 0 or more")


def check_limits(limits: Array) -> None:
    """Raise a UserError if a maximum length, (sentences,) int64, is below 1."""
    check(bool((limits >= 1).all()), "a maximum length is below 1, but END alone takes one step: choose 1 or more")


def remaining_sentences(done: Array, checksum: Array, at_once: bool = False) -> Array | None:
    """Decide which sentences stay in the batch, or return None if all of them stay for now.

    Done sentences leave together once they are a quarter of the batch. This function copies two numbers from the
    device, which is the only time in a step that the host waits for it.

    Args:
        done: (n,) bool, which sentences of the batch are done
        checksum: () float32, a sum that is NaN or infinite (above zero) if a log-probability is
        at_once: whether done sentences leave now, however few they are

    Returns:
        (remaining,) int64, ascending: the positions in the batch of the sentences that stay; or None.

    Raises:
        UserError: a log-probability is NaN or infinite.
    """
    xp = namespace(done)
    done_count, total = xp.stack((xp.sum(done, dtype=xp.float32), checksum)).tolist()
    if not total < math.inf:
        raise UserError(
            "the model's log-probabilities are NaN or infinite, so its weights are damaged: use an intact copy of the "
            "model, or train it again with a lower learning rate"
        )
    leave = done_count >= _LEAVING_SHARE * len(done) or (at_once and done_count)
    return xp.nonzero(~done)[0] if leave else None

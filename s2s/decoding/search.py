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

import numpy as np
from numpy.typing import NDArray

from s2s.arrays import Array, namespace
from s2s.errors import check
from s2s.models.contracts import Step

_ROOM = 10  # tokens that a sentence may have beyond a minimum length that its own limit does not allow
_LEAVING_SHARE = 0.25  # done sentences leave once they are this share of the batch: copying the others takes time

StepFunction = Callable[[Array, Any], Step]  # (the last tokens (rows,) int64, a `State`) -> what follows them


@dataclass(frozen=True)
class Given:
    """The part of a hypothesis that its search was told to write: the terms of a glossary.

    Attributes:
        tokens: how many tokens they have
        log_probability: of these tokens
    """

    tokens: int = 0
    log_probability: float = 0.0


@dataclass(frozen=True)
class Hypothesis:
    """An output sentence that a search found.

    Attributes:
        tokens: its token ids, without START and END
        score: log_probability / length ** length_penalty, where the length counts END
        log_probability: the natural logarithm of the probability of all tokens and END, without any temperature
        attention: (steps, positions), one row for each token and one for END if it is finished; or None
        finished: False if the maximum length cut it off before END
        given: the part that the search was told to write
    """

    tokens: list[int]
    score: float
    log_probability: float
    attention: NDArray[Any] | None = field(compare=False)
    finished: bool
    given: Given = Given()


@dataclass(frozen=True, kw_only=True)
class CommonOptions:
    """The options that all searches have.

    Attributes:
        length_penalty: alpha in score = log P / length ** alpha. With 0 the score is the log-probability, with 1 the
            mean log-probability of a token. (Wu et al., 2016, eq. 14, divide by ((5 + length) / 6) ** alpha instead,
            which favours long hypotheses less.)
        minimum_length: how many tokens a hypothesis has before END is allowed
        maximum_length: how many tokens a hypothesis has at most, END not counted; None for no other limit than that of
            its input. A hypothesis with so many tokens has to end.
        guard_loops: whether a sentence that repeats itself without a reason is searched again, see s2s.decoding.loops

    Raises:
        UserError: a value is outside its range.
    """

    length_penalty: float = 1.0
    minimum_length: int = 0
    maximum_length: int | None = None
    guard_loops: bool = True

    def __post_init__(self) -> None:
        check(0 <= self.length_penalty <= 10, f"length_penalty is {self.length_penalty:g}: choose 0 to 10")
        check(self.minimum_length >= 0, f"minimum_length is {self.minimum_length}: choose 0 or more")
        check(
            self.maximum_length is None or self.maximum_length >= max(1, self.minimum_length),
            f"maximum_length is {self.maximum_length}: choose 1 or more, and not less than minimum_length "
            f"({self.minimum_length})",
        )

    def limits(self, limits: NDArray[np.int64], forced: NDArray[np.int64] | int = 0) -> NDArray[np.int64]:
        """The maximum numbers of steps, END being one, of inputs whose own limits are these, (inputs,) each.

        Args:
            limits: (inputs,)
            forced: how many tokens are given, such as those of a prefix: (inputs,), or one number for all
        """
        least = np.maximum(forced, self.minimum_length)
        limits = np.where(limits > least, limits, least + _ROOM)
        if self.maximum_length is None:
            return limits
        return np.minimum(limits, np.maximum(forced, self.maximum_length) + 1)


@dataclass(frozen=True)
class BeamOptions(CommonOptions):
    """The options of a beam search, and with a width of 1 those of greedy search.

    A diverse beam (Vijayakumar et al., 2018) is divided into groups, each a beam of its own; see s2s.decoding.diverse.

    Attributes:
        width: how many hypotheses of a sentence are alive after each step, and how many finished ones are remembered
        n_best: how many hypotheses are returned for a sentence, best first; this does not change the search
        stop_early: if True, the search of a sentence stops when `width` hypotheses are finished, which takes far fewer
            steps but may miss a longer and better one. If False, it stops when no alive hypothesis can beat any of
            the `width` best finished ones.
        groups: into how many groups of equal size the beam is divided; 1 for a plain beam
        diversity_penalty: what a group takes off the log-probability of a token for each hypothesis of the groups
            before it that goes on with the same token at the same step

    Raises:
        UserError: a value is outside its range.
    """

    width: int = 5
    n_best: int = 1
    stop_early: bool = False
    groups: int = 1
    diversity_penalty: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.width >= 1, f"the beam's width is {self.width}: choose 1 or more")
        check(1 <= self.n_best <= self.width, f"n_best is {self.n_best}: choose 1 to {self.width}, the beam's width")
        check(
            self.groups >= 1 and self.width % self.groups == 0,
            f"groups is {self.groups}: choose a number that divides {self.width}, the beam's width",
        )
        check(0 <= self.diversity_penalty <= 100, f"diversity_penalty is {self.diversity_penalty:g}: choose 0 to 100")

    @property
    def rows(self) -> int:
        """How many hypotheses of a sentence are continued at each step."""
        return self.width


@dataclass(frozen=True)
class SamplingOptions(CommonOptions):
    """The options of sampling: what may be drawn, and how often; see s2s.decoding.sampling.

    Attributes:
        draws: how many hypotheses are drawn for a sentence
        n_best: how many of them are returned, best first
        temperature: above 1 makes unlikely tokens more frequent, below 1 less
        top_k: how many of the likeliest tokens may be drawn at each step; None for all
        top_p: only the likeliest tokens whose probabilities sum up to this may be drawn at each step; 1 for all
        seed: of the random numbers

    Raises:
        UserError: a value is outside its range.
    """

    draws: int = 1
    n_best: int = 1
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check(self.draws >= 1, f"draws is {self.draws}: choose 1 or more for each sentence")
        check(1 <= self.n_best <= self.draws, f"n_best is {self.n_best}: choose 1 to {self.draws}, the draws")
        check(
            0 < self.temperature < math.inf,
            f"the temperature is {self.temperature:g}: choose a number above 0, or search greedily",
        )
        check(self.top_k is None or self.top_k >= 1, f"top_k is {self.top_k}: choose 1 or more tokens")
        check(0 < self.top_p <= 1, f"top_p is {self.top_p:g}: choose a probability above 0, up to 1 for all tokens")
        check(self.seed >= 0, f"the seed is {self.seed}: choose 0 or more")

    @property
    def rows(self) -> int:
        """How many hypotheses of a sentence are continued at each step."""
        return self.draws


SearchOptions = BeamOptions | SamplingOptions


def check_limits(limits: Array) -> None:
    """Raise a UserError if a maximum length, (sentences,) int64, is below 1."""
    check(bool((limits >= 1).all()), "a maximum length is below 1, but END alone takes one step: choose 1 or more")


def check_probabilities(total: float) -> None:
    """Raise a UserError if a sum of log-probabilities is NaN or infinite (above zero)."""
    check(
        total < math.inf,
        "the model's log-probabilities are NaN or infinite, so its weights are damaged: use an intact copy of the "
        "model, or train it again with a lower learning rate",
    )


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
    check_probabilities(total)
    leave = done_count >= _LEAVING_SHARE * len(done) or (at_once and done_count)
    return xp.nonzero(~done)[0] if leave else None

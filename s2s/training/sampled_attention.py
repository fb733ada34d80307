"""The gradient through the positions that hard attention samples (Xu et al., 2015, section 4.1).

A sentence y is written while attention looks at positions s, drawn one after the other. The objective is the mean
log-likelihood over the ways of looking, L = sum_s p(s) log p(y | s), a lower bound of log p(y). Its gradient (eq. 11)

    dL = E_s [ d log p(y | s) + log p(y | s) d log p(s) ]

has two parts. The first is that of cross-entropy with the sampled positions. The second is REINFORCE (Williams, 1992):
the log-likelihood is the reward of the choices. A choice at step t changes only the words from t on, so its reward is
R_t = sum_{t' >= t} log p(y_t' | s). A baseline that does not depend on the choice lowers the variance and leaves the
mean of the gradient as it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from torch import Tensor

from s2s.models.configuration import DecoderConfig, hard_estimator
from s2s.models.contracts import Predictions
from s2s.nn.configuration import LeaveOneOutConfig, MovingBaselineConfig
from s2s.text.padding import Padded
from s2s.training.task import TaskState


class Estimator(ABC):
    """Estimates the gradient of the choices; a kind of it defines the baseline.

    Args:
        samples: how often each sentence is read, each time with positions of its own
        reward: weight of the gradient through the choices
        entropy: weight of the entropy bonus
    """

    carries: ClassVar[bool] = False  # whether `state` is more than nothing

    def __init__(self, samples: int, reward: float, entropy: float) -> None:
        self.samples, self._reward, self._entropy = samples, reward, entropy

    @abstractmethod
    def baseline(self, rewards: Tensor, mask: Tensor) -> Tensor:
        """What the rewards (rows, time) of the choices are compared with, (rows, time).

        The rows of a sentence lie side by side.
        """

    def repeated(self, batch: Padded) -> Padded:
        """Every sentence `samples` times, side by side."""
        return batch if self.samples == 1 else batch.moved(lambda tensor: tensor.repeat_interleave(self.samples, 0))

    def loss(self, predictions: Predictions, log_probabilities: Tensor, mask: Tensor) -> Tensor:
        """The term whose gradient is that of the choices, to be added to the summed cross-entropy.

        Args:
            predictions: of `model(...)` in training
            log_probabilities: (n,), of the targets at the n positions of the mask, row by row
            mask: (rows, time), True at real targets

        Returns:
            (), summed over rows and time.
        """
        sampled = predictions.sampled
        assert sampled is not None, "these predictions are not of hard attention in training"
        rewards = rewards_to_go(log_probabilities, mask)
        advantages = (rewards - self.baseline(rewards, mask)).masked_fill(~mask, 0)
        reinforced = (advantages * sampled.log_probability).sum()
        return -self._reward * reinforced - self._entropy * sampled.entropy[mask].sum()

    def state(self) -> TaskState:
        """What is carried to the next batch."""
        return TaskState()

    def restore(self, state: TaskState) -> None:
        """Take over what `state` returned; by default that is nothing."""
        del state


class MovingBaseline(Estimator):
    """The baseline of a choice is a moving mean of log p per word, times the number of words that are still to come.

    The paper's baseline is a moving mean of log p(y | s), one number for sentences of all lengths.
    """

    carries: ClassVar[bool] = True

    def __init__(self, config: MovingBaselineConfig) -> None:
        super().__init__(config.samples, config.reward, config.entropy)
        self._decay = config.decay
        self._mean: float | None = None

    def baseline(self, rewards: Tensor, mask: Tensor) -> Tensor:
        """See `Estimator`. The first batch, which has no mean before it, takes its own."""
        now = float(rewards[:, 0].sum() / mask.sum())
        before = now if self._mean is None else self._mean
        self._mean = self._decay * before + (1 - self._decay) * now
        to_come = mask.flip(1).cumsum(1).flip(1)
        return before * to_come

    def state(self) -> TaskState:
        """See `Estimator`."""
        return TaskState() if self._mean is None else TaskState(values={"baseline": self._mean})

    def restore(self, state: TaskState) -> None:
        """See `Estimator`."""
        self._mean = state.values.get("baseline")


class LeaveOneOut(Estimator):
    """The baseline of a choice is the mean reward of the sentence's other samples at the same step."""

    def __init__(self, config: LeaveOneOutConfig) -> None:
        super().__init__(config.samples, config.reward, config.entropy)

    def baseline(self, rewards: Tensor, mask: Tensor) -> Tensor:
        """See `Estimator`."""
        by_sentence = rewards.unflatten(0, (-1, self.samples))  # (sentences, samples, time)
        others = (by_sentence.sum(1, keepdim=True) - by_sentence) / (self.samples - 1)
        return others.flatten(0, 1)


ESTIMATORS: dict[Any, Callable[[Any], Estimator]] = {
    MovingBaselineConfig: MovingBaseline,
    LeaveOneOutConfig: LeaveOneOut,
}


def estimator_of(decoder: DecoderConfig) -> Estimator | None:
    """The estimator of a decoder's configuration; None where attention is soft, or trained by the marginal."""
    config = hard_estimator(decoder)
    return ESTIMATORS[type(config)](config) if type(config) in ESTIMATORS else None


def rewards_to_go(log_probabilities: Tensor, mask: Tensor) -> Tensor:
    """The sum of log p of each word and of those after it.

    Args:
        log_probabilities: (n,), at the n positions of the mask, row by row
        mask: (rows, time)

    Returns:
        (rows, time)
    """
    words = log_probabilities.new_zeros(mask.shape).masked_scatter(mask, log_probabilities)
    return words.flip(1).cumsum(1).flip(1)

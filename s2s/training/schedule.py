"""Learning-rate schedules."""

from __future__ import annotations

import math
from collections.abc import Mapping

from s2s.training.configuration import ScheduleConfig


class Schedule:
    """The learning rate of every step, as a share of its peak.

    Args:
        config: the shape of the schedule
        total_steps: at which the cosine ends
    """

    def __init__(self, config: ScheduleConfig, total_steps: int) -> None:
        self.config, self.total_steps = config, total_steps
        self._reductions = 0  # of the plateau schedule, with the next line
        self._stale = 0

    def share(self, step: int) -> float:
        """Return the share of the peak learning rate at `step`, counted from 0."""
        config = self.config
        warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
        after = max(0, step - config.warmup_steps)  # the cosine begins at the peak
        progress = min(1.0, after / max(1, self.total_steps - config.warmup_steps))
        shape = {
            "constant": 1.0,
            "cosine": 0.5 * (1 + math.cos(math.pi * progress)),
            "inverse_sqrt": math.sqrt(max(1, config.warmup_steps) / max(1, config.warmup_steps, step + 1)),
            "plateau": config.factor**self._reductions,
        }[config.name]
        return warm * (config.floor + (1 - config.floor) * shape)

    def observe(self, fresh: bool) -> None:
        """Note whether a validation improved on earlier ones; too many that do not reduce the rate (plateau).

        Args:
            fresh: see `Position.count`
        """
        self._stale = 0 if fresh else self._stale + 1
        if self._stale >= self.config.patience:
            self._reductions, self._stale = self._reductions + 1, 0

    def record(self) -> dict[str, int]:
        """Return what the training state stores; its keys are those of the first version."""
        return {"reductions": self._reductions, "stale": self._stale}

    def restore(self, record: Mapping[str, int]) -> None:
        """Take over what `record` returned."""
        self._reductions, self._stale = record["reductions"], record["stale"]

"""The progress of a training on standard error: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from s2s.training.task import Loss


class Means:
    """The means of the training figures since the last validation; sums stay on the device until they are read."""

    def __init__(self) -> None:
        self._weight = 0.0
        self._sums: dict[str, Tensor | float] = {}

    def add(self, loss: Loss) -> None:
        """Add the figures of a batch."""
        self._weight += loss.weight
        for name, total in loss.figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + total.detach().double()

    def read(self) -> dict[str, float]:
        """Return the mean of each figure; this waits for the device."""
        return {name: float(total) / self._weight for name, total in self._sums.items()}

    def clear(self) -> None:
        """Set all sums to 0."""
        self._weight, self._sums = 0.0, {}

    def record(self) -> dict[str, Any]:
        """Return what the training state stores, bit for bit."""
        return {"weight": self._weight, "sums": {name: float(total) for name, total in self._sums.items()}}

    def restore(self, record: Mapping[str, Any]) -> None:
        """Take over what `record` returned."""
        self._weight, self._sums = record["weight"], dict(record["sums"])


class Progress:
    """Shows the figures, the learning rate, the speed and the time left, and counts steps.

    Args:
        means: the figures
        step: the steps made so far
        total: the steps of the whole training, or about as many
        unit: what `Loss.size` counts, for the speed
        seconds: between two plain lines, where standard error is no terminal; a bar moves every second
    """

    def __init__(self, means: Means, step: int, total: int, *, unit: str, seconds: float = 30.0) -> None:
        self._means, self._step, self._total, self._unit = means, step, max(step, total), unit
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            shape = "{percentage:3.0f}%|{bar}| {desc}"
            self._bar = tqdm(total=self._total, initial=step, bar_format=shape, dynamic_ncols=True)
            seconds = 1.0
        self._seconds = seconds
        self._started = self._shown = time.monotonic()
        self._first_step = step
        self._size = 0  # in units, since `_shown`

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.n = self._step
            self._bar.close()

    def step(self, losses: Sequence[Loss], rate: float, norm: Tensor, *, epoch: int) -> None:
        """Count an update of the weights, and show it if it is time to.

        Args:
            losses: of the batches of the update
            rate: the learning rate
            norm: of the gradient before clipping, ()
            epoch: counted from 1
        """
        self._step += 1
        self._total = max(self._step, self._total)
        self._size += sum(loss.size for loss in losses)
        now = time.monotonic()
        if now - self._shown < self._seconds:
            return
        figures = [f"{name.replace('_', ' ')} {value:.3f}" for name, value in self._means.read().items()]
        left = (now - self._started) / (self._step - self._first_step) * (self._total - self._step)
        speed = f"{self._size / max(now - self._shown, 1e-9):,.0f} {self._unit}/s"
        rest = [f"rate {rate:.1e}", speed, f"{duration(left)} left", f"gradient {float(norm):.2f}"]
        text = ", ".join([f"epoch {epoch}", *figures, *rest])
        if self._bar is not None:
            self._bar.n = self._step
            self._bar.set_description_str(text)
        else:
            self.say(f"step {self._step} of {self._total}, {text}")
        self._shown, self._size = now, 0

    def say(self, line: str) -> None:
        """Print a line above the bar; the speed is measured anew from here, so that validations do not count."""
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)
        self._shown, self._size = time.monotonic(), 0


def duration(seconds: float) -> str:
    """Return a time as people say it: `40 s`, `12 min`, `3 h 05 min`."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"

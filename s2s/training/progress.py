"""What a training shows while it runs: a bar on a terminal, plain lines elsewhere; all on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from s2s.training.task import Loss


class Means:
    """A training's figures since its last validation, as means; sums stay on the device until they are read."""

    def __init__(self) -> None:
        self._weight = 0.0
        self._sums: dict[str, Tensor | float] = {}

    def add(self, loss: Loss) -> None:
        """Count a batch in."""
        self._weight += loss.weight
        for name, total in loss.figures.items():
            self._sums[name] = self._sums.get(name, 0.0) + total.detach().double()

    def read(self) -> dict[str, float]:
        """Each figure's mean; this waits for the device."""
        return {name: float(total) / self._weight for name, total in self._sums.items()}

    def clear(self) -> None:
        """Begin anew."""
        self._weight, self._sums = 0.0, {}

    def record(self) -> dict[str, Any]:
        """For the training state, where it survives bit for bit."""
        return {"weight": self._weight, "sums": {name: float(total) for name, total in self._sums.items()}}

    def restore(self, record: Mapping[str, Any]) -> None:
        """From the training state."""
        self._weight, self._sums = record["weight"], dict(record["sums"])


class Progress:
    """Counts steps and shows loss, learning rate, tokens a second and time left.

    Args:
        means: the figures to show
        step: where the training stands
        total: how many steps it will have, or nearly so
        seconds: between two plain lines, where standard error is no terminal; a bar moves every second
    """

    def __init__(self, means: Means, step: int, total: int, *, seconds: float = 30.0) -> None:
        self._means, self._step, self._total = means, step, max(step, total)
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            shape = "{percentage:3.0f}%|{bar}| {desc}"
            self._bar = tqdm(total=self._total, initial=step, bar_format=shape, dynamic_ncols=True)
            seconds = 1.0
        self._seconds = seconds
        self._begun = self._shown = time.monotonic()
        self._first, self._tokens = step, 0  # the step of `begun`, tokens since `shown`

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.n = self._step
            self._bar.close()

    def step(self, losses: Sequence[Loss], rate: float, norm: Tensor, *, epoch: int) -> None:
        """One update of the weights was made, with this learning rate, from a gradient of this norm."""
        self._step += 1
        self._total = max(self._step, self._total)
        self._tokens += sum(loss.size for loss in losses)
        now = time.monotonic()
        if now - self._shown < self._seconds:
            return
        figures = [f"{name.replace('_', ' ')} {value:.3f}" for name, value in self._means.read().items()]
        left = (now - self._begun) / (self._step - self._first) * (self._total - self._step)
        speed = f"{self._tokens / max(now - self._shown, 1e-9):,.0f} tokens/s"
        rest = [f"rate {rate:.1e}", speed, f"{duration(left)} left", f"gradient {float(norm):.2f}"]
        text = ", ".join([f"epoch {epoch}", *figures, *rest])
        if self._bar is not None:
            self._bar.n = self._step
            self._bar.set_description_str(text)
        else:
            self.say(f"step {self._step} of {self._total}, {text}")
        self._shown, self._tokens = now, 0

    def say(self, line: str) -> None:
        """One line that stays; the speed is measured from here on, without what the line tells of."""
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)
        self._shown, self._tokens = time.monotonic(), 0


def duration(seconds: float) -> str:
    """Such as `40 s`, `12 min`, `3 h 05 min`."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02} min"

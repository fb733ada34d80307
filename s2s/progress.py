"""What a training shows while it runs: a bar on a terminal, plain lines elsewhere; all on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from torch import Tensor

from s2s.task import Loss


class Progress:
    """Counts steps, sums figures, and shows loss, tokens a second, learning rate and time left.

    Args:
        step: where the training stands
        total: how many steps it will have
        seconds: between two plain lines, where standard error is no terminal
    """

    def __init__(self, step: int, total: int, *, seconds: float = 30.0) -> None:
        self._step, self._total, self._seconds = step, total, seconds
        self._sums: dict[str, Tensor | float] = {}
        self._weight = 0.0
        self._bar = None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, initial=step, unit="step", dynamic_ncols=True, smoothing=0.05)
        self._started = self._shown = time.monotonic()
        self._first, self._tokens = step, 0
        self._interval = (step, 0, self._started)  # step, tokens and time of the last line

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self, losses: Sequence[Loss], weight: float, rate: float, norm: Tensor, *, epoch: int) -> None:
        """One update of the weights was made."""
        self._step += 1
        self._weight += weight
        for loss in losses:
            self._tokens += loss.size
            for name, value in loss.figures.items():
                self._sums[name] = self._sums.get(name, 0.0) + value
        now = time.monotonic()
        if self._bar is not None:
            self._bar.update()
        if now - self._shown < (1.0 if self._bar is not None else self._seconds):
            return
        figures = {name: f"{value:.3f}" for name, value in self.means(reset=False).items()}
        figures |= {"gradient": f"{float(norm):.2f}", "rate": f"{rate:.1e}", "tokens/s": f"{self._speed(now):,.0f}"}
        told = ", ".join(f"{name} {value}" for name, value in figures.items())
        if self._bar is not None:
            self._bar.set_postfix_str(told, refresh=False)
            self._bar.set_description(f"epoch {epoch}", refresh=False)
        else:
            left = (now - self._started) / (self._step - self._first) * (self._total - self._step)
            self.say(f"epoch {epoch}, step {self._step} of {self._total}: {told}, {left / 60:.0f} min left")
        self._shown = now
        self._interval = (self._step, self._tokens, now)

    def means(self, *, reset: bool = True) -> dict[str, float]:
        """The figures' means since the last reset."""
        means = {name: float(value) / max(self._weight, 1e-9) for name, value in self._sums.items()}
        if reset:
            self._sums, self._weight = {}, 0.0
        return means

    def say(self, line: str) -> None:
        """One line that stays."""
        if self._bar is not None:
            self._bar.write(line, file=sys.stderr)
        else:
            print(line, file=sys.stderr, flush=True)

    def _speed(self, now: float) -> float:
        _, tokens, then = self._interval
        return (self._tokens - tokens) / max(now - then, 1e-9)

"""The line of progress on a terminal: how much is done, how fast, and what failed."""

from __future__ import annotations

import sys
import time

_BAR = 24  # characters
_PAUSE = 0.1  # seconds between two versions of the line


class ProgressLine:
    """Shows progress on standard error, if that is a terminal.

    Args:
        unit: what is counted, such as "lines"
        total: how many there are; None if that is not known
        quiet: whether nothing is shown, as where the results appear on the same terminal
    """

    def __init__(self, unit: str = "lines", total: int | None = None, *, quiet: bool = False) -> None:
        self._unit, self._total = unit, total
        self._shown, self._started, self._last = sys.stderr.isatty() and not quiet, time.monotonic(), 0.0
        self._state = 0, 0

    def show(self, done: int, failed: int = 0) -> None:
        """Show that so many are done, and how many of them failed."""
        self._state = done, failed
        if self._shown and time.monotonic() - self._last >= _PAUSE:
            self._draw()

    def _draw(self) -> None:
        self._last = time.monotonic()
        text = progress_text(*self._state, self._last - self._started, self._unit, self._total)
        print(end=f"\r{text}\x1b[K", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Make room for a message."""
        if self._shown:
            print(end="\r\x1b[K", file=sys.stderr, flush=True)
            self._last = 0.0

    def end(self) -> None:
        """Go on below the line."""
        if self._shown and self._state[0]:
            self._draw()
            print(file=sys.stderr)


def progress_text(done: int, failed: int, seconds: float, unit: str, total: int | None) -> str:
    """`[####----] 50 % · 5 of 9 pictures, 2 pictures/s, 0:02 left`; without a total, `5 lines, 2 lines/s`."""
    speed = done / max(seconds, 1e-9)
    pace = f"{speed:,.1f}" if 0 < speed < 10 else f"{speed:,.0f}"
    troubles = f", {failed:,} failed" if failed else ""
    if not total:
        return f"{done:,} {unit}, {pace} {unit}/s{troubles}"
    filled = _BAR * done // total
    minutes, rest = divmod(round((total - done) / speed) if done else 0, 60)
    left = f", {minutes:,}:{rest:02} left" if 0 < done < total else ""
    bar = "#" * filled + "-" * (_BAR - filled)
    counted = unit.removesuffix("s") if total == 1 else unit
    return f"[{bar}] {100 * done // total} % · {done:,} of {total:,} {counted}, {pace} {unit}/s{troubles}{left}"

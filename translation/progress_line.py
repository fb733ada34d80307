"""The line of progress on a terminal: how many lines are translated, and how fast."""

from __future__ import annotations

import sys
import time


class ProgressLine:
    """Shows progress on standard error, if that is a terminal.

    Args:
        quiet: whether nothing is shown, as where the translations appear on the same terminal
    """

    def __init__(self, *, quiet: bool) -> None:
        self._shown, self._started = sys.stderr.isatty() and not quiet, time.monotonic()

    def show(self, lines: int) -> None:
        """Show that so many lines are done."""
        if self._shown:
            speed = lines / (time.monotonic() - self._started)
            print(end=f"\r{lines:,} lines, {speed:,.0f} lines/s\x1b[K", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Make room for a message."""
        if self._shown:
            print(end="\r\x1b[K", file=sys.stderr)

    def end(self) -> None:
        """Go on below the line."""
        if self._shown:
            print(file=sys.stderr)

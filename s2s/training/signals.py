"""Signals that wait for the end of a training step."""

from __future__ import annotations

import signal

from s2s.errors import Terminated


class StepSignals:
    """A context in which SIGINT and SIGTERM wait for the end of a step, so that the state saved is that of whole steps.

    A second signal does not wait.

    Attributes:
        received: the number of the signal that came, or None
    """

    def __init__(self) -> None:
        self.received: int | None = None

    def __enter__(self) -> StepSignals:
        self._handlers = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _: object) -> None:
        self.received = number
        signal.signal(number, self._handlers[signal.Signals(number)])

    def raise_received(self) -> None:
        """Raise KeyboardInterrupt or `Terminated` if a signal came; call it once the state is saved."""
        raise_signal(self.received)


def raise_signal(number: int | None) -> None:
    """Raise what the signal of this number stands for; None is no signal."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    if number == signal.SIGTERM:
        raise Terminated

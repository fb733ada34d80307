"""Turn SIGTERM and Ctrl-C into exceptions while a command runs. Tested on Linux; Windows has no timer of signals."""

from __future__ import annotations

import signal
import sys

from s2s.errors import Terminated


class CommandSignals:
    """A context in which SIGTERM raises `Terminated` and SIGINT raises `KeyboardInterrupt` in the main thread.

    Python raises such an exception at whatever the main thread is executing. If that is a finaliser or the callback of
    a weak reference (every import runs some), Python prints the traceback, drops the exception, and the command goes
    on. In this context the dropped exception is not printed, and the signal is sent again after 10 ms.

    Attributes:
        enabled: whether signals raise exceptions. `command.run` sets it to False before it prints the last message.
    """

    def __init__(self) -> None:
        self.enabled = True
        self._terminated = False
        self._dropped = signal.SIGTERM  # the signal to send again
        self._print_unraisable = sys.unraisablehook

    def __enter__(self) -> CommandSignals:
        handlers = {signal.SIGTERM: self._raise}
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a background job of a shell ignores SIGINT
            handlers[signal.SIGINT] = self._raise
        if sys.platform != "win32":  # Windows has no interval timer
            handlers[signal.SIGALRM] = self._send_again
            sys.unraisablehook = self._unraisable
        self._previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        return self

    def __exit__(self, *_: object) -> None:
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_REAL, 0)
            sys.unraisablehook = self._print_unraisable
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _raise(self, number: int, _: object) -> None:
        if self.enabled and number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.enabled and not self._terminated:  # a second SIGTERM must not interrupt the `finally` blocks
            self._terminated = True
            raise Terminated

    def _unraisable(self, dropped: sys.UnraisableHookArgs) -> None:
        """Replace `sys.unraisablehook`. An exception raised here would be dropped too, so a timer sends the signal."""
        if issubclass(dropped.exc_type, KeyboardInterrupt | Terminated):
            self._dropped = signal.SIGINT if issubclass(dropped.exc_type, KeyboardInterrupt) else signal.SIGTERM
            self._terminated = False
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            self._print_unraisable(dropped)

    def _send_again(self, number: int, _: object) -> None:
        signal.raise_signal(self._dropped)

"""Memory of a GPU while a command runs, as `nvidia-smi` tells it: the same measure for all toolkits."""

from __future__ import annotations

import subprocess
from threading import Event, Thread
from types import TracebackType

_QUERY = ("nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits")
_PERIOD = 0.25  # seconds between two looks


def used() -> float:
    """Megabytes in use on the first GPU, by whatever program."""
    done = subprocess.run(_QUERY, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[0])


class GpuMemory:
    """A context that follows the memory in use.

    Attributes:
        megabytes: at most so far, above what was in use at the beginning
    """

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._ended = Event()
        self._thread = Thread(target=self._watch, args=(used(),), daemon=True)

    def __enter__(self) -> GpuMemory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self, before: float) -> None:
        while not self._ended.wait(_PERIOD):
            self.megabytes = max(self.megabytes, used() - before)

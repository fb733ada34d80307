"""A command in a process of its own: what it wrote, how long it took, how much memory it held at most.

Linux starts to count a child's memory at its parent's peak: what imports this must stay small, and never import torch.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Timer
from typing import IO, NamedTuple

from tests.benchmarks.gpu_memory import GpuMemory

_SHOWN = 15  # last lines of the log of a command that failed
_UNSET = ("PYTHONPATH", "VIRTUAL_ENV")  # a peer's environment must not see ours


class CommandError(Exception):
    """A command that could not be run, or ended badly."""


class Finished(NamedTuple):
    """A command that ended well."""

    output: str  # standard output
    log: str  # standard error
    seconds: float
    megabytes: float  # of memory at most; of several processes, the largest one's
    gpu_megabytes: float | None = None  # likewise of a GPU, if it had one

    @property
    def memory(self) -> dict[str, float]:
        """The figures of a record."""
        on_gpu = {} if self.gpu_megabytes is None else {"GPU megabytes": self.gpu_megabytes}
        return {"megabytes": self.megabytes} | on_gpu


def run(
    command: Sequence[str | Path],
    *,
    folder: Path,
    threads: int,
    text: str = "",
    limit: float | None = None,
    gpu: bool = False,
) -> Finished:
    """Run `command` in `folder`, with `text` as its standard input, on so many cores, and with a GPU or none.

    Raises:
        CommandError: it ended with another code than 0, and not because it was stopped after `limit` seconds.
    """
    cores = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
    ours = {name: value for name, value in os.environ.items() if name not in _UNSET}
    hidden = {} if gpu else {"CUDA_VISIBLE_DEVICES": ""}
    with ExitStack() as stack:
        source, output, log = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
        memory = stack.enter_context(GpuMemory()) if gpu else None
        source.write(text.encode())
        source.seek(0)
        began = time.monotonic()
        process = subprocess.Popen(
            list(map(str, command)),
            cwd=folder,
            env=ours | cores | hidden | {"PYTHONUNBUFFERED": "1"},
            stdin=source,
            stdout=output,
            stderr=log,
        )
        timer = Timer(limit or 0, process.terminate)
        if limit:
            timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # nobody is left to wait for it
            timer.cancel()
            process.kill()
            raise
        seconds = time.monotonic() - began
        stopped = limit is not None and not timer.is_alive()
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        written, told = (_content(file) for file in (output, log))
    if process.returncode and not stopped:
        last = "\n".join((told or written).splitlines()[-_SHOWN:])
        raise CommandError(f"{' '.join(map(str, command))} ended with {process.returncode}:\n{last}")
    return Finished(written, told, seconds, usage.ru_maxrss / 1024, memory.megabytes if memory else None)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")

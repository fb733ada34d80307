"""Commands in processes of their own, forked from one that has imported what is slow to import."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from s2s.cli import command

PATIENCE = 600  # seconds: on a busy machine a second's work may take minutes; only what hangs takes longer
PRELOADED = ["torchvision", "translation.task", "translation.translator", "captioning.task", "captioning.captioner"]
PRELOADED += ["s2s.vision.extract", "s2s.training.trainer", "translation.metrics"]
_STOPPING = {signal.SIGINT, signal.SIGTERM}


class Command:
    """A command that has been started; signals reach it from its first line to its last, and not the interpreter.

    Args:
        name: of its module and function, `translation.translate:translate`
        arguments: of its command line
        outputs: what its standard output and standard error are written to: this name with .stdout and .stderr
        environment: variables of its own
    """

    def __init__(
        self, name: str, arguments: Sequence[object], outputs: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        context = get_context("forkserver")
        context.set_forkserver_preload(PRELOADED)
        self._outputs = [outputs.with_name(f"{outputs.name}.{stream}") for stream in ("stdout", "stderr")]
        for path in self._outputs:
            path.unlink(missing_ok=True)
        given = (name, list(map(str, arguments)), self._outputs, dict(environment or {}))
        self.process: ForkServerProcess = context.Process(target=_run, args=given)
        self.process.start()

    def begun(self) -> bool:
        """Whether it is past what any process does before its first line."""
        return self._outputs[1].exists() or not self.process.is_alive()

    def end(self, number: signal.Signals | None = None) -> tuple[int, str, str]:
        """Send the signal, if any; return the exit code and what was written, in which there is no traceback."""
        if number is not None and self.process.pid is not None:
            with suppress(ProcessLookupError):  # it has ended
                os.kill(self.process.pid, number)
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None
        output, error = (path.read_text(encoding="utf-8") if path.exists() else "" for path in self._outputs)
        assert "Traceback" not in output + error, error
        return self.process.exitcode, output, error


def _run(name: str, arguments: list[str], outputs: list[Path], environment: dict[str, str]) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
    os.environ.update(environment)
    for descriptor, path in enumerate(outputs, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    module, _, function = name.partition(":")

    def main(given: list[str]) -> int:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
            return getattr(import_module(module), function)(given)
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)

    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what `run` leaves behind: threads of libraries block no signals
    os._exit(command.run(main, arguments))  # nor may they reach what multiprocessing does at its end

"""Mass work with a model that writes in capitals, in processes that can be told to fail or to die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mass.batches import Answer, Columns, _columns, attempt
from mass.forms import Content, Form, Lines
from mass.local import LocalEngine
from mass.run import Job, run
from mass.shards import number_shards
from mass.tasks import Task
from s2s.decoding.search import BeamOptions
from s2s.runtime.engine_options import EngineOptions

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Capitals(Task):
    """A task whose model writes in capitals.

    It fails at the word "fail". "die" ends its process; "die once NAME" only if there is no file of that name yet.
    """

    def load(self) -> Any:
        return capitals


class FullDisk(Lines):
    """A form whose shards cannot be written."""

    def write(self, path: Path, content: Content, columns: Columns) -> None:
        """Fail, as on a full disk."""
        raise OSError(28, "No space left on device", str(path))


def capitals(batch: Mapping[str, Any]) -> Columns:
    def answers(texts: Any) -> list[Answer]:
        if "fail" in texts:
            raise ValueError("a text that fails")
        return [Answer(text and text.upper()) for text in texts]

    for text in batch["text"]:
        command, _, path = (text or "").partition(" once ")
        if command == "die" and not (path and Path(path).exists()):
            if path:
                Path(path).touch()
            os.kill(os.getpid(), signal.SIGKILL)
    found = attempt(answers, list(batch["text"]), lambda why: Answer(problem=why))
    return _columns(list(batch["id"]), "translation", found)


def job(
    source: Path, output: Path, *, form: Form | None = None, size: int = 2, settings: Mapping[str, str] | None = None
) -> Job:
    """A job of two processes, with shards of two items."""
    form = form or Lines()

    def task(unfinished: Path) -> Task:
        home = str(source.parent)
        return Capitals(form, "", "", BeamOptions(), EngineOptions(), home, str(output), str(unfinished))

    def shards(_: Path) -> Any:
        return number_shards([(str(source), form.parts(source, source.name, size))])

    return Job(source, output, settings or {"INPUT": str(source)}, shards, task, LocalEngine(2))


def work(source: Path, output: Path, **options: Any) -> int:
    """Do such a job; return the exit code."""
    return run(job(source, output, **options))


def written(output: Path) -> str:
    """What the shards hold, one after the other."""
    return "".join(path.read_text(encoding="utf-8") for path in sorted(output.iterdir()))


def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
    """Start `s2s mass ...`."""
    program = "import sys; from s2s.cli.entry import main; sys.argv[0] = 's2s'; sys.exit(main())"
    command = [sys.executable, "-c", program, "mass", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=cwd, env=environment, **pipes)


def kill_a_worker(output: Path, process: subprocess.Popen[str]) -> None:
    """Kill the first worker that begins a shard."""
    while process.poll() is None:
        for mark in output.with_name(f"{output.name}.mass").glob("unfinished/*.try-0"):
            if pid := mark.read_text():
                os.kill(int(pid), signal.SIGKILL)
                return
        time.sleep(0.01)

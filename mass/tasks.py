"""A task: what is done with every shard, in any process or machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from platform import node
from typing import Any

from mass.batches import Batch, BatchCaptioner, BatchTranslator, Columns
from mass.forms import Form
from mass.shards import Shard
from s2s.decoding.search import SearchOptions
from s2s.errors import check
from s2s.files import current_version, replace_durably, sha256
from s2s.runtime.engine_options import EngineOptions

_CARD = "README.md"


@dataclass(frozen=True)
class Finished:
    """What is known of a shard that is done.

    Attributes:
        number: of the shard
        items: how many it has
        bytes, sha256: of its file
        doubtful: how many results are doubtful
        long: how many lines were cut, because they were longer than those that the model was trained on
        failed: how many items have no result
        problems: of each of them: `file`, `line` or `row`, and `problem`
    """

    number: int
    items: int
    bytes: int
    sha256: str
    doubtful: int = 0
    long: int = 0
    failed: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """What is done with a shard: read it, translate or caption it, write it. It can be sent to other processes.

    Attributes:
        form: of the input
        model: the directory of the model
        model_digest: of that directory; a worker with another model refuses to work
        search: the options of the search
        machine: what computes
        home: the folder from which names of files count
        output: the folder of the finished shards
        unfinished: the folder of shards in work, on the same file system
    """

    form: Form
    model: str
    model_digest: str
    search: SearchOptions
    machine: EngineOptions
    home: str
    output: str
    unfinished: str

    @property
    def captions(self) -> bool:
        """Whether pictures are captioned."""
        return self.form.unit == "picture"

    def load(self) -> Callable[[Batch], Columns]:
        """Load the model. Raises a UserError if it is missing, damaged or another one."""
        directory = Path(self.model)
        check(directory.is_dir(), f"{directory}: the model is not on the machine {node()}; copy it there")
        check(
            model_digest(directory) == self.model_digest,
            f"{directory}: is another model on the machine {node()}, or has changed since; copy it there",
        )
        return (BatchCaptioner if self.captions else BatchTranslator)(directory, self.search, self.machine)

    def file(self, shard: Shard) -> Path:
        """Where the file of a finished shard is."""
        return Path(self.output, shard.stem + self.form.suffix)


class ShardWorker:
    """Does shards, one after the other; the model is loaded at the first.

    Attributes:
        unfinished: the folder of shards in work
    """

    def __init__(self, task: Task) -> None:
        self._task, self.unfinished = task, Path(task.unfinished)

    @cached_property
    def _model(self) -> Callable[[Batch], Columns]:
        return self._task.load()

    def __call__(self, shard: Shard) -> Finished:
        """Do a shard. Its file appears under its name when it is whole and on the disk.

        Raises:
            UserError: the input or the model is not what it was, or not there.
            OSError: a file cannot be read or written.
        """
        task = self._task
        content = task.form.read(Path(task.home, shard.source), shard)
        count = len(content.values)
        batch = {
            "id": range(shard.first, shard.first + count),
            "place": range(shard.place, shard.place + count),
            "path" if task.captions else "text": content.values,
        }
        columns = self._model(batch)
        if len(columns["id"]) != shard.count:
            raise RuntimeError(f"{shard.where}: {len(columns['id'])} results for {shard.count} items")
        for index, problem in content.problems.items():
            columns["problem"][index] = problem
        aside = self.unfinished / f"{shard.stem}-{node()}-{os.getpid()}{task.form.suffix}"
        task.form.write(aside, content, columns)
        written = aside.stat().st_size, sha256(aside)
        replace_durably(aside, task.file(shard))
        found = zip(columns["id"], columns["problem"], strict=True)
        problems = [{**task.form.place(shard, content, id_), "problem": why} for id_, why in found if why]
        sums = sum(columns["doubtful"]), sum(columns["long"]), len(problems)
        return Finished(shard.number, count, *written, *sums, problems)


def model_digest(directory: Path) -> str:
    """A digest of all files of a model directory but its card."""
    directory = current_version(directory)
    paths = sorted(path for path in directory.iterdir() if path.is_file() and path.name != _CARD)
    return hashlib.sha256("\n".join(f"{path.name} {sha256(path)}" for path in paths).encode()).hexdigest()

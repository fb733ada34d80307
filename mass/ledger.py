"""The ledger of a run: what it is, which shards it has, and which of them are done; it lies beside the output.

    OUTPUT/                  the finished shards, and nothing else
    OUTPUT.mass/run.json     by what the output differs: input, model, options
               plan.jsonl    the shards, one per line: see `mass.shards.Shard`
               done.jsonl    those that are done, with size, SHA-256 and failures: see `mass.tasks.Finished`
               failed.jsonl  at the end: all items that failed, with the reasons
               SHA256SUMS    at the end: of all files, for `cd OUTPUT && sha256sum --check ../OUTPUT.mass/SHA256SUMS`
               unfinished/   shards in work

A run goes on where it was interrupted: what is done is told by done.jsonl, and a torn last line of it counts for
nothing. A shard whose file appeared, but whose line did not, is done again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path

from mass.forms import Form
from mass.shards import Shard, changed
from mass.tasks import Finished
from s2s.errors import UserError, check, counted, first_few
from s2s.files import atomic_file, sha256, text_writer
from s2s.locking import lock_file

_NAME = re.compile(r"part-(\d{8})")


@dataclass
class Totals:
    """Sums over shards."""

    shards: int = 0
    items: int = 0
    doubtful: int = 0
    long: int = 0
    failed: int = 0

    def add(self, done: Finished) -> None:
        """Count a shard that is done."""
        self.shards += 1
        self.items += done.items
        self.doubtful += done.doubtful
        self.long += done.long
        self.failed += done.failed


class Ledger:
    """The ledger of one output.

    Args:
        output: the folder of the finished shards

    Attributes:
        folder: of the ledger
        unfinished: of shards in work
        planned: all shards
        done: those that are done
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        real = Path(os.path.realpath(output))
        self.folder = real.with_name(f"{real.name}.mass")
        self.unfinished = self.folder / "unfinished"
        self._settings, self._plan, self._log = (
            self.folder / name for name in ("run.json", "plan.jsonl", "done.jsonl")
        )
        self._finished = dict[int, Finished]()
        self.planned, self.done = Totals(), Totals()

    def check_output(self) -> None:
        """Raise a UserError unless the output is new, empty, or that of an earlier run."""
        output, parent = self.output, self.folder.parent
        check(parent.is_dir(), f"{output}: its folder {parent} does not exist; create it first")
        check(output.is_dir() or not output.exists(), f"{output}: is a file; name a folder for the output")
        names = [entry.name for entry in os.scandir(output)] if output.exists() else []
        begun = self._settings.exists()
        check(
            begun or not names,
            f"{output}: is not empty, and no run of this command was begun there; name a new folder",
        )
        foreign = sorted(name for name in names if not _NAME.fullmatch(Path(name).stem))
        check(not foreign, f"{output}: has what this run has not written: {first_few(foreign)}; move it away")
        other = sorted(entry.name for entry in os.scandir(self.folder)) if self.folder.exists() and not begun else []
        check(set(other) <= {"lock"}, f"{self.folder}: is no folder of this command; name another output folder")

    @contextmanager
    def opened(self, settings: Mapping[str, str]) -> Iterator[bool]:
        """Lock the ledger; the value is whether something was done before.

        Args:
            settings: by what outputs differ

        Raises:
            UserError: another process has locked it; it was begun with other settings; it is damaged.
        """
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                lock_file(lock.fileno())
            except (BlockingIOError, PermissionError) as error:
                raise UserError(f"{self.output}: another process is writing it; wait for it to end") from error
            written = self.output.exists() and any(self.output.iterdir())
            begun = self._settings.exists() and (self._has_log() or written)
            if begun:
                self._check_settings(settings)
            else:
                self._begin(settings)
            shutil.rmtree(self.unfinished, ignore_errors=True)
            self.unfinished.mkdir()
            try:
                yield begun
            finally:
                shutil.rmtree(self.unfinished, ignore_errors=True)

    def _has_log(self) -> bool:
        return self._log.exists() and self._log.stat().st_size > 0

    def _begin(self, settings: Mapping[str, str]) -> None:
        """Write the settings; what a run has left that was stopped before its first shard is not used."""
        for path in self.folder.iterdir():
            if path.is_file() and path.name not in ("lock", self._settings.name):
                path.unlink()
        with text_writer(self._settings) as write:
            write(json.dumps(dict(settings), indent=1) + "\n")

    def _check_settings(self, settings: Mapping[str, str]) -> None:
        try:
            before = dict(json.loads(self._settings.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise UserError(f"{self._settings}: is damaged; name a new output folder") from error
        names = [name for name in settings if settings[name] != before.get(name)]
        names += [name for name in before if name not in settings]
        check(
            not names,
            f"{self.output}: was begun with another value of: {first_few(names)}; use the same command, or name a new "
            "output folder",
        )

    def plan(self, shards: Iterable[Shard]) -> None:
        """Write the plan, or check that it equals that of an earlier run; then create the output folder.

        Raises:
            UserError: the input is wrong, or not what it was.
        """
        self._plan_all(shards)
        self.output.mkdir(exist_ok=True)

    def _plan_all(self, shards: Iterable[Shard]) -> None:
        if self._plan.exists():
            for planned, shard in zip_longest(self._shards(), shards):
                if shard != planned:
                    raise UserError(changed(planned or shard))
                self._count(shard)
            self._read_done()
            return
        with text_writer(self._plan) as write:
            for shard in shards:
                write(f"{shard.to_json()}\n")
                self._count(shard)

    def _count(self, shard: Shard) -> None:
        self.planned.shards += 1
        self.planned.items += shard.count

    def _read_done(self) -> None:
        """Read which shards are done; cut off what a kill has left of a last line."""
        if not self._log.exists():
            return
        with self._log.open("r+b") as file:
            whole = 0
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    self._note(Finished(**json.loads(line)))
                except (ValueError, TypeError) as error:
                    raise UserError(f"{self._log}: line {number} is damaged; name a new output folder") from error
                whole += len(line)
            file.truncate(whole)

    def _note(self, done: Finished) -> None:
        if done.number not in self._finished:
            self.done.add(done)
        self._finished[done.number] = replace(done, problems=[])  # which are read from the file again

    def pending(self, form: Form) -> Iterator[Shard]:
        """The shards that are not done, in order.

        Raises:
            UserError: the file of a shard is not what was written.
        """
        for shard in self._shards():
            path, done = self._file(shard, form), self._finished.get(shard.number)
            if done is None or not path.exists():
                yield shard
            else:
                check(path.stat().st_size == done.bytes, _damaged(path))

    def _shards(self) -> Iterator[Shard]:
        with self._plan.open(encoding="ascii") as file:
            yield from map(Shard.from_json, file)

    def _file(self, shard: Shard, form: Form) -> Path:
        return self.output / (shard.stem + form.suffix)

    def add(self, done: Finished) -> None:
        """Note a shard that is done. The line is on the disk when this returns."""
        with self._log.open("ab") as file:
            file.write(f"{json.dumps(asdict(done))}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        self._note(done)

    def failures(self) -> Path:
        """Write all failures of shards that are done to one file; return its path."""
        path = self.folder / "failed.jsonl"
        with atomic_file(path) as aside, aside.open("w", encoding="ascii") as target:
            told = set[int]()
            for done in self._log_lines():
                if done.number not in told:  # a shard whose file was gone was done twice
                    target.writelines(f"{json.dumps(problem)}\n" for problem in done.problems)
                told.add(done.number)
        return path

    def _log_lines(self) -> Iterator[Finished]:
        if self._log.exists():
            with self._log.open(encoding="ascii") as file:
                yield from (Finished(**json.loads(line)) for line in file)

    def verify(self, form: Form) -> None:
        """Check that every shard is there, whole and as it was written, and nothing else; write their sums.

        Raises:
            UserError: something is missing, damaged, or too much.
        """
        with text_writer(self.folder / "SHA256SUMS") as write:
            for shard in self._shards():
                path, done = self._file(shard, form), self._finished.get(shard.number)
                check(done and path.exists(), f"{path}: is missing; the same command writes it")
                assert done
                check(sha256(path) == done.sha256, _damaged(path))
                count = form.count(path) + (done.failed if form.leaves_out_failures else 0)
                if not done.items == shard.count == count:
                    raise RuntimeError(f"{path}: {count} {form.unit}s for {shard.count}")
                write(f"{done.sha256}  {path.name}\n")
        more = sum(1 for _ in os.scandir(self.output)) - self.planned.shards
        check(not more, f"{self.output}: has {counted(more, 'file')} too many; move away what is not in SHA256SUMS")


def _damaged(path: Path) -> str:
    return f"{path}: is not what was written; move it away, and the same command writes it again"

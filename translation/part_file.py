"""Part files: keep the translations of an interrupted command, and let `--resume-output` go on from them.

The part file is beside the output, with `.part` at the end of its name: the translations so far, in UTF-8, one per
line. After each window of lines its state is written, in a second file: how many lines are done, how many bytes they
have, and a digest of their sources. `--resume-output` cuts the part file to that many bytes, reads the input again,
passes over the lines that are done, and so neither loses nor doubles one. A changed input has another digest.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO

from s2s.errors import UserError, check, counted, first_few, warn
from s2s.files import atomic_file, named_when_full, replace_durably
from s2s.locking import lock_file
from translation.counts import Counts
from translation.outputs import NONE, mixed_encodings

_FULL = (errno.ENOSPC, errno.EDQUOT)  # of an OSError: a part file would keep the disk full


@dataclass(frozen=True)
class Progress:
    """How far a part file has come.

    Attributes:
        lines: how many lines of the input are done
        bytes: of the part file that hold their translations
        digest: of these lines
        counts: of these lines
        complete: whether the output is written, and its part file gone
    """

    lines: int = 0
    bytes: int = 0
    digest: str = ""
    counts: Counts = NONE
    complete: bool = False


class PartOutput:
    """A part file.

    Attributes:
        done: what was done before, by a command that was interrupted
    """

    window = 512  # lines, which an interruption may lose; smaller ones make batches of less equal lengths

    def __init__(self, output: Path, command: Mapping[str, str], *, resume: bool) -> None:
        self._output, self._command = output, command
        self._part, self._state, self._new_state = files_of(output)
        self._file: IO[bytes] | None = None
        self._digest = hashlib.blake2b(digest_size=16)
        self._passed, self._encoding = 0, ""
        if not resume:
            self._start_over()
        self.done = self._begun() if resume else Progress()
        self._progress = self.done

    def _start_over(self) -> None:
        """Remove what an interrupted command has left."""
        if self._part.exists():
            with self._part.open("r+b") as file:
                self._lock(file)
            self._part.unlink()
        self._state.unlink(missing_ok=True)

    def _lock(self, file: IO[bytes]) -> None:
        try:
            lock_file(file.fileno())
        except (BlockingIOError, PermissionError) as error:
            raise UserError(f"{self._part}: another process is writing it; wait for it to end") from error

    def _begun(self) -> Progress:
        """What an interrupted command has done, if there was one."""
        if not self._state.exists():
            check(
                not self._part.exists(),
                f"{self._part}: is of no interrupted command, as {self._state.name} is not beside it; move it away",
            )
            return Progress()
        try:
            record = json.loads(self._state.read_text(encoding="utf-8"))
            counts, command = Counts(**record["progress"].pop("counts")), dict(record["command"])
            progress = Progress(**record["progress"], counts=counts)
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{self._state}: is damaged; start over with --force instead of --resume-output") from error
        changed = [name for name in self._command if self._command[name] != command.get(name)]
        changed += [name for name in command if name not in self._command]
        check(
            not changed,
            f"{self._part}: was begun by another command, with another value of: {first_few(changed)}; use the same "
            "command, or start over with --force instead of --resume-output",
        )
        whole = not self._part.exists() and self._output.exists() and self._output.stat().st_size == progress.bytes
        progress = replace(progress, complete=progress.complete or whole)  # it ended between the last steps of `finish`
        if not progress.complete:
            size = self._part.stat().st_size if self._part.exists() else -1
            check(
                size >= progress.bytes,
                f"{self._part}: is damaged: {progress.bytes:,} bytes were written, and fewer are there; start over "
                "with --force instead of --resume-output",
            )
        return progress

    def pass_over(self, window: Sequence[str]) -> int:
        """See `Output`. Raises UserError at the last line that is done if one of them is another now."""
        count = min(len(window), self.done.lines - self._passed)
        if count > 0:
            self._follow(window[:count])
            self._passed += count
            if self._passed == self.done.lines:
                self._check_digest()
        return max(0, count)

    def _check_digest(self) -> None:
        lines = "line of the input is no longer the one that was", "lines of the input are no longer those that were"
        check(
            self._digest.hexdigest() == self.done.digest,
            f"{self._part}: the first {counted(self.done.lines, *lines)} translated; "
            "start over with --force instead of --resume-output",
        )

    def check_passed(self) -> None:
        """Check, at the end of the input, that all lines that are done were there."""
        lines = counted(self.done.lines, "line was", "lines were")
        check(
            self._passed == self.done.lines,
            f"{self._part}: {lines} translated, and the input has only {self._passed:,} now; "
            "start over with --force instead of --resume-output",
        )

    def encode_as(self, encoding: str, name: str) -> None:
        """See `Output`."""
        check(encoding == self._encoding or not self._encoding, mixed_encodings(encoding, name))
        self._encoding = encoding

    def _follow(self, window: Sequence[str]) -> None:
        if window:
            self._digest.update("".join(f"{line}\n" for line in window).encode("utf-8", "surrogatepass"))

    def write(self, window: Sequence[str], written: Sequence[str], counts: Counts = NONE) -> None:
        """See `Output`."""
        file = self._opened()
        content = "".join(f"{line}\n" for line in written).encode()
        with named_when_full(self._output):
            file.write(content)
            file.flush()
        self._follow(window)
        before = self._progress
        lines, size = before.lines + len(window), before.bytes + len(content)
        self._save(Progress(lines, size, self._digest.hexdigest(), before.counts + counts))

    def _opened(self) -> IO[bytes]:
        """The part file, cut to what is done."""
        if self._file is None:
            if not self._part.exists():
                self._save(self._progress)  # without it nobody could tell whose file the part file is
            self._file = self._part.open("r+b" if self._part.exists() else "w+b")
            self._lock(self._file)
            self._file.truncate(self.done.bytes)
            self._file.seek(self.done.bytes)
        return self._file

    def _save(self, progress: Progress) -> None:
        record = {"command": self._command, "progress": asdict(progress)}
        self._new_state.write_text(json.dumps(record), encoding="utf-8")
        self._new_state.replace(self._state)
        self._progress = progress

    def translations(self) -> list[str]:
        """The lines of the part file."""
        file = self._opened()
        file.flush()
        with self._part.open(encoding="utf-8", newline="\n") as lines:
            return [line.removesuffix("\n") for line in lines]

    def finish(self, content: bytes | None = None) -> None:
        """Write the output: the lines of the part file in the encoding of the input, or another content."""
        if self.done.complete:
            return
        self._opened().close()
        plain = content is None and self._encoding in ("", "utf-8")
        if plain and self._output.suffix.lower() != ".gz":
            replace_durably(self._part, self._output)
        else:
            with atomic_file(self._output) as aside, _compressed(aside, self._output) as target:
                self._copy(target) if content is None else target.write(content)
        self._save(replace(self._progress, complete=True))
        self._part.unlink(missing_ok=True)

    def _copy(self, target: IO[bytes]) -> None:
        """Write the lines of the part file in the encoding of the input."""
        encoding = self._encoding or "utf-8"
        with self._part.open(encoding="utf-8", newline="\n") as lines:
            target.write(b"" if encoding == "utf-8" else "\ufeff".encode(encoding))
            target.writelines(line.encode(encoding) for line in lines)

    def forget(self) -> None:
        """Remove the state, when the whole command is done; and the part file, if there is one."""
        if self._file:
            self._file.close()
        for path in (self._new_state, self._state, self._part):
            path.unlink(missing_ok=True)

    def leave(self) -> None:
        """Keep what is done, if anything is, and say so."""
        if self._file:
            self._file.close()
        if not self._progress.lines:
            self.forget()
        elif not self._progress.complete:
            warn(
                f"{self._part} keeps what is done, {counted(self._progress.lines, 'line')}; the same command with "
                "--resume-output goes on from there"
            )


@contextmanager
def part_output(output: Path, command: Mapping[str, str], *, resume: bool) -> Iterator[PartOutput]:
    """Yield a part file. It stays if the block fails, except on a disk that is full."""
    part = PartOutput(output, command, resume=resume)
    try:
        yield part
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            part.forget()
        else:
            part.leave()
        raise


@contextmanager
def _compressed(path: Path, output: Path) -> Iterator[IO[bytes]]:
    """Yield a file to write to, compressed if the name of the output ends in `.gz`."""
    with path.open("wb") as file:
        if output.suffix.lower() != ".gz":
            yield file
            return
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as compressed:
            yield compressed  # type: ignore[misc]  # it is no IO, and has all that is used of one


def part_of(output: Path) -> Path:
    """The part file of an output."""
    real = Path(os.path.realpath(output))
    return real.with_name(f"{real.name}.part")


def _state_of(output: Path) -> Path:
    part = part_of(output)
    return part.with_name(f"{part.name}.json")


def _new_state_of(output: Path) -> Path:
    state = _state_of(output)
    return state.with_name(f"{state.name}.new")


def files_of(output: Path) -> tuple[Path, Path, Path]:
    """The files that an interrupted command may leave beside an output."""
    return part_of(output), _state_of(output), _new_state_of(output)


def is_begun(output: Path) -> bool:
    """Whether a command was interrupted that writes this output, or has written it and was interrupted later."""
    return _state_of(output).exists()

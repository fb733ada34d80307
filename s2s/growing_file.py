"""A file of records that grows and is whole after each of them: no interruption leaves half a record."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from s2s.errors import UserError
from s2s.files import atomic_file, is_device, named_when_full
from s2s.locking import lock_file


class GrowingFile:
    """Appends to a file before its tail, such as the `]` of a list in JSON, each time with a single write.

    It replaces the file at `path` when it is made, in one step, by the head, what is kept of an earlier run, and the
    tail. A device or a named pipe cannot be rewritten: its tail is written at the end.

    Args:
        path: of the file; a symbolic link is followed
        head: what the file begins with
        kept: what follows at once
        tail: what the file ends with
        between: what stands between two records

    Raises:
        UserError: another process is writing the file.
    """

    def __init__(
        self, path: Path, head: bytes = b"", kept: Iterable[bytes] = (), tail: bytes = b"", between: bytes = b""
    ) -> None:
        self._path, self._tail, self._between, self._device = path, tail, between, is_device(path)
        self._empty = True
        if self._device:
            self._file: BinaryIO = path.open("wb", buffering=0)
            _write(self._file, head)
            for record in kept:
                _write(self._file, self._framed(record))
            return
        _check_free(path)
        with atomic_file(path) as aside, aside.open("wb") as file:
            file.write(head)
            file.writelines(map(self._framed, kept))
            file.write(tail)
        self._file = path.open("r+b", buffering=0)
        _lock(self._file, path)
        self._end = self._file.seek(-len(tail), os.SEEK_END)  # where the tail begins

    def _framed(self, record: bytes) -> bytes:
        framed = record if self._empty else self._between + record
        self._empty = False
        return framed

    def add(self, record: bytes) -> None:
        """Write a record. If the disk is full, the file stays as it was, whole."""
        record = self._framed(record)
        with named_when_full(self._path):
            if self._device:
                _write(self._file, record)
                return
            try:
                self._file.seek(self._end)
                _write(self._file, record + self._tail)
            except OSError:
                self._file.truncate(self._end)
                self._file.seek(self._end)
                _write(self._file, self._tail)
                raise
            self._end += len(record)

    def close(self) -> None:
        """Write the tail of a device, and close the file."""
        if not self._file.closed:
            if self._device:
                _write(self._file, self._tail)
            self._file.close()

    def __enter__(self) -> GrowingFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _write(file: BinaryIO, data: bytes) -> None:
    """Write all of `data`: a raw file may take less than it was given, when a disk is about to be full."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _check_free(path: Path) -> None:
    if path.exists():
        with path.open("r+b") as file:
            _lock(file, path)


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        lock_file(file.fileno())
    except (BlockingIOError, PermissionError) as error:
        file.close()
        raise UserError(f"{path}: another process is writing it; wait for it to end") from error

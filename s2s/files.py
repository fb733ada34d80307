"""Atomic writing of files and folders, and checks of paths before reading and writing.

Tested on Linux. Windows cannot wait until the names in a folder are on the disk, so a crash of the system may lose the
last renaming there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from s2s.errors import check


def check_readable(path: Path) -> None:
    """Raise a UserError unless `path` is a file, pipe or device that can be read."""
    check(not path.is_dir(), f"{path}: is a folder; name a file in it")
    where = "" if path.is_absolute() else " (relative to the current folder)"
    check(path.exists(), f"{path}: no such file{where}; check the path")
    check(os.access(path, os.R_OK), f"{path}: is not readable; check its permissions")


def check_output(path: Path, *, force: bool = False, inputs: Iterable[Path] = ()) -> None:
    """Raise a UserError unless `path` can be written, and, without `force`, does not exist yet.

    `path` must not be one of `inputs`, not even through a link. Devices and named pipes (/dev/null, /dev/stdout) can
    be written without `force`.
    """
    if is_device(path):
        check(os.access(path, os.W_OK), f"{path}: is not writable; check its permissions")
        return
    clash = path.exists() and any(each.exists() and path.samefile(each) for each in inputs)
    check(not clash, f"{path}: is an input and would be overwritten; choose another name")
    folder = _real(path).parent
    check(not path.is_dir(), f"{path}: is a folder; name a file in it")
    check(folder.exists(), f"{path}: its folder {folder} does not exist; create it first")
    check(folder.is_dir(), f"{path}: {folder} is a file, not a folder; choose another path")
    check(force or not path.exists(), f"{path}: already exists; choose another name, or replace it with --force")
    check(os.access(folder, os.W_OK), f"{path}: its folder {folder} is not writable; check its permissions")


def check_output_folder(directory: Path, *, force: bool = False) -> None:
    """Raise a UserError unless pages can be written to `directory`.

    It must be new or empty. With `force` it may hold files; those with the names of new ones are replaced, and no file
    is deleted.
    """
    check(directory.is_dir() or not directory.exists(), f"{directory}: is a file; name a folder for the pages")
    folder = directory if directory.is_dir() else directory.absolute().parent
    check(folder.is_dir(), f"{directory}: its folder {folder} does not exist; create it first")
    check(os.access(folder, os.W_OK | os.X_OK), f"{folder}: may not be written to; check its permissions")
    empty = not directory.is_dir() or not any(directory.iterdir())
    check(force or empty, f"{directory}: is not empty; choose a new folder, or write into this one with --force")


@contextmanager
def atomic_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary path to write; when the block ends without an error, the file is moved to `path`.

    The temporary file is beside `path` and has the same suffix. It is flushed to the disk and then renamed, so `path`
    is replaced in one step. If the block fails, the temporary file is removed and `path` stays as it was. A symbolic
    link is followed. A device or a named pipe cannot be replaced and is written directly.

    With `durable` False it is not flushed to the disk, which may take a tenth of a second: a kill still leaves the old
    or the new file, but a crash of the system may leave an empty one. For many small files that can be made again.
    """
    if is_device(path):
        with named_when_full(path):
            yield path
        return
    target = _real(path)
    aside = target.with_name(f".aside-{secrets.token_hex(8)}{target.suffix}")
    try:
        with named_when_full(path):
            yield aside
            if durable:
                _sync(aside)
        aside.replace(target)
        if durable:
            _sync(target.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def text_writer(path: Path) -> Iterator[Callable[[str], object]]:
    """Yield a function that writes text, in UTF-8; the file appears at `path` when the block ends well."""
    with atomic_file(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as file:
        yield file.write


@contextmanager
def atomic_directory(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield an empty temporary folder; when the block ends without an error, it replaces the folder at `path`.

    If the process is killed at any moment, the old or the new folder is left complete: at `path`, or, between the two
    renames of a replacement, at `path` with `.old` added. Readers therefore ask `current_version(path)`. The next write
    removes what a killed one left behind. There may be many readers, but only one writer at a time.

    Args:
        path: the folder
        durable: wait until each file is on the disk, so that a crash of the system loses nothing either; False for
            thousands of small files that can be made again
    """
    target = _real(path)
    check(
        target.is_dir() or not target.exists(), f"{path}: is a file, but a folder is to be written there; move it away"
    )
    new, old = target.with_name(f".{target.name}.new"), _old(target)
    _remove(new)
    new.mkdir()
    try:
        with named_when_full(path):
            yield new
            if durable:
                flush_folder(new)
        if target.exists():
            _remove(old)
            target.rename(old)
        new.rename(target)
        _sync(target.parent)
        _remove(old)
    finally:
        _remove(new)


def flush_folder(path: Path) -> None:
    """Wait until all files in a folder are on the disk, with their names."""
    for folder, _, names in os.walk(path):
        for name in names:
            _sync(Path(folder, name))
        _sync(Path(folder))


def current_version(path: Path) -> Path:
    """Return where the last complete version of a folder of `atomic_directory` is; `path` if there is none."""
    target = _real(path)
    return _old(target) if not target.exists() and _old(target).exists() else path


def replace_durably(source: Path, path: Path) -> None:
    """Move a complete file to `path`, as `atomic_file` does."""
    target = _real(path)
    with named_when_full(path):
        _sync(source)
    source.replace(target)
    _sync(target.parent)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def named_when_full(path: Path) -> Iterator[None]:
    """Add the file name to an error about a full disk, which has none: the message for the user needs it."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            error.filename = str(path)
        raise


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises a RuntimeError if links form a loop


def _old(target: Path) -> Path:
    return target.with_name(f"{target.name}.old")


def is_device(path: Path) -> bool:
    """Whether `path` is a device or a named pipe, which is written and not replaced."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    if sys.platform == "win32" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

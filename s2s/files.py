"""Files and folders that are there whole or not at all, and the checks that come before reading or writing one."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from s2s.errors import check


def check_readable(path: Path) -> None:
    """Raise a UserError unless `path` is something that can be opened and read: a file, a pipe, a device."""
    check(not path.is_dir(), f"{path}: is a folder; name a file in it")
    where = "" if path.is_absolute() else " (seen from the current folder)"
    check(path.exists(), f"{path}: no such file{where}; check the path")
    check(os.access(path, os.R_OK), f"{path}: may not be read; check its permissions")


def check_output(path: Path, *, force: bool = False, inputs: Iterable[Path] = ()) -> None:
    """Raise a UserError unless `path` can be written and (without `force`) nothing is lost by it.

    None of `inputs`, whatever its name or link, is ever replaced. A device or a named pipe (/dev/null, /dev/stdout) is
    there to be written to and needs no `force`.
    """
    if _is_device(path):
        check(os.access(path, os.W_OK), f"{path}: may not be written to; check its permissions")
        return
    clash = path.exists() and any(each.exists() and path.samefile(each) for each in inputs)
    check(not clash, f"{path}: is an input, which is never replaced; choose another name")
    folder = _real(path).parent
    check(not path.is_dir(), f"{path}: is a folder; name a file in it")
    check(folder.exists(), f"{path}: its folder {folder} does not exist; create it first")
    check(folder.is_dir(), f"{path}: {folder} is a file, not a folder; choose another path")
    check(force or not path.exists(), f"{path}: exists already; choose another name, or replace it with --force")
    check(os.access(folder, os.W_OK), f"{path}: its folder {folder} may not be written to; check its permissions")


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a path to write; when the block ends well, what was written there appears at `path`, whole and on disk.

    It lies beside `path`, with the same suffix, so that an existing file is replaced in one step; when the block
    fails it is removed and `path` is as before. A symbolic link is followed. A device or a named pipe cannot be
    replaced and is written directly.
    """
    if _is_device(path):
        with _named_when_full(path):
            yield path
        return
    target = _real(path)
    aside = target.with_name(f".aside-{secrets.token_hex(8)}{target.suffix}")
    try:
        with _named_when_full(path):
            yield aside
            _sync(aside)
        aside.rename(target)
        _sync(target.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield an empty folder to fill; when the block ends well it takes the place of the folder at `path`, if any.

    Killed at any moment, this leaves the old folder or the new one whole: at `path`, or, between the two renames that
    an exchange takes, at `path` with `.old` added. Who reads asks `current(path)`; nothing needs repair, because the
    next write clears up what a killed one left behind. There may be many readers, but one writer at a time.
    """
    target = _real(path)
    check(target.is_dir() or not target.exists(), f"{path}: is a file where a folder is to be written; move it away")
    new, old = target.with_name(f".{target.name}.new"), _old(target)
    _remove(new)
    new.mkdir()
    try:
        with _named_when_full(path):
            yield new
            for folder, _, names in os.walk(new):
                for name in names:
                    _sync(Path(folder, name))
                _sync(Path(folder))
        if target.exists():
            _remove(old)
            target.rename(old)
        new.rename(target)
        _sync(target.parent)
        _remove(old)
    finally:
        _remove(new)


def current_version(path: Path) -> Path:
    """Where the last whole version of a folder written by `atomic_directory` lies: `path`, if there is none at all."""
    target = _real(path)
    return _old(target) if not target.exists() and _old(target).exists() else path


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _named_when_full(path: Path) -> Iterator[None]:
    """A write that fails does not know the name of its file, but the user's message needs one."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            error.filename = str(path)
        raise


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # Path.resolve raises a RuntimeError where links form a loop


def _old(target: Path) -> Path:
    return target.with_name(f"{target.name}.old")


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file() and not path.is_dir()


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _sync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

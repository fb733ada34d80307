"""Files from the web or a folder, whole and with the right checksum, or not at all."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from s2s.errors import UserError, check
from s2s.files import atomic_file, check_readable, sha256

_BLOCK = 1 << 16  # bytes, after unpacking


class Readable(Protocol):
    """An open file, response or archive."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""
        ...


@dataclass(frozen=True)
class Content:
    """What a file must hold: its size in bytes and its SHA-256 in hexadecimal, both after unpacking."""

    size: int
    sha256: str

    def is_in(self, path: Path) -> bool:
        """Whether `path` is a file with exactly this content."""
        return path.is_file() and path.stat().st_size == self.size and sha256(path) == self.sha256


def fetch(
    url: str, path: Path, content: Content, *, timeout: float = 30.0, otherwise: str = "check it and try again"
) -> None:
    """Download `url` to `path`, which is replaced once all of `content` has arrived; a `.gz` is unpacked on the way.

    Raises a UserError, and leaves `path` as it was, where the server cannot be reached, refuses, is silent for
    `timeout` seconds, breaks off, or sends something else. Nothing larger than `content` is ever written, whatever
    the server sends. `otherwise` ends each message: what the user can do about it.
    """
    parts = urlsplit(url)
    check(parts.scheme in ("http", "https"), f"{url}: not an http or https address; {otherwise}")
    with _explained(url, otherwise):
        response = urllib.request.urlopen(url, timeout=timeout)
    with response:
        stream = gzip.GzipFile(fileobj=response) if parts.path.endswith(".gz") else response
        _store(stream, url, path, content, otherwise)


def copy(source: Path, path: Path, content: Content, *, otherwise: str = "check it and try again") -> None:
    """Copy the local file `source` to `path`, with the promises of `fetch`."""
    check_readable(source)
    with gzip.open(source) if source.suffix == ".gz" else source.open("rb") as stream:
        _store(stream, str(source), path, content, otherwise)


def _store(stream: Readable, name: str, path: Path, content: Content, otherwise: str) -> None:
    from tqdm import tqdm

    size, digest = 0, hashlib.sha256()
    # disable=None: no bar where standard error is no terminal
    bar = tqdm(total=content.size, desc=path.name, unit="B", unit_scale=True, leave=False, disable=None)
    with bar, atomic_file(path) as aside, aside.open("wb") as file:
        for block in _blocks(stream, name, otherwise):
            size += len(block)
            check(size <= content.size, f"{name}: holds more than the expected {content.size:,} bytes; {otherwise}")
            digest.update(block)
            file.write(block)
            bar.update(len(block))
        check(size == content.size, f"{name}: ends after {size:,} of {content.size:,} bytes; {otherwise}")
        found = digest.hexdigest()
        check(
            found == content.sha256, f"{name}: has SHA-256 {found[:12]}..., not {content.sha256[:12]}...; {otherwise}"
        )


def _blocks(stream: Readable, name: str, otherwise: str) -> Iterator[bytes]:
    """What `stream` holds. Only reading is explained here: an error of writing is not the source's."""
    while True:
        with _explained(name, otherwise):
            block = stream.read(_BLOCK)
        if not block:
            return
        yield block


@contextmanager
def _explained(name: str, otherwise: str) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException, EOFError, zlib.error) as error:
        raise UserError(f"{name}: {_reason(error)}; {otherwise}") from error


def _reason(error: object) -> str:
    match error:
        case urllib.error.HTTPError():
            return f"the server answers {error.code} {error.reason}"
        case urllib.error.URLError():
            return f"cannot be reached ({_reason(error.reason)})"
        case TimeoutError():
            return "the server is silent for too long"
        case gzip.BadGzipFile() | zlib.error():
            return "is not a sound gzip file"
        case EOFError() | http.client.IncompleteRead():
            return "breaks off early"
        case ConnectionError() | http.client.HTTPException():
            return f"the connection broke ({error})"
        case _:
            return str(error)

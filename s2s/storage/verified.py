"""Files with checksums: a JSON record that holds its own checksum and those of the files beside it.

Files may come from an untrusted source. Reading them runs no code, reads no file outside their directory, and allocates
no more memory than the limits below. Every fault in a file raises a UserError that names the file. Tensor files are in
s2s/storage/tensors.py; nothing here needs torch.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s2s.errors import UserError, check

FORMAT_VERSION = "1.1"
MAX_JSON_BYTES = 16 * 2**20


def seal(record: Mapping[str, Any]) -> bytes:
    """Return the JSON file of `record` with the format version and a checksum of its content."""
    record = {"format_version": FORMAT_VERSION, **record}
    return json.dumps({**record, "checksum": _content_sha256(record)}, indent=2).encode() + b"\n"


def unseal(path: Path) -> dict[str, Any]:
    """Read a file that `seal` made; return its record after verifying the version and the checksum.

    Raises:
        UserError: the file is missing, damaged, not JSON, or has a newer major format version.
    """
    data = read_limited(path, MAX_JSON_BYTES)
    try:
        record = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise file_error(path, f"is not a complete JSON file ({shorten(error)})") from error
    version = record.get("format_version") if isinstance(record, dict) else None
    major = version.partition(".")[0] if isinstance(version, str) else ""
    if not re.fullmatch("[0-9]{1,5}", major):
        raise file_error(path, "has no format version")
    newer = (
        f"was made by a newer version of this toolkit (format {shorten(version)}, this version reads {FORMAT_VERSION})"
    )
    check(int(major) <= int(FORMAT_VERSION.partition(".")[0]), f"{path}: {newer}; upgrade the toolkit")
    checksum = record.pop("checksum", None)
    verify_checksum(path, _content_sha256(record), checksum)
    return record


def _content_sha256(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of `record` in canonical JSON, which ignores white space and the order of keys."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def is_plain(name: str) -> bool:
    """Whether `name` is a plain file name on every system: without folders, drives or special characters."""
    return bool(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name))


def check_file(path: Path) -> None:
    """Raise a UserError unless `path` is a regular file. (A pipe would block, and a device may never end.)"""
    if not path.is_file():
        raise file_error(path, "is not a file" if path.exists() else "is missing")


def read_limited(path: Path, limit: int) -> bytes:
    """Return the content of the file `path`; raise a UserError if it has more than `limit` bytes."""
    check_file(path)
    if path.stat().st_size > limit:
        raise file_error(path, f"is larger than expected (more than {limit:,} bytes)")
    return path.read_bytes()


def verify_checksum(path: Path, found: str, expected: object) -> None:
    """Raise a UserError unless the checksum `found` of the file `path` equals the `expected` one."""
    if found != expected:
        raise file_error(path, "is damaged, truncated or edited (its checksum differs)")


def file_error(path: Path, problem: str) -> UserError:
    """Return a UserError about the file `path`; `problem` says what is wrong with it."""
    return UserError(f"{path}: {problem}; replace it by a good copy, or create it again")


def shorten(text: object) -> str:
    """Return the first 160 characters of `text` on one line, without control characters."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(text)[:160])
    return " ".join(shown.split())

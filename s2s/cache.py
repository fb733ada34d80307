"""Where prepared data is kept: in $S2S_CACHE, else in $XDG_CACHE_HOME/s2s, else in ~/.cache/s2s.

What lies there is named by `key`, after the content that it was made from: it is never stale, and may be deleted at any
time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s2s.errors import UserError, check


def folder() -> Path:
    """The folder of prepared data, which need not exist."""
    if named := os.environ.get("S2S_CACHE"):
        return Path(named)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "s2s"
    except RuntimeError as error:
        raise UserError("there is no home folder to keep prepared data in; set S2S_CACHE to a folder") from error


def make_writable(folder: Path) -> None:
    """Raise a UserError unless `folder` can be written; it is made where it is missing."""
    advice = "prepared data cannot be kept there; set S2S_CACHE to a folder that can be written"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}: {advice}") from error
    check(os.access(folder, os.W_OK), f"{folder}: may not be written to: {advice}")


def key(parts: Sequence[Any]) -> str:
    """A file name for what is made from `parts`, which JSON can hold."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

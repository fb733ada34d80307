"""The cache of prepared data: $S2S_CACHE, else $XDG_CACHE_HOME/s2s, else ~/.cache/s2s.

Entries are named by `key`, a hash of the content they were made from. They never become stale, and may be deleted at
any time.
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
    """Return the folder of the cache, which may not exist yet."""
    if named := os.environ.get("S2S_CACHE"):
        return Path(named)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "s2s"
    except RuntimeError as error:
        raise UserError("there is no home folder for prepared data; set S2S_CACHE to a folder") from error


def make_writable(folder: Path) -> None:
    """Create `folder` if it is missing; raise a UserError unless files can be written in it."""
    advice = "prepared data cannot be stored there; set S2S_CACHE to a writable folder"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}: {advice}") from error
    check(os.access(folder, os.W_OK), f"{folder}: is not writable: {advice}")


def key(parts: Sequence[Any]) -> str:
    """Return a file name for data made from `parts`, which must be JSON-serialisable."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

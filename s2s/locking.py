"""File locks that one process at a time can hold. The kernel releases them when the process ends in any way.

The lock of Windows is written after Python's documentation and not tested.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def lock_file(descriptor: int) -> None:
    """Lock an open file until it is closed; raise BlockingIOError or PermissionError if another process holds it."""
    if sys.platform == "win32":
        os.lseek(
            descriptor, 2**30, os.SEEK_SET
        )  # a locked byte cannot be read, so lock none at the beginning of the file
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

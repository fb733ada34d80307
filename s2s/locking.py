"""A file that one process at a time holds; however that process dies, the kernel lets go of it."""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


def lock_file(descriptor: int) -> None:
    """Lock an open file until it is closed, or raise a BlockingIOError or PermissionError if another process has."""
    if sys.platform == "win32":
        os.lseek(descriptor, 2**30, os.SEEK_SET)  # a locked byte cannot be read, and the first ones are to be
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

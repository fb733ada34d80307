"""Memory that one step of a search has freed serves the next one, instead of going back to the system in between.

glibc's `malloc` hands back to the system what lies free at the end of its heap, and maps large blocks by themselves.
The tensors of a step of search are of some megabytes: each would come anew, page by page, every page being cleared at
its first touch, which takes up to a tenth as long as all else.
"""

from __future__ import annotations

import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of <malloc.h>
_KEPT = 256 << 20  # bytes that may lie free at the end of a heap
_LARGE = 32 << 20  # bytes from which on a block is mapped by itself all the same: the most that older glibc accept
_OWN = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")  # by which a user says otherwise


def keep_freed_memory() -> bool:
    """Set this for the whole process, where there is glibc and no word of the user's; whether it was set."""
    if not sys.platform.startswith("linux") or any(name in os.environ for name in _OWN):
        return False
    try:
        import ctypes

        mallopt = ctypes.CDLL(None).mallopt
    except (ImportError, OSError, AttributeError):  # another C library
        return False
    return all([mallopt(_M_MMAP_THRESHOLD, _LARGE), mallopt(_M_TRIM_THRESHOLD, _KEPT)])

"""Memory that one step of a search has freed serves the next one, instead of going back to the system in between.

glibc's `malloc` takes what is larger than a few hundred kilobytes from the system piece by piece, and hands back what
lies free at the end of its heap. The tensors of a step of search are of some megabytes: each would come anew, page by
page, every page being cleared at its first touch, which takes as long as a tenth of all else.
"""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of <malloc.h>
_KEPT = 256 << 20  # bytes that may lie free at the end of the heap
_LARGE = 32 << 20  # bytes from which on a block is mapped by itself all the same: the most that older glibc accept


def keep_freed_memory() -> bool:
    """Set this for the whole process, where its C library is glibc; whether that was so."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # another C library
        return False
    return all([mallopt(_M_MMAP_THRESHOLD, _LARGE), mallopt(_M_TRIM_THRESHOLD, _KEPT)])

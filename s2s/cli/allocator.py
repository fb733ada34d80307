"""Keep freed memory in the process, so that the next step of a search can use it again.

By default, glibc's `malloc` returns free memory at the end of its heap to the system, and takes large blocks from the
system one by one. The tensors of a search step have some megabytes each. The system would clear every page of them
again in every step, which takes up to a tenth of the time of the step.
"""

from __future__ import annotations

import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # constants of <malloc.h>
_KEPT = 256 << 20  # bytes of free memory that may stay at the end of a heap
_LARGE = 32 << 20  # bytes; larger blocks are still taken from the system. Older versions of glibc accept no more.
_USER_SETTINGS = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")  # environment variables


def keep_freed_memory() -> bool:
    """Set up `malloc` for the whole process; return whether it was done.

    Nothing is changed if the C library is not glibc, or if the user has set one of its environment variables.
    """
    if not sys.platform.startswith("linux") or any(name in os.environ for name in _USER_SETTINGS):
        return False
    try:
        import ctypes

        mallopt = ctypes.CDLL(None).mallopt
    except (ImportError, OSError, AttributeError):  # another C library
        return False
    return all([mallopt(_M_MMAP_THRESHOLD, _LARGE), mallopt(_M_TRIM_THRESHOLD, _KEPT)])

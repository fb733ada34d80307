"""Prepare the process of a command: settings that are global to a process, and that no import may change."""

from __future__ import annotations

import os
import warnings

from s2s.cli.allocator import keep_freed_memory

# PyTorch and oneDNN read these limits at the first bfloat16 product.
_CACHE_LIMITS = ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")


def prepare_process() -> None:
    """Set up memory, caches and warnings for a command; child processes inherit the limits of the caches.

    This runs at the start of every command, before torch and Pillow are imported, and imports neither. A program that
    uses the toolkit as a library may call it too, before its first translation or caption.
    """
    keep_freed_memory()
    limit_compiled_products()
    ignore_pillow_warnings()


def limit_compiled_products() -> None:
    """Let PyTorch and oneDNN keep 64 compiled bfloat16 products each instead of 1,024.

    Both compile a product for each shape of its matrices and keep it. The shapes differ from batch to batch, so that
    1,024 products take gigabytes; with 64 the speed is the same. Limits that the user has set stay.
    """
    for name in _CACHE_LIMITS:
        os.environ.setdefault(name, "64")


def ignore_pillow_warnings() -> None:
    """Ignore the warnings of Pillow: `s2s.vision.images` reports unreadable files by exceptions."""
    warnings.filterwarnings("ignore", module=r"PIL\.")

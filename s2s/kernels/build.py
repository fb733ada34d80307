"""Compiles the operators for the processor at hand, once.

The library is kept where PyTorch keeps compiled extensions, in $TORCH_EXTENSIONS_DIR or ~/.cache/torch_extensions, and
may be deleted at any time.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from s2s import cache

SOURCE = Path(__file__).with_name("operators.cpp")

# Traps and errno are off, so that loops become vector instructions. Nothing here lets the compiler reorder a sum that
# is not marked, or assume that no number is infinite or NaN.
_FLAGS = ("-std=c++20", "-O3", "-march=native", "-fopenmp", "-fno-math-errno", "-fno-trapping-math", "-fPIC")


class BuildError(Exception):
    """The operators cannot be compiled here; the message says why."""


def build(announce: Callable[[str], None] = lambda line: None) -> Path:
    """Return the compiled library, which is made if this processor, compiler and PyTorch have none yet.

    Args:
        announce: called with a line after a library was made

    Raises:
        BuildError: no compiler was found, or it failed.
    """
    compiler = shlex.split(os.environ.get("CXX", "")) or [shutil.which("c++") or ""]
    if not compiler[0]:
        raise BuildError("no C++ compiler was found (c++, or the one that CXX names)")
    # The macros show what -march=native means here: a home folder may be shared by several kinds of processors.
    processor = _run([*compiler, "-march=native", "-dM", "-E", "-x", "c++", os.devnull])
    parts = [SOURCE.read_text(encoding="utf-8"), _FLAGS, compiler, processor, torch.__version__, torch.__file__]
    try:
        library = _folder() / f"operators-{cache.key(parts)}.so"
        if not library.exists():
            begun = time.monotonic()
            library.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix="operators-", dir=library.parent) as folder:
                _compile(compiler, Path(folder)).replace(library)
            announce(f"compiled operators for this processor in {time.monotonic() - begun:.0f} s")
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        raise BuildError(str(error)) from error
    return library


def _folder() -> Path:
    named = os.environ.get("TORCH_EXTENSIONS_DIR")
    return (Path(named) if named else Path("~/.cache/torch_extensions").expanduser()) / "s2s"


def _compile(compiler: Sequence[str], folder: Path) -> Path:
    """Compile in two steps, because linking with -fopenmp would bring a second OpenMP beside PyTorch's."""
    unit, library = folder / "operators.o", folder / "operators.so"
    of_torch = Path(torch.__file__).parent
    _run([*compiler, *_FLAGS, f"-I{of_torch / 'include'}", "-c", str(SOURCE), "-o", str(unit)])
    threads = sorted((of_torch / "lib").glob("libgomp*"))
    if not threads:
        raise BuildError(f"this PyTorch has no libgomp in {of_torch / 'lib'}")
    linked = [f"-L{of_torch / 'lib'}", "-ltorch_cpu", "-lc10", str(threads[0])]
    _run([*compiler, "-shared", str(unit), "-o", str(library), *linked])
    return library


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]}: {error}") from error
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr.strip()[:200])
        raise BuildError(f"{command[0]} failed: {first}")
    return done.stdout

"""Programs as a light installation runs them: what it lacks cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Distributions that a light installation lacks.
MISSING = {
    "torch",
    "torchvision",
    "sacrebleu",
    "sacremoses",
    "pycocotools",
    "onnx",
    "tqdm",
    "markdown_it",
    "mdit_py_plugins",
    "seqeval",
}

ABSENT = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {MISSING!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
"""
S2S = """
from s2s.cli.entry import main

sys.argv[0] = "s2s"
sys.exit(main())
"""


def run_light(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program as in a light installation."""
    command = [sys.executable, "-c", ABSENT + program, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

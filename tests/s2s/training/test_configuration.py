"""What a recipe says of the training can be read without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["s2s.training.configuration", "translation.recipe", "captioning.recipe"])
def test_a_recipe_is_read_without_torch(module: str) -> None:
    program = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0

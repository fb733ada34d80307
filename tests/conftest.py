"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# torch reads this when it is first imported, here and in the commands that tests start. The tensors of tests are so
# small that several threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of research data that `S2S_DATA` names; without it the test is skipped."""
    folder = os.environ.get("S2S_DATA")
    if not folder:
        pytest.skip("S2S_DATA does not name the folder of shared data")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"S2S_DATA names {path}, which is not a folder")
    return path

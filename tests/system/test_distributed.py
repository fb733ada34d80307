"""Training by two processes through torchrun: the same steps as one process makes, and its behaviour at faults."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from toy_text import DATA, write_toy_text

from s2s.storage.training_state import read_state

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
PATIENCE = 300  # seconds, of a busy machine
RECIPE = (
    DATA
    + """[vocabulary]
kind = "word"
threshold = 1
[batch]
sentences = 4
[encoder]
dim = 8
[decoder]
embedding_dim = 8
dim = 8
attention.dim = 8
[training]
epochs = {epochs}
save_every = 5
"""
)


def environment(folder: Path) -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return {**os.environ, "PYTHONPATH": paths, "S2S_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    write_toy_text(tmp_path, train=80, validation=8)
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE.format(folder=tmp_path, epochs=200))
    return path


def started(folder: Path, recipe: Path, *more: str) -> subprocess.Popen[str]:
    command = [*TORCHRUN, "--module", "--", "translation.train", str(recipe), "--run", str(folder / "run"), *more]
    return subprocess.Popen(command, env=environment(folder), cwd=folder, text=True, stderr=subprocess.PIPE)


def wait_for_state(run: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (run / "log.jsonl").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()[1]


def workers(recipe: Path) -> list[int]:
    """The ids of the processes that train with this recipe, started by torchrun."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(recipe).encode() in words and b"torch.distributed.run" not in words:
            found.append(int(folder.name))
    return found


def test_two_ranks_make_the_steps_of_one_process(tmp_path: Path) -> None:
    script = str(HERE / "two_ranks.py")
    for command, accumulate in (([sys.executable, script], 2), ([*TORCHRUN, script], 1)):
        run = tmp_path / f"by-{accumulate}"
        done = subprocess.run(
            [*command, str(run), str(accumulate)],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    one, two = (read_state(tmp_path / f"by-{accumulate}" / "last") for accumulate in (2, 1))
    assert one[1]["position"]["step"] == two[1]["position"]["step"] >= 20
    names = [name for name in one[0] if name.startswith(("model/", "optimiser/"))]
    assert names
    for name in names:
        torch.testing.assert_close(two[0][name], one[0][name], atol=1e-9, rtol=0)
    means = [each[1]["position"]["lowest_loss"] for each in (one, two)]
    assert means[0] == pytest.approx(means[1], abs=1e-9)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the processes in /proc")
def test_a_rank_that_is_killed_ends_all_and_one_process_goes_on(recipe: Path, tmp_path: Path) -> None:
    process = started(tmp_path, recipe)
    wait_for_state(tmp_path / "run", process)
    pids = workers(recipe)
    assert len(pids) == 2
    os.kill(max(pids), signal.SIGKILL)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert not workers(recipe)
    assert "Traceback" not in errors.split("torch/distributed")[0]
    settings = ["--resume", "--set", "training.epochs=1"]
    done = subprocess.run(
        [sys.executable, "-m", "translation.train", str(recipe), "--run", str(tmp_path / "run"), *settings],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds the processes in /proc")
def test_sigterm_saves_and_ends_all(recipe: Path, tmp_path: Path) -> None:
    process = started(tmp_path, recipe)
    wait_for_state(tmp_path / "run", process)
    process.terminate()
    process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert not workers(recipe)
    assert read_state(tmp_path / "run" / "last")[1]["position"]["step"] > 0

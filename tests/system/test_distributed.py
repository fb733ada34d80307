"""Training by two processes through torchrun: the same steps as one process makes, and its behaviour at faults."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from language_fixtures import task_of
from toy_text import DATA, write_toy_text
from two_ranks import STREAMS

from s2s.errors import UserError
from s2s.storage.training_state import read_state
from s2s.training.distributed import Ranks

Tensors = dict[str, torch.Tensor]

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


def trained(processes: int, run: Path, kind: str, *more: str, ends: bool = True) -> tuple[Tensors, dict[str, Any]]:
    """Let one process or two run two_ranks.py, to the end or to a signal; return the state that they leave."""
    start = [sys.executable] if processes == 1 else TORCHRUN
    done = subprocess.run(
        [*start, str(HERE / "two_ranks.py"), kind, str(run), *more],
        env=environment(run.parent),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode == 0) == ends, done.stderr
    return read_state(run / "last")


def assert_same_steps(one: tuple[Tensors, dict[str, Any]], two: tuple[Tensors, dict[str, Any]]) -> None:
    """Those of a training in float64, but for the order of sums."""
    assert one[1]["position"]["step"] == two[1]["position"]["step"] >= 20
    assert one[0].keys() == two[0].keys()
    for name, tensor in one[0].items():
        torch.testing.assert_close(two[0][name], tensor, atol=1e-9, rtol=0)
    losses = [each[1]["position"]["lowest_loss"] for each in (one, two)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-9)


def test_two_ranks_make_the_steps_of_one_process(tmp_path: Path) -> None:
    one = trained(1, tmp_path / "one", "translation", "2")
    assert_same_steps(one, trained(2, tmp_path / "two", "translation", "1"))


def test_two_ranks_share_the_streams_of_a_language_model_and_resume_exactly(tmp_path: Path) -> None:
    one, two = (trained(count, tmp_path / str(count), "language-model") for count in (1, 2))
    assert_same_steps(one, two)
    stopped = trained(2, tmp_path / "stopped", "language-model", "3", ends=False)
    assert 0 < stopped[1]["position"]["batch"] < 10
    carried = [tensor for name, tensor in stopped[0].items() if name.startswith("task/")]
    assert carried
    assert {len(tensor) for tensor in carried} == {STREAMS}
    shutil.copytree(tmp_path / "stopped", tmp_path / "by-one")
    resumed = trained(2, tmp_path / "stopped", "language-model")
    assert all(torch.equal(resumed[0][name], tensor) for name, tensor in two[0].items())
    assert_same_steps(one, trained(1, tmp_path / "by-one", "language-model"))


def test_more_processes_than_streams_are_refused() -> None:
    with pytest.raises(UserError, match=r"5 processes cannot share batch.streams = 4: start at most as many"):
        task_of(streams=4).join(Ranks(0, 5))


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

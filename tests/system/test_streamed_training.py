"""Training from a prepared corpus: killed in the middle of an epoch and resumed, to the bit; by two processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from prepared_corpus_fixtures import prepared

from s2s import config
from s2s.storage.training_state import read_state

ROOT = Path(__file__).resolve().parents[2]
BUFFERS = "from translation import streamed_pairs; streamed_pairs.BUFFER = 64\n"
SCRIPT = f"import sys\n{BUFFERS}from s2s.cli import command\nfrom translation.train import train\n"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(config.to_toml(prepared(tmp_path, training={"save_every": 3, "epochs": 3})))
    (tmp_path / "train.py").write_text(f"{SCRIPT}if __name__ == '__main__': sys.exit(command.run(train))\n")
    return path


def start(recipe: Path, run: str, *options: str, launch: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [sys.executable, *launch, str(recipe.parent / "train.py")]
    arguments = [str(recipe), "--run", str(recipe.parent / run), "--threads", "1", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "S2S_CACHE": str(recipe.parent / "cache")}
    return subprocess.Popen([*command, *arguments], env=environment, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors


def step(recipe: Path, run: str) -> int:
    last = recipe.parent / run / "last"
    return read_state(last)[1]["position"]["step"] if last.exists() else 0


def test_a_training_that_is_killed_in_an_epoch_resumes_to_the_bit(recipe: Path) -> None:
    finish(start(recipe, "whole"))
    process = start(recipe, "killed")
    while process.poll() is None and step(recipe, "killed") < 30:  # an epoch has 25 steps
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert 30 <= step(recipe, "killed") < 75
    finish(start(recipe, "killed", "--resume"))
    whole, resumed = (read_state(recipe.parent / run / "last")[0] for run in ("whole", "killed"))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_two_processes_train_from_different_parts(recipe: Path) -> None:
    launch = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--")
    finish(start(recipe, "two", "--set", "training.epochs=2", launch=launch))
    assert step(recipe, "two") == 2 * 13
    finish(start(recipe, "two", "--resume"))  # one process goes on
    assert step(recipe, "two") == 2 * 13 + 25

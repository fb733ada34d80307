"""A language model's training that is killed and goes on carries the same hidden state, to the bit."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest
import torch
from forked import PATIENCE, Command

from s2s.storage.model_directory import read_model
from s2s.storage.training_state import read_state

RECIPE = """
data.train = ["{folder}/text.txt"]
data.validation_share = 0.1
batch = {{ streams = 4, steps = 16 }}
[model]
embedding_dim = 8
dim = 16
[training]
epochs = 3
save_every = 1
averaging.decay = 0.9
"""
CHUNKS = 14


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Prepared data of all tests goes where they vanish with them."""
    os.environ["S2S_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, drawn = tmp_path_factory.mktemp("data"), random.Random(1)
    (folder / "text.txt").write_text("".join("".join(drawn.choices("abcde ", k=9)) + "\n" for _ in range(100)))
    path = folder / "recipe.toml"
    path.write_text(RECIPE.format(folder=folder))
    return path


def training(recipe: Path, run: Path) -> Command:
    resumed = ["--resume"] if (run / "recipe.toml").exists() else []
    return Command("language_model.train:train", [recipe, "--run", run, *resumed], run)


def position(run: Path) -> dict[str, int]:
    """Where the saved state is; `step` is -1 if there is none."""
    try:
        return json.loads((run / "last" / "state.json").read_text())["record"]["position"]
    except FileNotFoundError:
        return {"step": -1, "batch": 0}


def contents(run: Path) -> tuple[dict[str, torch.Tensor], list[dict[str, float]], dict[str, torch.Tensor]]:
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    for entry in log:
        del entry["seconds"]
    return dict(read_state(run / "last")[0]), log, dict(read_model(run / "best").tensors)


def test_killed_inside_epochs_it_ends_with_the_same_weights_and_state(recipe: Path, tmp_path: Path) -> None:
    ended = training(recipe, tmp_path / "whole").end()
    assert ended[0] == 0, ended
    run, inside = tmp_path / "killed", 0
    for least in (5, 17, 20, 33):
        started, deadline = training(recipe, run), time.monotonic() + PATIENCE
        while position(run)["step"] < least and started.process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.001)
        started.end(signal.SIGKILL)
        inside += 0 < position(run)["batch"] < CHUNKS
        if position(run)["batch"]:
            states = [name for name in read_state(run / "last")[0] if name.startswith("task/")]
            assert sorted(states) == ["task/0.0", "task/0.1", "task/1.0", "task/1.1"]
    assert inside > 1, "most kills came where no state is carried"
    assert training(recipe, run).end()[0] == 0
    whole, found = contents(tmp_path / "whole"), contents(run)
    assert whole[1] == found[1]
    for expected, ours in ((whole[0], found[0]), (whole[2], found[2])):
        assert expected.keys() == ours.keys()
        assert all(torch.equal(ours[name], tensor) for name, tensor in expected.items())

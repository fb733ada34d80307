"""Training an answerer: it learns, the blind network cannot, and a run resumes to the bit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from answering_fixtures import write_data

from question_answering.answerer import Answerer
from question_answering.recipe import Recipe
from question_answering.task import AnswererTask
from question_answering.train import build, train
from s2s.cli import command
from s2s.config import load
from s2s.errors import UserError
from s2s.storage.model_directory import read_model
from s2s.storage.training_state import read_state
from s2s.training.trainer import Trainer

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run."""
    folder = tmp_path_factory.mktemp("answerer")
    assert command.run(train, [str(write_data(folder)), "--run", str(folder / "run")]) == 0
    return folder / "run"


def test_colours_and_sides_are_learned_and_the_blind_network_guesses(run: Path) -> None:
    (log,) = [each for each in map(json.loads, (run / "log.jsonl").read_text().splitlines()) if "accuracy" in each][-1:]
    assert log["accuracy"] == 100
    assert log["written_accuracy"] == 100
    assert log["blind_accuracy"] <= 50  # the question alone does not say which of four colours
    answerer = Answerer.load(run / "best", engine="torch", precision="float32")
    picture = run.parent / "train" / "red-blue.png"
    found = answerer.answer(
        [(picture, "what colour is on the left ?"), (picture, "What COLOUR is on the right")], top=2
    )
    assert [each.text for each in found] == ["red", "blue"]
    assert all(len(each.answers) == 2 for each in found)
    assert all(each.hops is not None and each.hops.sum((1, 2)) == pytest.approx([1, 1], abs=1e-3) for each in found)


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [str(run.parent / "recipe.toml"), "--run", str(tmp_path / "run"), "--set", "training.epochs=8"]
    whole = [str(run.parent / "recipe.toml"), "--run", str(tmp_path / "whole"), "--set", "training.epochs=8"]
    assert command.run(train, whole) == 0
    real, count = Trainer._step, 0

    def step(self: Trainer, *more: object) -> None:
        nonlocal count
        count += 1
        if count == 13:
            raise KeyboardInterrupt
        real(self, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "_step", step)
    assert command.run(train, arguments) == 130
    assert command.run(train, [*arguments, "--resume"]) == 0
    states = [read_state(tmp_path / name / "last")[0] for name in ("whole", "run")]
    models = [read_model(tmp_path / name / "best").tensors for name in ("whole", "run")]
    for one, other in (states, models):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)


def task_of(folder: Path, *overrides: str) -> AnswererTask:
    task = build(load(write_data(folder), Recipe, overrides), CPU).task
    assert isinstance(task, AnswererTask)
    return task


def test_pictures_are_held_out_where_no_file_validates(tmp_path: Path) -> None:
    data = task_of(tmp_path, "data.validation=none", "data.held_out=0.25").data
    sides = [{each.picture for each in side} for side in (data.train, data.validation)]
    assert [len(side) for side in sides] == [9, 3]
    assert not sides[0] & sides[1]


def test_a_mirrored_picture_is_not_asked_about_its_sides(tmp_path: Path) -> None:
    task = task_of(tmp_path, "picture.mirror=true", "vocabulary.unknown=0")
    plain = task_of(tmp_path, "vocabulary.unknown=0")
    for position in range(6):
        one, other = (each.batch(0, position, range(6)).asked.pictures.values for each in (task, plain))
        assert torch.equal(one, other)


def test_rare_answers_are_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_data(tmp_path)
    with (tmp_path / "train.jsonl").open("a") as file:
        file.write('{"image": "train/red-blue.png", "question": "what is this", "answer": "art"}\n')
    task = build(load(recipe, Recipe, ["data.answer_threshold=2"]), CPU).task
    assert isinstance(task, AnswererTask)
    assert "art" not in task.data.answers
    assert "1 question has a rarer answer, left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda folder: (folder / "validation.jsonl").write_text((folder / "train.jsonl").read_text()),
            "trained on too",
        ),
        (lambda folder: (folder / "train.jsonl").write_text(""), "no question with a picture and an answer is left"),
        (
            lambda folder: (folder / "train.jsonl").write_text(
                '{"image": "train/red-blue.png", "question": "what?", "answer": "red"}\n'
            ),
            "fewer than two answers",
        ),
    ],
)
def test_data_that_cannot_be_learned_from_are_refused(change: object, message: str, tmp_path: Path) -> None:
    recipe = write_data(tmp_path)
    change(tmp_path)  # type: ignore[operator]
    with pytest.raises(UserError, match=message):
        build(load(recipe, Recipe), CPU)


def test_an_unreadable_picture_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_data(tmp_path)
    (tmp_path / "train" / "red-blue.png").write_bytes(b"no picture")
    task = build(load(recipe, Recipe), CPU).task
    assert isinstance(task, AnswererTask)
    assert len(task.data.train) == 22
    assert "left out" in capsys.readouterr().err


def test_the_small_cnn_must_be_trained(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="begins with random weights"):
        load(write_data(tmp_path), Recipe, ["picture.tuned_stages=1"])


def test_hard_attention_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'attention.attention = "hard" needs a reward'):
        load(write_data(tmp_path), Recipe, ['attention.attention={kind="hard"}'])

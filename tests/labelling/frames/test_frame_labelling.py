"""A frame labeller by its commands: it learns the direction of motion, resumes to the bit, and refuses wrong films."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from frame_fixtures import see_colours, write_films, write_recipe

from labelling.frames.corpus import frames_of, read_films
from labelling.frames.evaluate import evaluate
from labelling.frames.frame_labeller import FrameLabeller
from labelling.frames.label_frames import label_frames
from labelling.frames.train import train
from s2s.cli import command
from s2s.storage.model_directory import read_model
from s2s.storage.training_state import read_state
from s2s.training.trainer import Trainer

MOVING = ("enters", "leaves")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A folder of films, and a run of a model that reads them in order and of one that reads frame by frame."""
    folder = tmp_path_factory.mktemp("films")
    with pytest.MonkeyPatch.context() as patch:
        see_colours(patch)
        patch.setenv("S2S_CACHE", str(folder / "cache"))
        for seed, (split, count) in enumerate((("train", 120), ("val", 12), ("test", 12)), 1):
            write_films(folder / split, count, seed)
        found = {"films": folder}
        for encoder in ("recurrent", "frame_by_frame"):
            recipe = write_recipe(folder, encoder, encoder=encoder, dim=32, epochs=10, save_every=1000)
            assert command.run(train, [str(recipe), "--run", str(folder / encoder)]) == 0
            found[encoder] = folder / encoder / "best"
        yield found


def moving_right(labeller: FrameLabeller, films: Path, *, reverse: bool = False) -> tuple[int, int]:
    """How many frames of shapes that enter or leave have the right label, and how many there are.

    In a film that runs in reverse, what entered leaves.
    """
    swapped = {"enters": "leaves", "leaves": "enters"}
    right = count = 0
    for film in read_films(films):
        step = -1 if reverse else 1
        found = labeller.label(film.frames[::step]).frames
        for each, label in zip(found, film.labels[::step], strict=True):
            if label in MOVING:
                right += each.label == (swapped[label] if reverse else label)
                count += 1
    return right, count


def test_only_the_recurrent_network_knows_the_direction_of_motion(runs: dict[str, Path]) -> None:
    ordered, alone = (FrameLabeller.load(runs[name], precision="float32") for name in ("recurrent", "frame_by_frame"))
    test = runs["films"] / "test"
    for reverse in (False, True):
        right, count = moving_right(ordered, test, reverse=reverse)
        assert right > 0.95 * count
    forth, back = (moving_right(alone, test, reverse=reverse)[0] for reverse in (False, True))
    assert forth + back <= count  # a frame that is labelled right in one direction is wrong in the other
    assert forth < 0.75 * count


def test_what_does_not_depend_on_the_direction_is_known_frame_by_frame(runs: dict[str, Path]) -> None:
    alone = FrameLabeller.load(runs["frame_by_frame"], precision="float32")
    pairs = [
        (label in MOVING, each.label in MOVING)
        for film in read_films(runs["films"] / "test")
        for each, label in zip(alone.label(film.frames).frames, film.labels)
    ]
    assert sum(one == other for one, other in pairs) > 0.9 * len(pairs)


def test_a_film_becomes_a_line_a_frame_in_natural_order(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = runs["films"] / "test" / "film1"
    files = {name: tmp_path / name for name in ("labels.tsv", "labels.jsonl", "film.png")}
    outputs = ["--output", "labels.tsv", "--report", "labels.jsonl", "--picture", "film.png"]
    arguments = [str(files.get(each, each)) for each in outputs]
    assert command.run(label_frames, [str(film), "--model", str(runs["recurrent"]), *arguments]) == 0
    assert capsys.readouterr().out == ""
    rows = [line.split("\t") for line in files["labels.tsv"].read_text().splitlines()]
    assert [name for name, _, _ in rows] == [f"frame{i}.png" for i in range(1, len(rows) + 1)]
    assert [label for _, label, _ in rows] == (film / "labels.txt").read_text().split()
    report = [json.loads(line) for line in files["labels.jsonl"].read_text().splitlines()]
    assert [each["label"] for each in report] == [label for _, label, _ in rows]
    assert all(sum(each["probabilities"].values()) == pytest.approx(1, abs=1e-3) for each in report)
    assert [f"{each['probability']:.4f}" for each in report] == [probability for _, _, probability in rows]
    assert files["film.png"].read_bytes().startswith(b"\x89PNG")


def test_a_frame_that_cannot_be_read_is_reported_and_the_others_are_labelled(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = shutil.copytree(runs["films"] / "test" / "film2", tmp_path / "film")
    count = len(frames_of(film))
    (film / "frame2.png").write_bytes(b"\x89PNG and no more")
    assert command.run(label_frames, [str(film), "--model", str(runs["recurrent"])]) == 1
    output, errors = capsys.readouterr()
    names = [line.split("\t")[0] for line in output.splitlines()]
    assert names == [f"frame{i}.png" for i in range(1, count + 1) if i != 2]
    assert f"{film}/frame2.png: is a PNG with a broken header" in errors
    assert f"1 of {count} frames failed" in errors


def test_outputs_do_not_become_frames_and_overwrite_nothing(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film, model = runs["films"] / "test" / "film1", ["--model", str(runs["recurrent"])]
    assert command.run(label_frames, [str(film), *model, "--output", str(film / "found.tsv")]) == 2
    assert "would become a frame of the film" in capsys.readouterr().err
    (tmp_path / "there.png").write_text("mine")
    assert command.run(label_frames, [str(film), *model, "--picture", str(tmp_path / "there.png")]) == 2
    assert (tmp_path / "there.png").read_text() == "mine"


def test_the_evaluation_scores_and_draws(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(runs["films"] / "test"), "--confusion", str(tmp_path / "confusion.png"), "--json"]
    found = {}
    for name in ("recurrent", "frame_by_frame"):
        assert command.run(evaluate, ["--model", str(runs[name]), *arguments, "--force"]) == 0
        found[name] = json.loads(capsys.readouterr().out)
    assert found["recurrent"]["accuracy"] > 0.95 > 0.85 > found["frame_by_frame"]["accuracy"]
    assert {each["label"] for each in found["recurrent"]["by_label"]} == {"empty", "enters", "turns", "leaves"}
    assert (tmp_path / "confusion.png").stat().st_size


def test_a_label_that_training_never_saw_ends_the_evaluation(
    runs: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = shutil.copytree(runs["films"] / "test" / "film1", tmp_path / "films" / "film")
    labels = (film / "labels.txt").read_text().splitlines()
    (film / "labels.txt").write_text("\n".join([*labels[:-1], "explodes"]) + "\n")
    assert command.run(evaluate, ["--model", str(runs["recurrent"]), "--data", str(tmp_path / "films")]) == 2
    assert f"{film}/labels.txt: line {len(labels)}: the label 'explodes' does not occur" in capsys.readouterr().err


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe for a few films."""
    see_colours(monkeypatch)
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    write_films(tmp_path / "train", 12)
    write_films(tmp_path / "val", 4, seed=2)
    return write_recipe(tmp_path, "small")


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command.run(train, [str(small), "--run", str(tmp_path / "whole")]) == 0
    real, count = Trainer._step, 0

    def step(self: Trainer, *more: object) -> None:
        nonlocal count
        count += 1
        if count == 5:
            raise KeyboardInterrupt
        real(self, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "_step", step)
    assert command.run(train, [str(small), "--run", str(tmp_path / "run")]) == 130
    assert command.run(train, [str(small), "--run", str(tmp_path / "run"), "--resume"]) == 0
    states = [read_state(tmp_path / run / "last")[0] for run in ("whole", "run")]
    models = [read_model(tmp_path / run / "best").tensors for run in ("whole", "run")]
    for one, other in (states, models):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)


def test_other_labels_are_other_data(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(small), "--run", str(tmp_path / "run")]
    assert command.run(train, arguments) == 0
    labels = tmp_path / "train" / "film1" / "labels.txt"
    labels.write_text(labels.read_text().replace("turns", "enters"))
    assert command.run(train, [*arguments, "--resume", "--set", "training.epochs=4"]) == 2
    assert "data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("frame2.png: is text", "film1/frame2.png: is text, not a picture; repair it, or remove it and its line of"),
        ("a label more", "film1: has 14 frames, but labels.txt has 15 labels"),
        ("an odd label", "film1/labels.txt: line 1: the label 'odd' does not occur in the training films"),
    ],
)
def test_what_cannot_be_learned_is_told(
    spoil: str, message: str, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = tmp_path / "val" / "film1"
    labels = (film / "labels.txt").read_text()
    if spoil == "a label more":
        (film / "labels.txt").write_text(labels + "empty\n")
        message = message.replace("14", str(labels.count("\n"))).replace("15", str(labels.count("\n") + 1))
    elif spoil == "an odd label":
        (film / "labels.txt").write_text("odd\n" + labels.partition("\n")[2])
    else:
        (film / "frame2.png").write_text("a frame\n")
    assert command.run(train, [str(small), "--run", str(tmp_path / "run")]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert message in errors[-1]
    assert errors[-1].startswith("error: ")


def test_a_grid_with_too_few_cells_is_told(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(train, [str(small), "--run", str(tmp_path / "run"), "--set", "image.sides=9"]) == 2
    assert "image.sides is 9, but the CNN's feature map has 8 x 8 cells: choose at most 8" in capsys.readouterr().err

"""Both trainings by their commands: they learn, they resume to the bit, and they refuse what cannot be learned."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from labelling_fixtures import GOOD, write_classifier_data, write_tagger_data

from labelling.classifier import Classifier
from labelling.prepare import prepare
from labelling.recipe import ClassifierRecipe, TaggerRecipe
from labelling.tagger import Tagger
from labelling.task import ClassifierTask, LabelledBatch
from labelling.train import build
from labelling.train_classifier import train as train_classifier
from labelling.train_tagger import train as train_tagger
from s2s.cli import command
from s2s.config import load
from s2s.errors import UserError
from s2s.storage.model_directory import read_model
from s2s.storage.training_state import read_state
from s2s.text.tokens import UNK
from s2s.training.trainer import Trainer

CPU = torch.device("cpu")
Train = Callable[[list[str]], int]


def recipe_of(train: Train, folder: Path) -> Path:
    return (write_classifier_data if train is train_classifier else write_tagger_data)(folder)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A whole run of each training."""
    folder, found = tmp_path_factory.mktemp("whole"), {}
    for name, train in (("classifier", train_classifier), ("tagger", train_tagger)):
        assert command.run(train, [str(recipe_of(train, folder)), "--run", str(folder / name)]) == 0
        found[name] = folder / name
    return found


def test_a_tiny_text_is_learned_by_heart(runs: dict[str, Path]) -> None:
    logs = [json.loads((run / "log.jsonl").read_text().splitlines()[-1]) for run in runs.values()]
    assert [log["accuracy"] for log in logs] == [100, 100]
    assert logs[0]["macro_f1"] == 100
    classifier = Classifier.load(runs["classifier"] / "best", precision="float32")
    found = classifier.classify(["A GOOD film", "", "bad cat"])
    assert [each and each.label for each in found] == ["good", None, "bad"]
    tagger = Tagger.load(runs["tagger"] / "best", precision="float32")
    (tagging,) = tagger.tag([["Otto", "Anna", "sleep"]])
    assert tagging.labels == ("S-PER", "S-PER", "O")
    assert tagging.tags == ("I-PER", "B-PER", "O")  # in the scheme of the files


@pytest.mark.parametrize("name", ["classifier", "tagger"])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    name: str, runs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = train_classifier if name == "classifier" else train_tagger
    arguments = [str(runs[name].parent / f"{name}.toml"), "--run", str(tmp_path / "run")]
    real, count = Trainer._step, 0

    def step(self: Trainer, *more: object) -> None:
        nonlocal count
        count += 1
        if count == 18:
            raise KeyboardInterrupt
        real(self, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "_step", step)
    assert command.run(train, arguments) == 130
    assert command.run(train, [*arguments, "--resume"]) == 0
    states = [read_state(run / "last")[0] for run in (runs[name], tmp_path / "run")]
    models = [read_model(run / "best").tensors for run in (runs[name], tmp_path / "run")]
    for one, other in (states, models):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)


def task_of(folder: Path, *overrides: str) -> ClassifierTask:
    recipe = load(write_classifier_data(folder), ClassifierRecipe, overrides)
    task = build(recipe, CPU).task
    assert isinstance(task, ClassifierTask)
    return task


def test_rare_words_become_unknown_by_epoch_and_position_alone(tmp_path: Path) -> None:
    task = task_of(tmp_path, "vocabulary.unknown=1.0")

    def unknown(epoch: int, position: int) -> list[list[bool]]:
        batch: LabelledBatch = task.batch(epoch, position, range(8))
        return ((batch.source.ids == UNK) & batch.source.mask).tolist()

    torch.rand(3)
    assert unknown(1, 2) == unknown(1, 2) != unknown(1, 3)
    places = [[unknown(epoch, 0)[row][0] for epoch in range(200)] for row in (0, 3)]
    alike = sum(word == "good" for words in GOOD for word in words)
    assert sum(places[0]) / 200 == pytest.approx(1 / (1 + alike), abs=0.12)
    assert not any(map(any, task_of(tmp_path, "vocabulary.unknown=0").batch(1, 0, range(8)).source.ids == UNK))


def test_r_drop_reads_each_sentence_twice(tmp_path: Path) -> None:
    task = task_of(tmp_path, "r_drop=1.0", "vocabulary.unknown=0")
    batch = task.batch(0, 0, [0, 5])
    assert batch.labels.tolist() == [1, 0, 1, 0]
    assert torch.equal(batch.source.ids[:2], batch.source.ids[2:])
    task.network.eval()
    still, exact = task.loss(task.network, batch), task_of(tmp_path, "vocabulary.unknown=0")
    exact.network.eval()
    other = exact.loss(exact.network, exact.batch(0, 0, [0, 5]))
    assert still.total.item() == pytest.approx(2 * other.total.item())


@pytest.mark.parametrize(
    ("train", "validation", "message"),
    [
        ("good\ta\nbad\tb\n", "good\ta\nodd\tb\n", "validation.tsv: line 2: the label 'odd' does not occur in the"),
        ("good\ta\ngood\tb\n", "good\ta\n", "train.tsv: all labels are 'good', so there is nothing to learn"),
        ("good\ta\n\tb\n", "good\ta\n", "train.tsv: line 2 has no label"),
        ("", "good\ta\n", "train.tsv is empty"),
        ("good\ta\nbad\tb\n", "", "validation.tsv is empty"),
    ],
)
def test_what_cannot_be_learned_is_told(train: str, validation: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text(train)
    (tmp_path / "validation.tsv").write_text(validation)
    path = tmp_path / "recipe.toml"
    path.write_text(f'[data]\ntrain = ["{tmp_path}/train.tsv"]\nvalidation = "{tmp_path}/validation.tsv"\n')
    with pytest.raises(UserError) as caught:
        prepare(load(path, ClassifierRecipe))
    assert str(caught.value).startswith(f"{tmp_path}/{message}")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ('data.scheme="IOB3"', "data.scheme: expected one of none, IOB1, IOB2, BIOES, got IOB3"),
        ('data.scheme="none"', "scheme needs data.scheme, that of the files"),
        ("data.tag_column=1", "data: word_column and tag_column are the same"),
        ('data.validation="none.tsv"', "data: none.tsv is not a file"),
        ("data.train=[]", "data: there is no text to train on"),
    ],
)
def test_a_wrong_recipe_is_told(override: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load(write_tagger_data(tmp_path), TaggerRecipe, [override])
    assert message.replace("'", "") in str(caught.value).replace("'", "").replace('"', "")

"""Captioning in processes of its own: from pictures and a CSV to a model, from a folder to captions and reasons."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from broken_pictures import write_broken_pictures
from captioning_fixtures import photograph
from forked import PATIENCE, Command

ROOT = Path(__file__).resolve().parents[2]
COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220), "yellow": (220, 220, 20)}

RECIPE = """
captions = 8
together = {together}
start = {start}
[data]
train = "{folder}/train.csv"
validation = "{folder}/validation.csv"
[image]
backbone = "mobilenet_v3_small"
weights = "{folder}/weights.pth"
tuned_stages = {tuned}
preprocessing.size = 64
[vocabulary]
threshold = 1
[encoder]
dim = 16
[decoder]
wiring = "top_down"
embedding_dim = 16
dim = 24
attention_dim = 16
dropout = {{ embedding = 0.0, hidden = 0.0, context = 0.0, output = 0.0 }}
[training]
epochs = {epochs}
precision = "float32"
save_every = 3
optimiser.learning_rate = 1e-2
schedule.warmup_steps = 2
schedule.name = "constant"
"""


def start(*arguments: str | Path, code: int = 0, folder: Path = ROOT) -> tuple[str, str]:
    """Start Python as a user does; return standard output and standard error."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**environment, "OMP_NUM_THREADS": "1", "S2S_CACHE": str(CACHE)},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def fork(name: str, *arguments: str | Path, code: int = 0) -> tuple[str, str]:
    """Run a command in a process that has imported everything before; return standard output and standard error."""
    command = Command(f"captioning.{name}:{name}", arguments, CACHE.with_name("written"), {"S2S_CACHE": str(CACHE)})
    found, output, errors = command.end()
    assert found == code, errors
    return output, errors


CACHE = Path()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Squares of four colours, what they are called, and a CNN of random weights."""
    global CACHE
    folder = tmp_path_factory.mktemp("captioning")
    CACHE = folder / "cache"
    models = pytest.importorskip("torchvision.models")
    import torch

    torch.manual_seed(3)
    torch.save(models.get_model("mobilenet_v3_small", weights=None).state_dict(), folder / "weights.pth")
    rows = {"train": ["image,caption"], "validation": ["image,caption"]}
    for colour, rgb in COLOURS.items():
        for split, shade in (("train", 0), ("validation", 12)):
            name = f"{colour}-{split}.png"
            photograph((80, 60), tuple(min(255, value + shade) for value in rgb)).save(folder / name)
            rows[split] += [f"{name},A {colour} square .", f'{name},"This one, it is {colour}"']
    for split, lines in rows.items():
        (folder / f"{split}.csv").write_text("\n".join(lines) + "\n")
    return folder


def recipe(world: Path, name: str, epochs: int, *, together: int = 1, tuned: int = 0, start: str = '"none"') -> Path:
    """A recipe on the squares."""
    path = world / f"{name}.toml"
    text = RECIPE.format(folder=world, epochs=epochs, together=together, tuned=tuned, start=start)
    path.write_text(text + ("" if start == '"none"' else "[self_critical]\nsamples = 2\n"))
    return path


@pytest.fixture(scope="module")
def model(world: Path) -> Path:
    """Trained on the features of the frozen CNN."""
    start("-m", "captioning.train", recipe(world, "frozen", 12), "--run", world / "frozen")
    return world / "frozen" / "best"


@pytest.mark.oldest
def test_the_bundled_model_captions_a_photograph_from_elsewhere(tmp_path: Path) -> None:
    photograph = ROOT / "captioning" / "examples" / "photographer.jpg"
    output, errors = start(ROOT / "captioning" / "caption.py", photograph, folder=tmp_path)
    name, caption = output.rstrip("\n").split("\t")
    assert name == str(photograph)
    assert "man" in caption.split()
    assert not errors


def test_a_folder_with_broken_files_is_captioned_from_elsewhere(world: Path, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for colour in COLOURS:
        (folder / f"{colour}.png").write_bytes((world / f"{colour}-validation.png").read_bytes())
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "half.png").write_bytes((folder / "red.png").read_bytes()[:60])
    script = ROOT / "captioning" / "caption.py"
    pages = tmp_path / "pages"
    output, errors = start(
        script, folder, "--model", model, "--json", tmp_path / "r.json", "--attention", pages, code=1, folder=tmp_path
    )
    lines = [line.split("\t") for line in output.splitlines()]
    assert [Path(path).name for path, _ in lines] == [f"{colour}.png" for colour in sorted(COLOURS)]
    assert all(caption for _, caption in lines)
    assert "empty.jpg" in errors
    assert "half.png" in errors
    assert "2 of 6" in errors
    assert "Traceback" not in errors
    results = json.loads((tmp_path / "r.json").read_text())
    assert [entry["image_id"] for entry in results] == [f"{colour}.png" for colour in sorted(COLOURS)]
    assert [entry["caption"] for entry in results] == [caption for _, caption in lines]
    assert {f"{colour}.html" for colour in COLOURS} | {"index.html", "attention.json"} <= {
        p.name for p in pages.iterdir()
    }


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_twenty_broken_files_in_a_folder_are_twenty_reasons(world: Path, model: Path, tmp_path: Path) -> None:
    """And all other pictures have their captions."""
    names = write_broken_pictures(tmp_path)
    for number in range(40):
        (tmp_path / f"{number:02}.png").write_bytes((world / f"{list(COLOURS)[number % 4]}-train.png").read_bytes())
    output, errors = fork("caption", tmp_path, "--model", model, "--batch", "8", code=1)
    assert [Path(line.split("\t")[0]).name for line in output.splitlines()] == [f"{i:02}.png" for i in range(40)]
    reasons = [line.split(": ", 2) for line in errors.splitlines()[:-1]]  # warning, file, reason
    assert sorted(Path(path).name for _, path, _ in reasons) == sorted(names), errors
    assert len(names) == 20
    assert "20 of 60 pictures failed" in errors
    assert "Traceback" not in errors


def test_a_missing_model_and_existing_outputs_are_told_at_once(model: Path, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("mine")
    _, errors = fork("caption", "x.png", "--model", model, "--json", tmp_path / "r.json", code=2)
    assert errors.startswith("error: ")
    assert len(errors.splitlines()) == 1
    assert (tmp_path / "r.json").read_text() == "mine"
    _, errors = fork("caption", "x.png", "--model", tmp_path / "none", code=2)
    assert "no such directory" in errors


@pytest.mark.oldest
def test_a_model_is_evaluated_with_the_number_of_pictures(world: Path, model: Path) -> None:
    output, _ = fork("evaluate", "--model", model, "--references", world / "validation.csv", "--json")
    figures = json.loads(output)
    assert figures["images"] == 4
    assert figures["scores"]["cider_d"] >= 0


def test_a_resumed_training_ends_with_the_very_weights(world: Path, model: Path) -> None:
    short = recipe(world, "short", 5)
    fork("train", short, "--run", world / "short")
    fork("train", recipe(world, "longer", 12), "--run", world / "short", "--resume")
    assert (world / "short/best/model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()


def test_the_cnn_learns_too_where_the_recipe_says_so_and_its_statistics_stay(world: Path, model: Path) -> None:
    from safetensors.torch import load_file

    tuned = recipe(world, "tuned", 1, together=2, tuned=1)
    fork("train", tuned, "--run", world / "tuned")
    before, after = (load_file(path / "model.safetensors") for path in (model, world / "tuned" / "best"))
    cnn = [name for name in before if ".backbone." in name]
    changed = {name for name in cnn if not before[name].equal(after[name])}
    assert changed
    assert not any("running" in name for name in changed)
    last = max(int(name.split("stages.")[1].split(".")[0]) for name in cnn)
    assert {int(name.split("stages.")[1].split(".")[0]) for name in changed} == {last}


def test_self_critical_training_goes_on_from_a_model(world: Path, model: Path) -> None:
    second = recipe(world, "second", 2, start=f'"{model}"')
    output, errors = fork("train", second, "--run", world / "second")
    assert "reward" in errors
    assert json.loads(output.splitlines()[-1])["best"] >= 0

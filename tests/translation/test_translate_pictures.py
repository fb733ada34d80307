"""Translation with pictures by the commands, on sentences that only a picture completes."""

from __future__ import annotations

import json
from pathlib import Path

import captioning_fixtures as world
import pytest
from PIL import Image

from s2s.errors import UserError
from s2s.export.exporting import export
from translation.evaluate import evaluate
from translation.train import train
from translation.translate import translate
from translation.translator import Translator

GERMAN = {"red": "rotes", "green": "grünes", "blue": "blaues", "white": "weißes"}
RECIPE = """
tie_embeddings = false
label_smoothing = 0.0
[data]
train_source = ["train.en"]
train_target = ["train.de"]
validation_source = "val.en"
validation_target = "val.de"
source_language = "en"
target_language = "de"
[picture]
train = ["train.images"]
validation = "val.images"
backbone = "squares"
size = 16
dim = 8
[cleaning]
keep_duplicates = true
[vocabulary]
kind = "word"
threshold = 1
joint = false
unknown_copies = 0
[batch]
sentences = 20
[encoder]
dim = 8
embedding_dropout = 0
hidden_dropout = 0
[decoder]
embedding_dim = 12
dim = 16
attention = { kind = "additive", dim = 8 }
dropout = { embedding = 0, hidden = 0, context = 0, output = 0 }
[training]
epochs = 25
precision = "float32"
optimiser = { learning_rate = 1e-2 }
schedule = { name = "constant", warmup_steps = 5 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Squares of four colours, and sentences whose colour is hidden: `a xx square`, `ein rotes Quadrat`."""
    path = tmp_path_factory.mktemp("pictured")
    for colour, rgb in world.COLOURS.items():
        Image.new("RGB", (24, 24), rgb).save(path / f"{colour}.png")
    for name, times in (("train", 20), ("val", 1)):
        colours = list(GERMAN) * times
        (path / f"{name}.en").write_text("a xx square\n" * len(colours), encoding="utf-8")
        (path / f"{name}.de").write_text("".join(f"ein {GERMAN[each]} Quadrat\n" for each in colours), encoding="utf-8")
        (path / f"{name}.images").write_text("".join(f"{each}.png\n" for each in colours), encoding="utf-8")
    (path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def squares(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("S2S_CACHE", str(folder / "cache"))
    monkeypatch.setattr("s2s.vision.backbones.build_backbone", lambda *_: world.backbone())
    monkeypatch.setattr("translation.model.empty_backbone", lambda _: world.backbone())


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    """Trained once; the fixture of every test patches what it needs, so this one does it for itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("S2S_CACHE", str(folder / "cache"))
        patch.setattr("s2s.vision.backbones.build_backbone", lambda *_: world.backbone())
        patch.setattr("translation.model.empty_backbone", lambda _: world.backbone())
        assert train(["recipe.toml", "--run", "run", "--threads", "1"]) == 0
    return folder / "run" / "best"


def translated(capsys: pytest.CaptureFixture[str], *options: str | Path) -> list[str]:
    capsys.readouterr()
    translate(["val.en", "--beam", "1", *map(str, options)])
    return capsys.readouterr().out.splitlines()


def test_the_picture_says_what_the_sentence_hides(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right = [f"ein {word} Quadrat" for word in GERMAN.values()]
    assert translated(capsys, "--model", model, "--images", "val.images") == right
    turned = [*list(GERMAN)[1:], "red"]
    Path("other.images").write_text("".join(f"{colour}.png\n" for colour in turned))
    assert translated(capsys, "--model", model, "--images", "other.images") == [*right[1:], right[0]]
    without = translated(capsys, "--model", model)
    assert len(set(without)) == 1  # without pictures, all lines are one


def test_python_takes_pictures_in_memory(model: Path) -> None:
    translator = Translator.load(model)
    seen = [translator.look(Image.new("RGB", (30, 20), world.COLOURS["blue"])), None]
    first, second = translator.translate(["a xx square", "a xx square"], pictures=seen)
    assert first.text == "ein blaues Quadrat"
    looked = first.n_best[0].picture_attention
    assert looked is not None
    assert looked.shape == (len(first.tokens), world.CELLS, world.CELLS)
    assert second.n_best[0].picture_attention is None
    with pytest.raises(UserError, match="2 lines and 1 picture"):
        translator.translate(["a", "b"], pictures=seen[:1])


def test_a_broken_picture_costs_only_itself(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("broken.png").write_bytes(b"no picture")
    Path("some.images").write_text("red.png\nbroken.png\n\nwhite.png\n")
    assert translate(["val.en", "--model", str(model), "--images", "some.images"]) == 1
    done = capsys.readouterr()
    assert [done.out.splitlines()[i] for i in (0, 3)] == ["ein rotes Quadrat", "ein weißes Quadrat"]
    assert len(done.out.splitlines()) == 4
    assert "broken.png" in done.err
    assert "its line is translated without a picture" in done.err


@pytest.mark.parametrize(
    ("names", "message"), [("red.png\n", "has 1 line, and the text has more"), ("\n" * 5, "each line")]
)
def test_counts_that_differ_are_told(model: Path, names: str, message: str) -> None:
    Path("few.images").write_text(names)
    with pytest.raises(UserError, match=message):
        translate(["val.en", "--model", str(model), "--images", "few.images"])
    with pytest.raises(UserError, match=r"few.images has \d lines? but"):
        evaluate(["--model", str(model), "--source", "val.en", "--reference", "val.de", "--images", "few.images"])


def test_a_model_without_pictures_says_so() -> None:
    with pytest.raises(UserError, match="sees no pictures"):
        translate(["val.en", "--images", "val.images"])


def test_the_page_shows_words_and_light(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    translated(capsys, "--model", model, "--images", "val.images", "--attention", "look.json", "--force")
    views = json.loads(Path("look.json").read_text(encoding="utf-8"))
    text = json.dumps(views)
    assert "red.png" in text
    translated(capsys, "--model", model, "--images", "val.images", "--attention", "look.html", "--force")
    assert "<img" in Path("look.html").read_text(encoding="utf-8")


def chrf(report: str) -> float:
    (found,) = (score["value"] for score in json.loads(report)["scores"] if score["name"] == "chrF2")
    return found


def test_evaluate_sees_the_pictures(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--model", str(model), "--source", "val.en", "--reference", "val.de", "--json", "--beam", "1"]
    evaluate([*given, "--images", "val.images"])
    with_pictures = chrf(capsys.readouterr().out)
    evaluate(given)
    assert with_pictures > 99
    assert chrf(capsys.readouterr().out) < 90


def test_there_is_no_light_form(model: Path, tmp_path: Path) -> None:
    from translation.export import TranslationExporter

    with pytest.raises(UserError, match="sees pictures has no light form"):
        export(TranslationExporter(model), model, tmp_path / "light", "float32")


def test_a_resumed_training_is_the_same(folder: Path, model: Path) -> None:
    from s2s.storage.model_directory import read_model

    settings = ["--threads", "1", "--set", "training.epochs=2"]
    train(["recipe.toml", "--run", "whole", *settings])
    train(["recipe.toml", "--run", "parts", *settings[:3], "training.epochs=1"])
    train(["recipe.toml", "--run", "parts", "--resume", *settings])
    one, other = (read_model(folder / run / "best") for run in ("whole", "parts"))
    assert all(tensor.equal(other.tensors[name]) for name, tensor in one.tensors.items())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("picture.train=[]", "picture.train names 0 files"),
        ('picture.train=["val.images"]', "val.images has 4 lines but train.en has 80"),
        ('picture.train=["none.images"]', "none.images is not a file"),
    ],
)
def test_a_recipe_that_does_not_fit(setting: str, message: str) -> None:
    with pytest.raises(UserError, match=message.replace(".", r"\.").replace("[", r"\[")):
        train(["recipe.toml", "--run", "wrong", "--set", setting])

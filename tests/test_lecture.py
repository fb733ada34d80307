"""docs/lecture.md: every command runs, from the first to the last, and every idea has a command, code and its picture.

The commands run in this process, in a folder that looks like the root of a clone. They are those of the page; trainings
get further `--set` options that make models and text small, and Flickr8k is a few squares. test_documents.py checks the
links, test_readme.py runs the Python.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from PIL import Image
from test_documents import NAMED

from data_prep.toy import SPLITS, Split

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
SECTIONS = re.split(r"^### ", TEXT, flags=re.M)[1:]  # an idea each
BLOCK_OR_SPAN = re.compile(r"^```bash\n(.*?)^```$|`(uv run [^`\n]+)`|`(--set [^`\n]+)`", re.M | re.S)

# For each `s2s train TASK`, in addition to what the page says.
SETTINGS = {
    "translation": "encoder.dim=4 decoder.dim=8 decoder.embedding_dim=4 training.epochs=1",
    "classifier": "encoder.dim=4 embedding_dim=4 training.epochs=1",
    "tagger": "encoder.dim=4 embedding_dim=4 training.epochs=1",
    "answerer": "encoder.dim=4 embedding_dim=4 attention.dim=4 attention.attention.dim=4 training.epochs=1",
    "frame-labeller": "encoder.dim=4 image.backbone=mobilenet_v3_small image.weights=weights.pth training.epochs=1",
    "language-model": "model.dim=4 model.embedding_dim=4 batch.streams=4000 batch.steps=8 training.epochs=1",
    "captioning": "encoder.dim=4 decoder.dim=4 decoder.embedding_dim=4 decoder.attention.dim=4 training.epochs=1 "
    "captions=6 image.backbone=mobilenet_v3_small image.weights=weights.pth image.preprocessing.size=32 "
    "image.tuned_stages=0 image.crops=0 vocabulary.threshold=1",
}
# For the recipe of a Transformer, whose keys are others.
TRANSFORMER = "encoder.dim=8 decoder.dim=8 training.epochs=1"
# For other commands that train.
OPTIONS = {"s2s view gradients": "--gap 3 --steps 5 --units 4"}


def commands(text: str) -> Iterator[list[str]]:
    """The commands of a page in their order, without `uv run`; an option in a table belongs to the last command."""
    last = list[str]()
    for block, span, option in BLOCK_OR_SPAN.findall(text):
        if option:
            yield [*last, *shlex.split(option), "--run", f"runs/variant {option}"]
        for line in (block or span).splitlines():
            if words := shlex.split(line, comments=True):
                assert words[:2] == ["uv", "run"], line
                last = words[4:] if words[2] == "--extra" else words[2:]
                yield last


def small(words: list[str]) -> list[str]:
    """The same command, on small data and with a small model if it is a training."""
    settings = SETTINGS[words[2]].split() if words[:2] == ["s2s", "train"] else []
    if settings and "transformer" in words[3]:
        settings = TRANSFORMER.split()
    options = OPTIONS.get(" ".join(words[:3]), "").split()
    return [*words, *options, *(word for setting in settings for word in ("--set", setting))]


def write_flickr8k(folder: Path) -> None:
    """Squares of six colours with captions, half of them for validation."""
    folder.mkdir(parents=True)
    for split, colours in (("train", ("red", "green", "blue")), ("validation", ("white", "yellow", "black"))):
        for colour in colours:
            Image.new("RGB", (32, 32), colour).save(folder / f"{colour}.png")
        rows = ({"image": f"{each}.png", "captions": [f"a {each} square", f"one {each} thing"]} for each in colours)
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: the root of a clone with Flickr8k, and with a CNN of random weights for it."""
    torchvision, torch = pytest.importorskip("torchvision.models"), pytest.importorskip("torch")
    for entry in ROOT.iterdir():
        if not entry.name.startswith(".") and entry.name not in ("data", "runs", "pages"):
            (tmp_path / entry.name).symlink_to(entry)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(SPLITS, "train", Split(140, 4, 10))  # type: ignore[arg-type]  # a dictionary
    monkeypatch.setitem(SPLITS, "val", Split(14, 4, 10))  # type: ignore[arg-type]
    monkeypatch.setitem(SPLITS, "test", Split(14, 4, 10))  # type: ignore[arg-type]
    monkeypatch.setattr("data_prep.toy_films.FILMS", {"train": 4, "val": 2, "test": 1})
    monkeypatch.setattr("s2s.cli.view_gradients.CLIPPED_STEPS", 5)
    write_flickr8k(tmp_path / "data" / "flickr8k")
    torch.save(torchvision.mobilenet_v3_small(weights=None).state_dict(), tmp_path / "weights.pth")
    return tmp_path


def test_every_command_runs(
    clone: Path, subtests: pytest.Subtests, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the scripts of pyproject.toml start them; the exit code is 0."""
    scripts = {script.name: script for script in entry_points(group="console_scripts")}
    for words in map(small, commands(TEXT)):
        with subtests.test(" ".join(words)):
            if words[0] == "pytest":
                assert all((ROOT / path).is_file() for path in words[1:])  # these run with all tests
            else:
                monkeypatch.setattr(sys, "argv", words)
                assert scripts[words[0]].load()() == 0, capsys.readouterr().err
    for section in SECTIONS:
        for names in re.findall(r"Pictures?: ((?:`[^`]+`(?:, | and )?)+)", section):
            for name in re.findall(r"`([^`]+)`", names):
                assert (clone / name).stat().st_size, name


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.partition("\n")[0])
def test_every_idea_has_a_command_and_code(section: str) -> None:
    assert re.search(r"^```(?:bash|python)$", section, flags=re.M)
    code = section.partition("\nCode: ")[2].partition("\n\n")[0]
    assert NAMED.search(code)


def test_every_link_to_code_names_what_to_look_for() -> None:
    """So that test_documents.py can say whether it is there."""
    assert len(NAMED.findall(TEXT)) == len(re.findall(r"\]\([^)]+\.py\)", TEXT))


def test_what_the_page_says_is_found() -> None:
    text = "```bash\nuv run --extra x s2s train a b   # c\n\n```\nor `uv run d --e 'f g'` |\n`--set h=i` `j`\n"
    train, other, variant = commands(text)
    assert train == ["s2s", "train", "a", "b"]
    assert other == ["d", "--e", "f g"]
    assert variant == ["d", "--e", "f g", "--set", "h=i", "--run", "runs/variant --set h=i"]
    assert small(["s2s", "train", "tagger", "a.toml"])[4:6] == ["--set", "encoder.dim=4"]

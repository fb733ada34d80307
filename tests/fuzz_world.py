"""What commands work with while they are given what is wrong: tiny models, a finished training, recipes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import torch
from captioning_fixtures import recipe as captioning_recipe
from captioning_fixtures import vocabulary
from PIL import Image
from translation_fixtures import LINES, tiny_model

from captioning import caption
from captioning import train as captioning_train
from captioning.configuration import CaptioningConfig
from captioning.export import CaptioningExporter
from captioning.model import CaptioningModel, build_network
from s2s import config
from s2s.cli import command
from s2s.export.exporting import export
from s2s.vision.backbones import empty_backbone
from s2s.vision.images import Preprocessing
from translation import train as translation_train
from translation import translate
from translation.export import TranslationExporter
from translation.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1]
COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "translation.translate": translate.translate,
    "translation.train": translation_train.train,
    "captioning.caption": caption.caption,
    "captioning.train": captioning_train.train,
}


class Outcome(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    output: str
    errors: str


Call = Callable[[str, Sequence[object]], Outcome]


def in_this_process(name: str, arguments: Sequence[object]) -> Outcome:
    """Call the command's main function."""
    with redirect_stdout(StringIO()) as output, redirect_stderr(StringIO()) as errors:
        code = command.run(COMMANDS[name], list(map(str, arguments)))
    return Outcome(code, output.getvalue(), errors.getvalue())


def in_a_process(name: str, arguments: Sequence[object]) -> Outcome:
    """Start the command as users do."""
    line = [sys.executable, "-m", name, *map(str, arguments)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, stdin=subprocess.DEVNULL, timeout=600, check=False)
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True)
class World:
    """A folder of things that are sound.

    Attributes:
        translator: a model directory
        captioner: a model directory
        recipe: of translation, with its text beside it
        run: a training by that recipe that has ended
        tables: the recipes of both applications as nested tables, by the command that reads them
        engine: that computes: "torch" or "onnx"
    """

    folder: Path
    translator: Path
    captioner: Path
    recipe: Path
    run: Path
    tables: dict[str, dict[str, Any]]
    engine: str = "torch"

    @property
    def fast(self) -> list[str]:
        """Options of `translate` and `caption`."""
        return [
            *["--beam", "2", "--precision", "float32", "--device", "cpu", "--threads", "1", "--engine"],
            self.engine,
        ]


def build(folder: Path) -> World:
    """Make all of it; where prepared text is cached is the caller's to say, by S2S_CACHE."""
    tiny_model().save(folder / "translator", {})
    _captioner().save(folder / "captioner", {})
    for name, lines in (("train.en", LINES * 8), ("train.de", LINES[::-1] * 8), ("val.en", LINES), ("val.de", LINES)):
        (folder / name).write_text("".join(f"{line} {i}\n" for i, line in enumerate(lines)))
    (folder / "train.csv").write_text("image,caption\na.png,a red square\n")
    Image.new("RGB", (16, 16), "red").save(folder / "a.png")
    tables = {"translation.train": _translation_table(folder), "captioning.train": _captioning_table(folder)}
    recipe = folder / "recipe.toml"
    recipe.write_text(as_toml(tables["translation.train"]))
    done = in_this_process("translation.train", [recipe, "--run", folder / "run"])
    assert done.code == 0, done.errors
    return World(folder, folder / "translator", folder / "captioner", recipe, folder / "run", tables)


def light(world: World, folder: Path) -> World:
    """The same with models that have only their light forms."""
    translator, captioner = folder / "translator", folder / "captioner"
    export(TranslationExporter(world.translator), world.translator, translator, "float32")
    export(CaptioningExporter(world.captioner), world.captioner, captioner, "float32")
    return replace(world, translator=translator, captioner=captioner, engine="onnx")


def as_toml(table: dict[str, Any]) -> str:
    """A recipe as a file; nested tables are written inline."""
    return "".join(f"{key} = {config._toml(value)}\n" for key, value in table.items())


def _translation_table(folder: Path) -> dict[str, Any]:
    """All keys, those left at their defaults too."""
    data = {"train_source": [f"{folder}/train.en"], "train_target": [f"{folder}/train.de"]}
    data |= {"validation_source": f"{folder}/val.en", "validation_target": f"{folder}/val.de"}  # type: ignore[dict-item]
    given = {
        "data": {**data, "source_language": "en", "target_language": "de"},
        "batch": {"sentences": 8},
        "vocabulary": {"kind": "word", "threshold": 1},
        "encoder": {"dim": 8},
        "decoder": {"embedding_dim": 8, "dim": 8, "attention_dim": 8},
        "training": {"epochs": 1, "precision": "float32"},
    }
    return config.to_dict(config.from_dict(Recipe, given))


def _captioning_table(folder: Path) -> dict[str, Any]:
    table = config.to_dict(captioning_recipe())
    return table | {"data": {"train": f"{folder}/train.csv", "validation": f"{folder}/train.csv", "images": None}}


def _captioner() -> CaptioningModel:
    """A real CNN of random weights, which a process that knows nothing of tests can build too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        using = captioning_recipe()
        shape = CaptioningConfig("mobilenet_v3_small", "word", 9, Preprocessing(32), using.encoder, using.decoder)
        words = vocabulary()
        return CaptioningModel(shape, words, build_network(shape, empty_backbone(shape.backbone), len(words)))


def use_cache(folder: Path) -> None:
    """Keep what is prepared below `folder`."""
    os.environ["S2S_CACHE"] = str(folder / "cache")

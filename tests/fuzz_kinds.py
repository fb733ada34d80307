"""Kinds of wrong input, each with what must come of it: a result that is right, or one line that says what is wrong.

An attempt draws an input, hands it to a command, and returns what the command did that it must not do.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import fuzz_inputs as inputs
from fuzz_world import Call, Outcome, World, as_toml

from captioning.recipe import Recipe as CaptioningRecipe
from s2s import config
from s2s.errors import UserError
from s2s.storage.model_directory import StoredModel, read_model
from s2s.storage.training_state import read_state
from s2s.storage.verified import seal
from translation.recipe import Recipe as TranslationRecipe

PICTURES = 20  # in a folder, for one call
RECIPES: dict[str, type[Any]] = {"translation.train": TranslationRecipe, "captioning.train": CaptioningRecipe}


@dataclass(frozen=True)
class Fault:
    """What a command must not do: "crash", "lost" a line or picture, or be "silent" about what is wrong."""

    what: str
    told: str


Attempt = Callable[[World, Random, Call, Path], Iterator[Fault]]


def unexplained(done: Outcome, *allowed: int) -> Iterator[Fault]:
    """Anything but an allowed exit code, and with 2 anything but a last line that says `error: ...`."""
    last = done.errors.splitlines()[-1:] or [""]
    if done.code not in allowed or "Traceback" in done.errors or "internal error" in done.errors:
        yield Fault("crash", f"{done.code}: {done.errors[-600:]}")
    elif done.code == 2 and (not last[0].startswith("error: ") or not last[0].isprintable()):
        yield Fault("crash", f"the last line is no error: {done.errors[-600:]}")
    elif "out of memory" in done.errors:
        yield Fault("crash", f"allocated without bounds: {done.errors[-600:]}")


# ------------------------------------------------------------------------------------------------------------- text


def text_bytes(world: World, draw: Random, call: Call, folder: Path) -> Iterator[Fault]:
    """Any bytes: translated line for line where they are UTF-8, or where what is not may be replaced; else refused.

    NUL bytes are refused always. What begins with a mark of UTF-16 is read as such, or refused.
    """
    path, content, replace = folder / "text.en", inputs.some_bytes(draw), draw.random() < 0.3
    path.write_bytes(content)
    options = ["--encoding-errors", "replace"] if replace else []
    done = call("translation.translate", ["--model", world.translator, *world.fast, *options, path])
    yield from unexplained(done, 0, 2)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        if done.code == 2 and f"error: {path}: " not in done.errors:
            yield Fault("silent", f"expected a refusal that names the file, found: {done.errors[-600:]}")
        return
    if b"\0" in content:
        if done.code != 2 or not done.errors.startswith(f"error: {path}: line "):
            yield Fault("silent", f"expected a refusal of NUL bytes, found {done.code}: {done.errors[-600:]}")
        return
    try:
        lines = _lines(content.decode(errors="replace" if replace else "strict"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        where = f"error: {path}: line {line}, byte {error.start}: not UTF-8: "
        if done.code != 2 or not done.errors.startswith(where):
            yield Fault("silent", f"expected {where}, found {done.code}: {done.errors[-600:]}")
    else:
        yield from _line_for_line(lines, done)


def unicode_text(world: World, draw: Random, call: Call, folder: Path) -> Iterator[Fault]:
    """Any characters: line for line."""
    path, text = folder / "text.en", inputs.some_text(draw)
    path.write_bytes(text.encode())
    done = call("translation.translate", ["--model", world.translator, *world.fast, path])
    yield from unexplained(done, 0)
    yield from _line_for_line(_lines(text), done)


def _lines(text: str) -> list[str]:
    r"""As `\n` alone ends them; a byte order mark alone is no line."""
    text = text.removeprefix("\ufeff")
    return text.removesuffix("\n").split("\n") if text else []


def _line_for_line(lines: list[str], done: Outcome) -> Iterator[Fault]:
    found = done.output.split("\n")
    if done.code == 0 and len(found) - 1 != len(lines):
        yield Fault("lost", f"{len(lines)} lines gave {len(found) - 1}")
    elif done.code == 0:
        wrong = [i for i, (line, other) in enumerate(zip(lines, found), 1) if not line.strip() and other]
        if wrong or "⁇" in done.output.replace("⁇" if any("⁇" in line for line in lines) else "", ""):
            yield Fault("silent", f"blank lines {wrong} were filled, or a sign of the vocabulary was printed")
    else:
        yield Fault("lost", f"{len(lines)} sound lines gave {done.code}: {done.errors[-600:]}")


# ---------------------------------------------------------------------------------------------------------- recipes


def recipe(world: World, draw: Random, call: Call, folder: Path) -> Iterator[Fault]:
    """Mutated recipes: refused with 2, or read as written; a run that exists is named, so that nothing is trained."""
    name, path = draw.choice(list(world.tables)), folder / "recipe.toml"
    table, settings, on_the_line = world.tables[name], [], draw.random() < 0.3
    for _ in range(draw.randint(1, 3)):
        key, value = draw.choice(inputs.leaves(table)), draw.choice(inputs.NASTY)
        if draw.random() < 0.2:
            key = (*key[:-1], inputs.misspelt(key[-1], draw))
        if on_the_line:
            settings += ["--set", f"{'.'.join(key)}={config._toml(value)}"]
        elif draw.random() < 0.1:
            table = inputs.changed(table, key)
        else:
            table = inputs.changed(table, key, value)
    text = as_toml(table).encode()
    garbled = draw.random() < 0.25
    path.write_bytes(inputs.damaged(text, draw) if garbled else text)
    done = call(name, [path, "--run", world.run, *settings])
    yield from unexplained(done, 2)
    if "already holds a run" in done.errors:
        yield from _read_as_written(name, path, settings)


def _read_as_written(name: str, path: Path, settings: list[str]) -> Iterator[Fault]:
    """Whether each key of an accepted recipe has the value that the file, or after it the command line, gives it."""
    read = _flat(config.to_dict(config.load(path, RECIPES[name], settings[1::2])))
    given = tomllib.loads(path.read_bytes().decode().removeprefix("\ufeff"))
    for setting in settings[1::2]:
        key, _, value = setting.partition("=")
        given = inputs.changed(given, key.split("."), tomllib.loads(f"value = {value}")["value"])
    for key, value in _flat(given).items():
        if key not in read or not _same(read[key], value):
            yield Fault("silent", f"{key} = {value!r} was read as {read.get(key, 'nothing')!r}")


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat


def _same(read: Any, given: Any) -> bool:
    if isinstance(read, float) and isinstance(given, int):
        return math.isclose(read, given)
    if isinstance(given, str) and isinstance(read, str):
        return Path(read) == Path(given) or read == given
    return (read is None and given == "none") or read == given


# ------------------------------------------------------------------------------------------- models and their states


def model(world: World, draw: Random, call: Call, folder: Path) -> Iterator[Fault]:
    """A file of a model directory that is damaged: refused by its name, unless all that is read is the same."""
    directory, name, arguments = _application(world, draw, folder)
    pristine, path = read_model(directory), draw.choice(sorted(directory.iterdir()))
    content = path.read_bytes()
    _replace(path, inputs.damaged(content, draw))
    done = call(name, arguments)
    found = _attempted(lambda: read_model(directory))
    yield from unexplained(done, 0, 2)
    if done.code == 0 and (found is None or not _equal_models(found, pristine)):
        yield Fault("silent", f"{path.name} was damaged, and the model was used")
    if done.code == 2 and str(path) not in done.errors:
        yield Fault("silent", f"{path.name} was damaged, and what was said is {done.errors[-600:]}")
    del found
    _replace(path, content)


def strangers_model(world: World, draw: Random, call: Call, folder: Path) -> Iterator[Fault]:
    """A model whose maker knows how to seal it, and wrote something else into it: used or refused, within bounds."""
    directory, name, arguments = _application(world, draw, folder)
    path = directory / "config.json"
    content = path.read_bytes()
    record = json.loads(content)
    del record["checksum"]
    assets = [asset for asset in record["files"] if asset != "model.safetensors"]
    asset = directory / draw.choice(assets)
    sound = asset.read_bytes()
    if draw.random() < 0.15 and record["config"]["vocabulary_kind"] == "word":
        _replace(asset, inputs.damaged(sound, draw))
        record["files"][asset.name] = hashlib.sha256(asset.read_bytes()).hexdigest()
    else:
        key = draw.choice([key for key in inputs.leaves(record) if draw.random() < 0.1 or key[0] in ("config", "tied")])
        record = inputs.changed(record, key, draw.choice(inputs.NASTY))
    path.write_bytes(seal(record))
    done = call(name, arguments)
    yield from unexplained(done, 0, 1, 2)
    _replace(path, content)
    _replace(asset, sound)


def state(world: World, draw: Random, call: Call, folder: Path) -> Iterator[Fault]:
    """A file of a training state that is damaged: --resume refuses it by its name, unless all that is read is the same.

    The training has ended: a state that is read leads to no further step, and to no other state.
    """
    path = draw.choice(sorted((world.run / "last").iterdir()))
    tensors, record = read_state(world.run / "last")
    content = path.read_bytes()
    _replace(path, inputs.damaged(content, draw))
    done = call("translation.train", [world.recipe, "--run", world.run, "--resume", "--device", "cpu"])
    yield from unexplained(done, 0, 2)
    found = _attempted(lambda: read_state(world.run / "last"))
    same = found is not None and found[1] == record and _equal(found[0], tensors)
    if done.code == 0 and not same:
        yield Fault("silent", f"{path.name} was damaged, and the training went on")
    if done.code == 2 and str(path) not in done.errors:
        yield Fault("silent", f"{path.name} was damaged, and what was said is {done.errors[-600:]}")
    _replace(path, content)


def _application(world: World, draw: Random, folder: Path) -> tuple[Path, str, list[object]]:
    """The directory of a model, and a command that uses it."""
    if draw.random() < 0.7:
        (folder / "text.en").write_text("A man is sleeping.\n")
        return world.translator, "translation.translate", ["--model", world.translator, *world.fast, folder / "text.en"]
    return world.captioner, "captioning.caption", ["--model", world.captioner, *world.fast, world.folder / "a.png"]


def _replace(path: Path, content: bytes) -> None:
    path.unlink()  # its tensors may be mapped from it
    path.write_bytes(content)


def _attempted(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except UserError:
        return None


def _equal_models(one: StoredModel, other: StoredModel) -> bool:
    parts = ("kind", "config", "about", "assets")
    return all(getattr(one, part) == getattr(other, part) for part in parts) and _equal(one.tensors, other.tensors)


def _equal(one: Any, other: Any) -> bool:
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


# --------------------------------------------------------------------------------------------------------- pictures


def pictures(world: World, draw: Random, call: Call, folder: Path) -> Iterator[Fault]:
    """A folder of damaged pictures: each has its caption or its reason, and half a picture has none."""
    drawn = [inputs.picture(draw) for _ in range(PICTURES)]
    album = folder / "album"
    album.mkdir()
    paths = [album / f"{i:02}.{draw.choice(['jpg', 'png', 'gif', 'dat'])}" for i in range(PICTURES)]
    for path, (content, _) in zip(paths, drawn):
        path.write_bytes(content)
    done = call("captioning.caption", ["--model", world.captioner, *world.fast, album])
    yield from unexplained(done, 0, 1)
    captioned = [line.partition("\t")[0] for line in done.output.splitlines()]
    warned = [line.removeprefix("warning: ").partition(": ")[0] for line in done.errors.splitlines()]
    for path, (_, missing) in zip(paths, drawn):
        answers = captioned.count(str(path)), warned.count(str(path))
        if answers not in ((1, 0), (0, 1)):
            yield Fault("lost", f"{path.name}: {answers[0]} captions and {answers[1]} warnings")
        if missing and answers[0]:
            yield Fault("silent", f"{path.name}: half of it is missing, and it was captioned")
    if (done.code == 1) != any(str(path) in warned for path in paths):
        yield Fault("silent", f"{len(warned)} lines of warnings, and the code is {done.code}")
    shutil.rmtree(album)


LIGHT_KINDS = ("bytes as text", "Unicode text", "strangers' models", "pictures")  # that the light engine meets too
KINDS: dict[str, tuple[Attempt, int]] = {  # with the inputs of one attempt
    "bytes as text": (text_bytes, 1),
    "Unicode text": (unicode_text, 1),
    "recipes": (recipe, 1),
    "model directories": (model, 1),
    "strangers' models": (strangers_model, 1),
    "training states": (state, 1),
    "pictures": (pictures, PICTURES),
}

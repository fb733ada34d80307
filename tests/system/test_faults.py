"""Long commands killed or stopped at random moments, on disks that are full or sealed: nothing good is damaged."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from captioning_fixtures import photograph
from forked import Command
from fuzz_world import ROOT, World, as_toml, build
from translation_fixtures import LINES

MACHINE = ["--device", "cpu", "--precision", "float32", "--threads", 1]
PICTURES = 24
TRAINING = """
captions = 4
image.backbone = "mobilenet_v3_small"
image.weights = "{folder}/weights.pth"
image.preprocessing.size = 32
vocabulary.threshold = 1
encoder.dim = 8
[data]
train = "{folder}/captions.csv"
validation = "{folder}/held_out.csv"
[decoder]
embedding_dim = 8
dim = 8
attention_dim = 8
[training]
epochs = 2
precision = "float32"
save_every = 2
"""


@dataclass(frozen=True)
class Job:
    """A long command.

    Attributes:
        name: of its module and function
        arguments: from the world and the folder that it works in; they are asked for again when it is repeated
        results: the files below that folder that it ends with
    """

    name: str
    arguments: Callable[[World, Path], list[object]]
    results: tuple[str, ...]


def training(recipe: str) -> Callable[[World, Path], list[object]]:
    """Begun, or gone on with."""

    def arguments(world: World, folder: Path) -> list[object]:
        resumed = ["--resume"] if (folder / "run" / "recipe.toml").exists() else []
        return [world.folder / recipe, "--run", folder / "run", "--device", "cpu", *resumed]

    return arguments


JOBS = {
    "translate": Job(
        "translation.translate:translate",
        lambda world, folder: [
            *("--model", world.translator, "--output", folder / "text.de", "--force", *MACHINE),
            *("--batch-tokens", 200, world.folder / "lines.en"),
        ],
        ("text.de",),
    ),
    "caption": Job(
        "captioning.caption:caption",
        lambda world, folder: [
            *("--model", world.captioner, "--json", folder / "captions.json", "--force", *MACHINE),
            *("--batch", 4, world.folder / "album"),
        ],
        ("captions.json",),
    ),
    "prepare": Job(
        "data_prep.parallel:parallel",
        lambda world, folder: [
            *("--source", world.folder / "long.en", "--target", world.folder / "long.en", "--output", folder),
            *("--source-language", "en", "--target-language", "de", "--prefix", "train", "--force"),
            *("--keep-duplicates",),
        ],
        ("train.en", "train.de"),
    ),
    "features": Job(
        "data_prep.features:features",
        lambda world, folder: [
            *("--backbone", "mobilenet_v3_small", "--weights", world.folder / "weights.pth", "--size", 32, *MACHINE),
            world.folder / "album",
        ],
        ("cache/features/*/cells.f16", "cache/features/*/rows.jsonl"),
    ),
    "train a translator": Job(
        "translation.train:train", training("recipe.toml"), ("run/best/model.safetensors", "run/last/state.safetensors")
    ),
    "train a captioner": Job(
        "captioning.train:train",
        training("captioning.toml"),
        ("run/best/model.safetensors", "run/last/state.safetensors"),
    ),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Of fuzz_world, with more text, and pictures with their captions."""
    models = pytest.importorskip("torchvision.models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("S2S_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = build(tmp_path_factory.mktemp("world"))
    folder = made.folder
    for name, times in (("lines.en", 20), ("long.en", 60)):
        (folder / name).write_text("".join(f"{line}\n" for line in LINES * times))
    (folder / "album").mkdir()
    rows = []
    for number in range(PICTURES):
        shade = photograph((40, 30), (number * 10, 99, 255 - number * 10))
        shade.save(folder / "album" / f"{number:02}.png")
        rows.append(f"album/{number:02}.png,a square of shade {number % 3}\n")
    (folder / "captions.csv").write_text("image,caption\n" + "".join(rows[4:]))
    (folder / "held_out.csv").write_text("image,caption\n" + "".join(rows[:4]))
    torch.manual_seed(3)
    torch.save(models.get_model("mobilenet_v3_small", weights=None).state_dict(), folder / "weights.pth")
    (folder / "captioning.toml").write_text(TRAINING.format(folder=folder))
    table = made.tables["translation.train"]
    (folder / "recipe.toml").write_text(
        as_toml(table | {"training": table["training"] | {"save_every": 1, "epochs": 3}})
    )
    start(JOBS["prepare"], made, folder / "first").end()  # it waits for the server that all others are forked from
    return made


def start(job: Job, world: World, folder: Path) -> Command:
    folder.mkdir(exist_ok=True)
    return Command(job.name, job.arguments(world, folder), folder / "told", {"S2S_CACHE": str(folder / "cache")})


def results(job: Job, folder: Path) -> Mapping[str, bytes]:
    """What there is of them."""
    paths = sorted(path for pattern in job.results for path in folder.glob(pattern))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


Whole = Callable[[str], tuple[Mapping[str, bytes], float]]


@pytest.fixture(scope="module")
def whole(world: World, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """Of each job the results, and the seconds that it took, where nothing disturbed it."""
    done: dict[str, tuple[Mapping[str, bytes], float]] = {}

    def _whole(kind: str) -> tuple[Mapping[str, bytes], float]:
        if kind not in done:
            folder = tmp_path_factory.mktemp("whole")
            started, command = time.monotonic(), start(JOBS[kind], world, folder)
            code, _, errors = command.end()
            assert code == 0, errors
            done[kind] = results(JOBS[kind], folder), time.monotonic() - started
        return done[kind]

    return _whole


@pytest.mark.parametrize("kind", JOBS)
def test_ten_kills_at_random_moments_lose_nothing(kind: str, world: World, whole: Whole, tmp_path: Path) -> None:
    job, moments = JOBS[kind], random.Random(1)
    expected, seconds = whole(kind)
    assert len(expected) >= len(job.results)
    killed = 0
    for _ in range(10):
        command = start(job, world, tmp_path / "job")
        time.sleep(moments.uniform(0, seconds))
        killed += command.end(signal.SIGKILL)[0] == -signal.SIGKILL
        found = results(job, tmp_path / "job")
        if "captions.json" in found:  # grows, and is whole at every moment
            entries = json.loads(found["captions.json"])
            assert entries == json.loads(expected["captions.json"])[: len(entries)]
        elif "run" not in job.results[0] and "cache" not in job.results[0]:  # those grow
            assert found.items() <= expected.items()
    assert killed
    code, _, errors = start(job, world, tmp_path / "job").end()
    assert code == 0, errors
    assert results(job, tmp_path / "job") == expected


@pytest.mark.parametrize(("number", "told"), [(signal.SIGTERM, "terminated"), (signal.SIGINT, "interrupted")])
@pytest.mark.parametrize("kind", JOBS)
def test_a_signal_is_one_word_and_loses_nothing(
    kind: str, number: signal.Signals, told: str, world: World, whole: Whole, tmp_path: Path
) -> None:
    job, moments = JOBS[kind], random.Random(2)
    expected, seconds = whole(kind)
    command = start(job, world, tmp_path / "job")
    while not command.begun():
        time.sleep(0.001)
    time.sleep(moments.uniform(0, seconds / 2))
    code, _, errors = command.end(number)
    assert (code, errors.splitlines()[-1:]) == (128 + number, [told]) or code == 0  # the signal may have come too late
    assert not list((tmp_path / "job").glob(".aside-*"))
    assert start(job, world, tmp_path / "job").end()[0] == 0
    assert results(job, tmp_path / "job") == expected


def test_a_reader_of_captions_that_left_is_no_error(world: World) -> None:
    line = [sys.executable, "-m", "captioning.caption", *map(str, JOBS["caption"].arguments(world, world.folder))]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().endswith("\n")
        process.stdout.close()
        process.stdout = None
        _, errors = process.communicate(timeout=600)
    assert (process.returncode, errors) == (0, "")


# --------------------------------------------------------------------------------------- disks that are full or sealed

DISK = """
mount -t tmpfs -o size=$2 none "$1" || exit 99
shift 2
"$@"; echo "full: $?" >&2
mount -o remount,size=64m "$DISK" && "$@" $AGAIN; echo "free: $?" >&2
cp -r "$DISK"/. "$KEPT"
mount -o remount,ro "$DISK"; "$@" $AGAIN; echo "sealed: $?" >&2
"""


def on_a_small_disk(size: str, disk: Path, again: str, *line: object) -> list[str]:
    """What a command says on a disk that is full, on one that is not, and on one that may only be read; or skip."""
    disk.mkdir()
    kept = disk.with_name("kept")
    kept.mkdir()
    namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    try:
        tried = subprocess.run([*namespace, f'mount -t tmpfs none "{disk}"'], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("this system has no unshare, so no disk of a few kilobytes can be made")
    if tried.returncode:
        pytest.skip(f"no small disk can be made here: {tried.stderr.decode().strip()}")
    environment = {**os.environ, "DISK": str(disk), "KEPT": str(kept), "AGAIN": again}
    command = [*namespace, DISK, "sh", str(disk), size, sys.executable, "-m", *map(str, line)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()


def test_a_full_disk_is_named_and_costs_no_step(world: World, whole: Whole, tmp_path: Path) -> None:
    run = tmp_path / "disk" / "run"
    line = ["translation.train", world.folder / "recipe.toml", "--run", run, "--device", "cpu"]
    told = on_a_small_disk("40k", tmp_path / "disk", "--resume", *line)
    words = [line.partition(":")[0] for line in told]
    full, free, sealed = map(words.index, ("full", "free", "sealed"))
    assert (told[full], told[free], told[sealed]) == ("full: 2", "free: 0", "sealed: 2")
    assert "No space left on device; free some space and try again" in told[full - 1]
    assert str(run) in told[full - 1]
    assert told[sealed - 1].startswith(f"error: {run}")
    assert told[sealed - 1].endswith("Read-only file system; choose another folder")
    kept = (tmp_path / "kept" / "run" / "best" / "model.safetensors").read_bytes()
    assert kept == whole("train a translator")[0]["run/best/model.safetensors"]


def test_a_full_disk_leaves_no_half_translation(world: World, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    line = ["translation.translate", "--model", world.translator, *MACHINE, "--output", disk / "text.de"]
    told = on_a_small_disk("4k", disk, "--force", *line, world.folder / "long.en")
    assert told[:2] == [f"error: {disk}/text.de: No space left on device; free some space and try again", "full: 2"]
    assert "free: 0" in told
    assert (tmp_path / "kept" / "text.de").read_text().count("\n") == 2 * 60
    assert told[-1] == "sealed: 2"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["text.de"]

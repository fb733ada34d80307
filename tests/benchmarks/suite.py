"""Speed and memory, ours beside JoeyNMT's, OpenNMT-py's and the floor, in one run:

    python -m tests.benchmarks.suite --quick --output quick.json        within 20 minutes on two cores
    python -m tests.benchmarks.suite --full --output full.json          hours; the same command again goes on

Multi30k is looked for in $S2S_DATA/multi30k. The peers come from PyPI into environments of their own in the cache
folder, which takes some minutes more the first time. `--full` trains every toolkit to the end and decodes with these
models, which stay in the cache; `--quick` uses them if they are there, else models of a few steps, which are all made
to write as many tokens a sentence (the bundled model is decoded with as it is). Each toolkit decodes as its own command
does: ours works on a batch on each core, theirs on one batch with all cores. Nothing else should run on the machine
meanwhile. `--toolkits` measures some of them alone; `--hours` stops each training to the end, ours too, whose models
are kept apart by these hours. `--smoke` shows with a small model and few steps that every driver works; its figures
mean nothing.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice, product
from pathlib import Path
from typing import Any

from s2s import cache
from s2s.cli import command
from s2s.cli.arguments import Parser, positive
from s2s.errors import check
from tests.benchmarks import joeynmt, opennmt, ours
from tests.benchmarks.process import CommandError
from tests.benchmarks.record import Figures, Record
from tests.benchmarks.table import tables
from tests.benchmarks.toolkit import Data, Decoding, Setting, Toolkit

SENTENCE = "Two young men are standing on the street and are looking at a dog."
CAPTION_RECIPE = ours.ROOT / "captioning" / "recipes" / "flickr8k.toml"
PEERS = {
    joeynmt.JoeyNMT.name: (joeynmt.JoeyNMT, joeynmt.ENVIRONMENT),
    opennmt.OpenNMT.name: (opennmt.OpenNMT, opennmt.ENVIRONMENT),
}
OURS, SHIPPED = "ours", "ours, recipe"
LIGHT = {f"{name}, light": name for name in (OURS, SHIPPED)}
TOOLKITS = (OURS, SHIPPED, *LIGHT, *PEERS)
SECTIONS = ("training", "fit", "decoding", "start", "captions")
SMALL = Setting(embedding=32, encoder=16, decoder=32, vocabulary=500, batch=8, epochs=2)


@dataclass(frozen=True)
class Scale:
    """How much is measured."""

    steps: int  # of a training whose speed is measured
    repeats: int
    decodings: int  # repetitions of each
    lines: int  # decoded at a batch of more than one
    alone: int  # decoded at a batch of one
    pictures: int
    fit: bool  # train all toolkits to the end
    setting: Setting = Setting()


SCALES = {
    "quick": Scale(steps=30, repeats=1, decodings=1, lines=512, alone=32, pictures=64, fit=False),
    "full": Scale(steps=300, repeats=5, decodings=3, lines=1000, alone=1000, pictures=512, fit=True),
    "smoke": Scale(steps=30, repeats=1, decodings=1, lines=8, alone=2, pictures=2, fit=False, setting=SMALL),
}


class Suite:
    """One run: what is measured of these toolkits, into one record."""

    def __init__(
        self,
        scale: Scale,
        toolkits: Sequence[Toolkit],
        data: Data,
        source: Path,
        threads: int,
        record: Record,
        setting: Setting,
    ) -> None:
        self.scale, self.toolkits, self.data, self.threads, self.record = scale, toolkits, data, threads, record
        self.source, self.folder, self.setting = source, data.folder.parent, setting
        self.failures: list[str] = []

    def machine(self) -> None:
        """Rates and floors."""
        self._take("machine/rates/1", ours.work, "rates", self.threads)
        for toolkit in self.toolkits:
            if isinstance(toolkit, ours.Ours):
                self._take(f"floor/{toolkit.name}/1", toolkit.floor, self.data.sizes)

    def training(self) -> None:
        """Speed and memory of all toolkits in turn, again and again."""
        for repeat in range(self.scale.repeats):
            for toolkit in self._trained:
                self._take(f"training/{toolkit.name}/{repeat + 1}", toolkit.train, self.scale.steps)

    def fit(self) -> None:
        """Trainings to the end, whose models are decoded with afterwards."""
        for toolkit in self._trained if self.scale.fit else []:
            self._take(f"fit/{toolkit.name}/1", toolkit.fit)

    def decoding(self) -> None:
        """Sentences a second, and what came out."""
        for repeat, width, batch in product(range(self.scale.decodings), (1, 5), (1, 32, 128)):
            how = f"{'greedy' if width == 1 else f'beam {width}'}, batch {batch}"
            for toolkit in self.toolkits:
                self._take(f"decoding/{toolkit.name}/{how}/{repeat + 1}", self._decode, toolkit, width, batch)

    def start(self) -> None:
        """Time to the first translation."""
        for repeat in range(self.scale.repeats):
            self._take(f"start/import torch/{repeat + 1}", ours.importing_torch, self.threads)
            for toolkit in self.toolkits:
                self._take(f"start/{toolkit.name}/{repeat + 1}", toolkit.first, SENTENCE)

    def captions(self) -> None:
        """Of a batch of pictures, and of one alone."""
        for repeat, batch in product(range(self.scale.repeats), (1, 32)):
            how = {
                "recipe": str(CAPTION_RECIPE),
                "pictures": self.scale.pictures,
                "batch": batch,
                "width": 5,
                "device": self.setting.device,
            }
            measure = partial(ours.captions, self.threads, gpu=self.setting.gpu, **how)
            self._take(f"captions/beam 5, batch {batch}/{repeat + 1}", measure)

    @property
    def _trained(self) -> list[Toolkit]:
        """The toolkits that train models of their own."""
        return [toolkit for toolkit in self.toolkits if not isinstance(toolkit, ours.Light)]

    def _take(self, key: str, measure: Callable[..., Figures], *arguments: Any) -> None:
        """What fails is told and left out, and tried again by the next run."""
        try:
            if self.record.take(key, partial(measure, *arguments)):
                print(key, file=sys.stderr, flush=True)
        except CommandError as failure:
            self.failures.append(key)
            print(f"{key} failed: {failure}", file=sys.stderr, flush=True)

    def _decode(self, toolkit: Toolkit, width: int, batch: int) -> Figures:
        count = self.scale.alone if batch == 1 else self.scale.lines
        texts = [self.folder / f"decode.{side}" for side in ("source", "target")]
        for text, language in zip(texts, ("en", "de")):
            with (self.source / f"test_2016_flickr.{language}").open(encoding="utf-8") as file:
                text.write_text("".join(islice(file, count)), encoding="utf-8")
        output = self.folder / "decode.output"
        figures = toolkit.decode(Decoding(width, batch, texts[0], output))
        scores = ours.work("score", self.threads, output=str(output), references=str(texts[1]), language="de")
        scores.pop("megabytes")  # of scoring
        return figures | scores | {"rate": count / figures["seconds"]}


def benchmark(arguments: list[str]) -> int:
    """The command."""
    options = _parser().parse_args(arguments)
    source = options.data / "multi30k"
    check((source / "train.en").is_file(), f"{source}: no Multi30k; set S2S_DATA to the folder that holds multi30k")
    hours = options.hours
    check(hours is None or 0 < hours <= 1000, f"--hours {hours}: choose a number above 0, at most 1000")
    scale, threads = SCALES[options.scale], options.threads or len(os.sched_getaffinity(0))
    setting = replace(scale.setting, hours=hours or scale.setting.hours, device=options.device)
    names = list(dict.fromkeys(options.toolkits))
    versions = _versions(names)
    record = Record(options.output, _about(options.scale, setting, threads, versions))
    folder = cache.folder() / f"benchmark-{cache.key([asdict(setting)])}"
    data = Data(folder / "data")
    data.folder.mkdir(parents=True, exist_ok=True)
    keys = [*ours.data_keys(source), *ours.setting_keys(setting)]
    ours.work("prepared", threads, recipe=str(ours.RECIPE), changes=keys, folder=str(data.folder))
    toolkits = [_toolkit(name, setting, data, source, threads) for name in versions]
    suite = Suite(scale, toolkits, data, source, threads, record, setting)
    if not setting.gpu:  # the floor is that of a processor
        suite.machine()
    for section in options.only or SECTIONS:
        getattr(suite, section)()
    print("\n".join(tables(record.medians())))
    return int(bool(suite.failures) or len(versions) < len(names))


def _toolkit(name: str, setting: Setting, data: Data, source: Path, threads: int) -> Toolkit:
    """A toolkit, with a folder of its own beside that of the data."""
    folder = data.folder.parent
    if name in PEERS:
        return PEERS[name][0](setting, data, folder, threads)
    if name in LIGHT:
        of = _toolkit(LIGHT[name], setting, data, source, threads)
        assert isinstance(of, ours.Ours)
        return ours.Light(of)
    if name == SHIPPED:
        bundled = ours.ROOT / "translation" / "models" / "en-de"
        return ours.Ours(name, ours.data_keys(source), folder, threads, setting, bundled)
    return ours.Ours(name, [*ours.data_keys(source), *ours.setting_keys(setting)], folder, threads, setting)


def _versions(names: Sequence[str]) -> dict[str, str]:
    """Of what is measured; peers that cannot be installed are told and left out."""
    found, here = {}, f"{_commit()}, Python {platform.python_version()}, torch {importlib.metadata.version('torch')}"
    for name in names:
        try:
            installed = PEERS[name][1].install() if name in PEERS else None
        except CommandError as failure:
            print(f"{name} is left out, because it could not be installed: {failure}", file=sys.stderr)
        else:
            found[name] = f"{installed[name.lower()]}, torch {installed['torch']}" if installed else here
    return found


def _commit() -> str:
    """Of the code that is measured, marked where it was changed since."""
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=ours.ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no git"


def _about(scale: str, setting: Setting, threads: int, versions: dict[str, str]) -> dict[str, Any]:
    """What all figures of a record have in common, the seed among it."""
    described = ours.work("describe", threads, gpu=setting.gpu)
    described.pop("megabytes")
    scales = {"scale": scale, **asdict(SCALES[scale])}
    return {"machine": described, "threads": threads, "versions": versions, **scales, "setting": asdict(setting)}


def _parser() -> Parser:
    parser = Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    scale = parser.add_mutually_exclusive_group(required=True)
    for name in SCALES:
        scale.add_argument(f"--{name}", dest="scale", action="store_const", const=name)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.json", help="gone on from where it exists")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, metavar="SECTION", help=f"of {', '.join(SECTIONS)}")
    parser.add_argument(
        "--toolkits", nargs="+", choices=TOOLKITS, default=TOOLKITS, metavar="NAME", help=f"of {'; '.join(TOOLKITS)}"
    )
    parser.add_argument("--hours", type=float, metavar="H", help="of a training to the end (default: 2)")
    parser.add_argument("--threads", type=positive, metavar="N", help="processor cores (default: all)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu", help="of all toolkits (default: cpu)")
    data = Path(os.environ.get("S2S_DATA", "data"))
    parser.add_argument("--data", type=Path, default=data, metavar="DIR", help="holds multi30k (default: $S2S_DATA)")
    return parser


if __name__ == "__main__":
    sys.exit(command.run(benchmark))

"""Our own toolkit, measured as the peers are: each time in a fresh process."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from s2s.storage.light_form import has_light
from tests.benchmarks.process import Finished, run
from tests.benchmarks.record import Figures
from tests.benchmarks.toolkit import LENGTH, Decoding, Setting, fitted

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "translation" / "recipes" / "multi30k-en-de.toml"


def work(verb: str, threads: int, *, gpu: bool = False, **arguments: Any) -> Figures:
    """What a function of work.py returns, and the memory it took."""
    return _told(_python("-m", "tests.benchmarks.work", verb, json.dumps(arguments), threads=threads, gpu=gpu))


def decoding(threads: int, *, gpu: bool = False, **arguments: Any) -> Figures:
    """The same of decoding.py."""
    given = json.dumps({**arguments, "threads": threads})
    return _told(_python("-m", "tests.benchmarks.decoding", given, threads=threads, gpu=gpu))


def captions(threads: int, *, gpu: bool = False, **arguments: Any) -> Figures:
    """The same of captions.py."""
    return _told(_python("-m", "tests.benchmarks.captions", json.dumps(arguments), threads=threads, gpu=gpu))


def _told(done: Finished) -> Figures:
    return json.loads(done.output.splitlines()[-1]) | done.memory


def importing_torch(threads: int) -> Figures:
    """What a process that only imports torch takes."""
    return {"seconds": _python("-c", "import torch", threads=threads).seconds}


def data_keys(source: Path) -> list[str]:
    """The recipe's keys for the text in a folder of Multi30k."""
    files = {
        "train_source": f"""["{source / "train.en"}"]""",
        "train_target": f"""["{source / "train.de"}"]""",
        "validation_source": str(source / "val.en"),
        "validation_target": str(source / "val.de"),
    }
    return [f"data.{key}={value}" for key, value in files.items()]


def setting_keys(setting: Setting) -> list[str]:
    """The recipe's keys for the common setting: nothing that the peers have not."""
    rates = {"word": 0.0, "embedding": setting.dropout, "hidden": 0.0, "context": 0.0, "output": setting.dropout}
    keys = {f"decoder.dropout.{name}": rate for name, rate in rates.items()} | {
        "label_smoothing": setting.label_smoothing,
        "vocabulary.size": setting.vocabulary,
        "vocabulary.bpe_dropout": 0.0,
        "vocabulary.unknown_copies": 0.0,
        "batch.sentences": setting.batch,
        "encoder.dim": setting.encoder,
        "encoder.word_dropout": 0.0,
        "encoder.embedding_dropout": setting.dropout,
        "decoder.kind": "input_feeding",
        "decoder.attention": "general",
        "decoder.embedding_dim": setting.embedding,
        "decoder.dim": setting.decoder,
        "decoder.tie_output": "false",
        "training.seed": setting.seed,
        "training.epochs": setting.epochs,
        "training.optimiser.name": "adam",
        "training.optimiser.learning_rate": setting.learning_rate,
        "training.optimiser.weight_decay": 0.0,
        "training.optimiser.clip_norm": setting.clip_norm,
        "training.schedule.name": "plateau",
        "training.schedule.patience": 1,
        "training.schedule.warmup_steps": 0,
        "training.averaging.decay": 0.0,
    }
    return [f"{key}={value}" for key, value in keys.items()]


class Ours:
    """See `Toolkit`; `changes` are made to the recipe that ships, `bundled` is a model that there is already."""

    def __init__(
        self,
        name: str,
        changes: Sequence[str],
        folder: Path,
        threads: int,
        setting: Setting,
        bundled: Path | None = None,
    ) -> None:
        self.name, self._changes, self._threads, self._bundled = name, list(changes), threads, bundled
        self._limit, self._device, self._gpu = 3600 * setting.hours, setting.device, setting.gpu
        self._folder = folder / name.replace(" ", "-")
        self._folder.mkdir(parents=True, exist_ok=True)

    def train(self, steps: int) -> Figures:
        """See `Toolkit`."""
        brief = self._folder / "brief"
        shutil.rmtree(brief, ignore_errors=True)
        arguments = {"recipe": str(RECIPE), "changes": self._changes, "folder": str(brief), "device": self._device}
        return work("train", self._threads, gpu=self._gpu, steps=steps, warmup=steps // 3, **arguments)

    def floor(self, sizes: Figures) -> Figures:
        """See `floor` in work.py."""
        return work("floor", self._threads, recipe=str(RECIPE), changes=self._changes, sizes=sizes)

    def fit(self) -> Figures:
        """See `Toolkit`."""
        fitted_run = self._folder / "fitted"
        shutil.rmtree(fitted_run, ignore_errors=True)
        changes = [part for change in self._changes for part in ("--set", change)]
        command = ["-m", "translation.train", RECIPE, "--run", fitted_run, "--device", self._device, *changes]
        done = _python(*command, threads=self._threads, limit=self._limit, gpu=self._gpu)
        path = fitted_run / "log.jsonl"  # is not there where training was stopped before its first validation
        log = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
        figures = fitted((entry["seconds"] / 60, entry["BLEU"]) for entry in log)
        return figures | {"minutes": done.seconds / 60} | done.memory

    def decode(self, how: Decoding) -> Figures:
        """See `Toolkit`."""
        return self.decode_by("torch", how)

    def first(self, sentence: str) -> Figures:
        """See `Toolkit`."""
        return self.first_by("torch", sentence)

    def decode_by(self, engine: str, how: Decoding) -> Figures:
        """See `decode`; by this engine."""
        model, files = self._model(), {"source": str(how.source), "output": str(how.output)}
        length = LENGTH if model.name == "brief" else None
        how_many = {"width": how.width, "batch": how.batch, "length": length}
        files["device"] = "cpu" if engine == "onnx" else self._device
        return decoding(self._threads, gpu=self._gpu, model=str(model), engine=engine, **how_many, **files)

    def first_by(self, engine: str, sentence: str) -> Figures:
        """See `first`; by this engine."""
        device = "cpu" if engine == "onnx" else self._device
        command = ["-m", "translation.translate", "--model", self._model(), "--engine", engine, "--device", device]
        done = _python(*command, threads=self._threads, text=sentence + "\n", gpu=self._gpu)
        return {"seconds": done.seconds}

    def export(self) -> None:
        """Give the model its light form, if it has none."""
        if not has_light(self._model()):
            _python("-m", "s2s.cli.entry", "export", self._model(), threads=self._threads)

    def _model(self) -> Path:
        known = [self._bundled, self._folder / "fitted" / "best", self._folder / "brief"]
        return next(path for path in known if path and path.is_dir())


class Light:
    """See `Toolkit`; decodes with the light form of another one's model, and trains nothing of its own."""

    def __init__(self, of: Ours) -> None:
        self.name, self._of = f"{of.name}, light", of

    def train(self, steps: int) -> Figures:
        """See `Toolkit`."""
        return self._of.train(steps)

    def fit(self) -> Figures:
        """See `Toolkit`."""
        return self._of.fit()

    def decode(self, how: Decoding) -> Figures:
        """See `Toolkit`."""
        self._of.export()
        return self._of.decode_by("onnx", how)

    def first(self, sentence: str) -> Figures:
        """See `Toolkit`."""
        self._of.export()
        return self._of.first_by("onnx", sentence)


def _python(
    *arguments: str | Path, threads: int, text: str = "", limit: float | None = None, gpu: bool = False
) -> Finished:
    return run([sys.executable, *arguments], folder=ROOT, threads=threads, text=text, limit=limit, gpu=gpu)

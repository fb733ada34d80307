"""JoeyNMT, driven through its commands with configurations written from the common setting."""

from __future__ import annotations

import json
import re
import shutil
import statistics
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.peer import Environment
from tests.benchmarks.process import Finished, run
from tests.benchmarks.record import Figures
from tests.benchmarks.toolkit import LENGTH, Data, Decoding, Setting, fitted, speed

# It fails with a current torch, and with a SentencePiece that no longer has `SetVocabulary`; and it does not name all
# that it imports.
ENVIRONMENT = Environment(("joeynmt==2.3.0", "torch==2.3.1", "numpy<2", "sentencepiece==0.2.0", "importlib_metadata"))
_SPEED = re.compile(r"Tokens per Sec: +([\d.]+)")  # of the target, END counted, since the line before
_DECODED = re.compile(r"Generation took ([\d.]+)\[sec\]")
_STAMP = r"^(\d+-\d+-\d+ \d+:\d+:\d+,\d+) - INFO - "
_SCORED = re.compile(_STAMP + r".*Evaluation result .*?bleu: +([\d.]+)", re.MULTILINE)
_NEVER = 10**6  # a multiple of all that it must be a multiple of


class JoeyNMT:
    """See `Toolkit`."""

    name = "JoeyNMT"

    def __init__(self, setting: Setting, data: Data, folder: Path, threads: int) -> None:
        self._setting, self._data, self._folder, self._threads = setting, data, folder / "joeynmt", threads
        self._folder.mkdir(parents=True, exist_ok=True)

    def train(self, steps: int) -> Figures:
        """See `Toolkit`."""
        config = self._config("brief", {"updates": steps, "logging_freq": _window(steps), "validation_freq": _NEVER})
        done = self._run("train", config, "--skip-test")
        first, *rest = map(float, _SPEED.findall(done.log))
        return speed(statistics.median(rest or [first]), self._data.sizes) | done.memory

    def fit(self) -> Figures:
        """See `Toolkit`."""
        epoch = int(self._data.sizes["pairs"]) // self._setting.batch
        config = self._config(
            "fitted", {"epochs": self._setting.epochs, "logging_freq": epoch, "validation_freq": epoch}
        )
        done = self._run("train", config, "--skip-test", limit=3600 * self._setting.hours)
        return fitted(_validations(done.log)) | {"minutes": done.seconds / 60} | done.memory

    def decode(self, how: Decoding) -> Figures:
        """See `Toolkit`."""
        done = self._translate(how.source.read_text(encoding="utf-8"), how.width, how.batch)
        how.output.write_text(done.output, encoding="utf-8")
        (seconds,) = _DECODED.findall(done.log)
        return {"seconds": float(seconds)} | done.memory

    def first(self, sentence: str) -> Figures:
        """See `Toolkit`."""
        return {"seconds": self._translate(sentence + "\n", width=5, batch=1).seconds}

    def _translate(self, text: str, width: int, batch: int) -> Finished:
        model = self._folder / "fitted"
        testing = {"beam_size": width, "batch_size": batch}
        name = "fitted"
        if not (model / "best.ckpt").exists():
            name, testing = "brief", testing | {"min_output_length": LENGTH, "max_output_length": LENGTH}
        return self._run("translate", self._config(name, {}, testing, keep=True), text=text)

    def _run(self, *arguments: str | Path, text: str = "", limit: float | None = None) -> Finished:
        command = [ENVIRONMENT.command("python"), "-m", "joeynmt", *arguments]
        gpu = self._setting.gpu
        return run(command, folder=self._folder, threads=self._threads, text=text, limit=limit, gpu=gpu)

    def _config(
        self, name: str, training: dict[str, Any], testing: dict[str, Any] | None = None, *, keep: bool = False
    ) -> Path:
        """Write the configuration of the model `name`, whose folder is emptied unless it is to be kept."""
        if not keep:
            shutil.rmtree(self._folder / name, ignore_errors=True)
        content = {
            "name": name,
            "joeynmt_version": "2.3.0",
            "model_dir": str(self._folder / name),
            "use_cuda": self._setting.gpu,
            "random_seed": self._setting.seed,
            "data": self._data_section(),
            "testing": {"beam_size": 5, "beam_alpha": 1.0, "batch_size": 64, "eval_metrics": ["bleu"]}
            | (testing or {}),
            "training": self._training_section() | training,
            "model": self._model_section(),
        }
        path = self._folder / f"{name}.yaml"
        path.write_text(json.dumps(content, indent=1))  # which is YAML too, but for exponents
        return path

    def _data_section(self) -> dict[str, Any]:
        side = {
            "level": "bpe",
            "voc_file": str(self._data.pieces),
            "tokenizer_type": "sentencepiece",
            "tokenizer_cfg": {"model_file": str(self._data.subwords), "pretokenizer": "none"},
        }
        return {
            "train": str(self._data.folder / "train"),
            "dev": str(self._data.folder / "validation"),
            "dataset_type": "plain",
            "src": side | {"lang": "source"},
            "trg": side | {"lang": "target"},
        }

    def _training_section(self) -> dict[str, Any]:
        setting = self._setting
        return {
            "optimizer": "adam",
            "learning_rate": setting.learning_rate,
            "clip_grad_norm": setting.clip_norm,
            "label_smoothing": setting.label_smoothing,
            "batch_size": setting.batch,
            "batch_type": "sentence",
            "normalization": "tokens",
            "scheduling": "plateau",
            "patience": 1,
            "decrease_factor": 0.5,
            "early_stopping_metric": "bleu",
            "epochs": setting.epochs,
            "keep_best_ckpts": 1,
            "print_valid_sents": [],
        }

    def _model_section(self) -> dict[str, Any]:
        setting = self._setting
        embeddings = {"embedding_dim": setting.embedding}
        common = {"type": "recurrent", "rnn_type": "lstm", "embeddings": embeddings, "dropout": setting.dropout}
        return {
            "tied_embeddings": True,
            "tied_softmax": False,
            "encoder": common | {"hidden_size": setting.encoder, "bidirectional": True, "num_layers": 1},
            "decoder": common
            | {
                "hidden_size": setting.decoder,
                "num_layers": 1,
                "hidden_dropout": setting.dropout,
                "input_feeding": True,
                "init_hidden": "bridge",
                "attention": "luong",
            },
        }


class JoeyTransformer(JoeyNMT):
    """Its Transformer in the sizes of multi30k-transformer.toml: 4 + 4 layers, 128 wide, batches of 4,096 tokens."""

    name = "JoeyNMT, Transformer"

    def _training_section(self) -> dict[str, Any]:
        return super()._training_section() | {"batch_size": 4096, "batch_type": "token"}

    def _model_section(self) -> dict[str, Any]:
        layers = {
            "type": "transformer",
            "num_layers": 4,
            "num_heads": 4,
            "embeddings": {"embedding_dim": 128, "scale": True, "dropout": 0.2},
            "hidden_size": 128,
            "ff_size": 256,
            "dropout": 0.2,
            "layer_norm": "pre",
        }
        return {"tied_embeddings": True, "tied_softmax": True, "encoder": layers, "decoder": layers}


def _validations(log: str) -> Iterator[tuple[float, float]]:
    """Of each validation the minutes since the log began, and BLEU."""
    stamps = re.compile(_STAMP, re.MULTILINE).findall(log)
    for stamp, score in _SCORED.findall(log):
        yield (_time(stamp) - _time(stamps[0])).total_seconds() / 60, float(score)


def _time(stamp: str) -> datetime:
    return datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S,%f")


def _window(steps: int) -> int:
    """Steps between two lines of the log: three windows, the first of which warms up; a divisor of `_NEVER`."""
    return max(size for size in (1, 2, 5, 10, 20, 25, 50, 100) if size == 1 or 3 * size <= steps)

"""OpenNMT-py, driven through its commands with configurations written from the common setting."""

from __future__ import annotations

import json
import re
import shutil
import statistics
from pathlib import Path
from typing import Any

from tests.benchmarks.peer import Environment
from tests.benchmarks.process import Finished, run
from tests.benchmarks.record import Figures
from tests.benchmarks.toolkit import LENGTH, Data, Decoding, Setting, speed

# It brings torch 2.2.2, which was built for numpy 1, and leaves SentencePiece to its users.
ENVIRONMENT = Environment(("OpenNMT-py==3.5.1", "numpy<2", "sentencepiece"))
_STEP = re.compile(r"Step +\d+/ *\d+;.*/ *(\d+) tok/s;")  # of the target, END counted, since the line before
_DECODED = re.compile(r"Total translation time \(s\): ([\d.]+)")
_TENTH = 0.1  # of a second: what it rounds the time to
_NEVER = 10**6


class OpenNMT:
    """See `Toolkit`."""

    name = "OpenNMT-py"

    def __init__(self, setting: Setting, data: Data, folder: Path, threads: int) -> None:
        self._setting, self._data, self._folder, self._threads = setting, data, folder / "opennmt", threads
        self._folder.mkdir(parents=True, exist_ok=True)

    def train(self, steps: int) -> Figures:
        """See `Toolkit`."""
        changes = {"report_every": max(1, steps // 3), "valid_steps": _NEVER, "save_checkpoint_steps": steps}
        done = self._run("onmt_train", "-config", self._config("brief", {"train_steps": steps} | changes))
        first, *rest = map(float, _STEP.findall(done.log))
        return speed(statistics.median(rest or [first]), self._data.sizes) | done.memory

    def fit(self) -> Figures:
        """See `Toolkit`. The model kept is the one after the last epoch."""
        epoch = int(self._data.sizes["pairs"]) // self._setting.batch
        changes = {"report_every": epoch, "valid_steps": epoch, "save_checkpoint_steps": epoch, "keep_checkpoint": 1}
        config = self._config("fitted", {"train_steps": epoch * self._setting.epochs} | changes)
        done = self._run("onmt_train", "-config", config, limit=3600 * self._setting.hours)
        return {"minutes": done.seconds / 60} | done.memory

    def decode(self, how: Decoding) -> Figures:
        """See `Toolkit`."""
        done = self._translate(how)
        (seconds,) = _DECODED.findall(done.log)
        return {"seconds": max(float(seconds), _TENTH / 2)} | done.memory

    def first(self, sentence: str) -> Figures:
        """See `Toolkit`."""
        source, output = self._folder / "first.source", self._folder / "first.output"
        source.write_text(sentence + "\n", encoding="utf-8")
        return {"seconds": self._translate(Decoding(5, 1, source, output)).seconds}

    def _translate(self, how: Decoding) -> Finished:
        options = {
            "-model": self._model(),
            "-src": how.source,
            "-output": how.output,
            "-beam_size": how.width,
            "-batch_size": how.batch,
            "-batch_type": "sents",
            "-transforms": "sentencepiece",
            "-src_subword_model": self._data.subwords,
            "-tgt_subword_model": self._data.subwords,
        }
        if self._setting.gpu:
            options["-gpu"] = 0
        if not (self._folder / "fitted").is_dir():
            options |= {"-min_length": LENGTH, "-max_length": LENGTH}
        return self._run("onmt_translate", *(str(part) for pair in options.items() for part in pair), "-report_time")

    def _model(self) -> Path:
        """The last checkpoint of `fit`, else of `train`."""
        for name in ("fitted", "brief"):
            if found := list((self._folder / name).glob("model_step_*.pt")):
                return max(found, key=lambda path: int(path.stem.rpartition("_")[2]))
        raise FileNotFoundError(f"{self._folder}: no model was trained")

    def _run(self, program: str, *arguments: str | Path, limit: float | None = None) -> Finished:
        command = [ENVIRONMENT.command(program), *arguments]
        return run(command, folder=self._folder, threads=self._threads, limit=limit, gpu=self._setting.gpu)

    def _config(self, name: str, training: dict[str, Any]) -> Path:
        """Write the configuration of the model `name`, whose folder is emptied."""
        shutil.rmtree(self._folder / name, ignore_errors=True)
        path = self._folder / f"{name}.yaml"
        content = self._data_section() | self._training_section() | self._model_section() | training
        path.write_text(json.dumps(content | {"save_model": str(self._folder / name / "model")}, indent=1))
        return path

    def _data_section(self) -> dict[str, Any]:
        def corpus(split: str) -> dict[str, Any]:
            sides = {
                "path_src": str(self._data.text(split, "source")),
                "path_tgt": str(self._data.text(split, "target")),
            }
            return sides | {"transforms": ["sentencepiece"]}

        return {
            "data": {"corpus": corpus("train"), "valid": corpus("validation")},
            "src_vocab": str(self._data.pieces),
            "tgt_vocab": str(self._data.pieces),
            "share_vocab": True,
            "src_subword_model": str(self._data.subwords),
            "tgt_subword_model": str(self._data.subwords),
        }

    def _training_section(self) -> dict[str, Any]:
        setting = self._setting
        return {
            "seed": setting.seed,
            "optim": "adam",
            "learning_rate": setting.learning_rate,
            "start_decay_steps": _NEVER,
            "max_grad_norm": setting.clip_norm,
            "label_smoothing": setting.label_smoothing,
            "batch_type": "sents",
            "batch_size": setting.batch,
            "dropout": [setting.dropout],
            "bucket_size": int(self._data.sizes["pairs"]),  # else the text is read nine times before the first step
            "num_workers": 0,  # a bucket is quickly made, and so all memory is that of one process
        } | ({"world_size": 1, "gpu_ranks": [0]} if setting.gpu else {})

    def _model_section(self) -> dict[str, Any]:
        setting = self._setting
        return {
            "encoder_type": "brnn",
            "decoder_type": "rnn",
            "rnn_type": "LSTM",
            "layers": 1,
            "hidden_size": setting.decoder,  # the encoder's is half of it a direction
            "word_vec_size": setting.embedding,
            "share_embeddings": True,
            "input_feed": 1,
            "global_attention": "general",
        }

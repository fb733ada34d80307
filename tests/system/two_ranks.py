"""Train for 20 steps in float64: test_distributed.py runs this script alone and through torchrun.

python two_ranks.py translation RUN ACCUMULATE          with the project and its tests on the path
python two_ranks.py language-model RUN [STOP]           with 5 streams; a SIGTERM comes before batch STOP of an epoch
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import language_fixtures
import torch
from translation_fixtures import SOURCE, TARGET, task_of

from language_model.task import Chunk, LanguageModelTask
from s2s.nn.dropout import Dropout
from s2s.storage.run_directory import RunDirectory
from s2s.text.vocabulary import WordVocabulary
from s2s.training.configuration import TrainingConfig
from s2s.training.distributed import joined
from s2s.training.trainer import Trainer
from translation.task import TranslationTask

STREAMS = 5  # so that two processes have 2 and 3


def translation(path: Path, accumulate: str) -> None:
    """Train with batches of one pair, so that the last step of an epoch has fewer batches than others."""
    vocabulary = WordVocabulary.from_lines([*SOURCE[:5], *TARGET[:5]], threshold=1)
    torch.manual_seed(1)
    task = task_of(vocabulary, batch=1)
    for module in task.network.modules():
        if isinstance(module, Dropout):
            module.dropped = 0
    steps = -(-len(task.plan(0)) // 2)
    train(task, replace(TrainingConfig(), epochs=-(-20 // steps), accumulate=int(accumulate)), path)


def language_model(path: Path, stop: str = "-1") -> None:
    """Train for two epochs."""
    task = language_fixtures.task_of(streams=STREAMS)
    made = task.batch

    def batch(epoch: int, position: int, examples: Sequence[int]) -> Chunk:
        if (epoch, position) == (1, int(stop)):
            os.kill(os.getpid(), signal.SIGTERM)
        return made(epoch, position, examples)

    task.batch = batch
    train(task, replace(TrainingConfig(), epochs=2), path)


def train(task: TranslationTask | LanguageModelTask, config: TrainingConfig, path: Path) -> None:
    """Train, or go on with a run that was stopped."""
    torch.set_num_threads(1)
    task.network.double()
    with joined(torch.device("cpu")) as ranks:
        if not ranks.first:
            ranks.wait()
            run = RunDirectory.watch(path)
        else:
            run = RunDirectory.resume(path) if path.exists() else RunDirectory.create(path, "")
            ranks.wait()
        Trainer(task, task.network, replace(config, precision="float32"), run, {}, ranks=ranks).train()


if __name__ == "__main__":
    {"translation": translation, "language-model": language_model}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])

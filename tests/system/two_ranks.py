"""Train for 20 steps in float64: test_distributed.py runs this script alone and through torchrun.

python two_ranks.py RUN ACCUMULATE          with the project and its tests on the path
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from translation_fixtures import SOURCE, TARGET, task_of

from s2s.nn.dropout import Dropout
from s2s.storage.run_directory import RunDirectory
from s2s.text.vocabulary import WordVocabulary
from s2s.training.configuration import TrainingConfig
from s2s.training.distributed import joined
from s2s.training.trainer import Trainer


def main(path: Path, accumulate: int) -> None:
    """Train, with batches of one pair, so that the last step of an epoch has fewer batches than others."""
    torch.set_num_threads(1)
    vocabulary = WordVocabulary.from_lines([*SOURCE[:5], *TARGET[:5]], threshold=1)
    torch.manual_seed(1)
    task = task_of(vocabulary, batch=1)
    task.network.double()
    for module in task.network.modules():
        if isinstance(module, Dropout):
            module.dropped = 0
    steps = -(-len(task.plan(0)) // 2)
    config = replace(TrainingConfig(), epochs=-(-20 // steps), precision="float32", accumulate=accumulate)
    with joined(torch.device("cpu")) as ranks:
        if ranks.first:
            path.mkdir(parents=True)
        run = RunDirectory.create(path, "") if ranks.first else RunDirectory.watch(path)
        ranks.wait()
        Trainer(task, task.network, config, run, {}, ranks=ranks).train()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

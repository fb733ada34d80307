"""What our side measures of itself, each in a fresh process: `python -m tests.benchmarks.work VERB JSON`.

The verb is a function of this module, its arguments are JSON; what it returns is printed as the last line of standard
output. Everything heavy is imported here, so that the suite itself stays small.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from s2s import config
from s2s.cli.process import limit_compiled_products
from s2s.storage.run_directory import RunDirectory
from s2s.text.subwords import SubwordVocabulary
from s2s.training.task import Loss, Task, Validation
from s2s.training.trainer import Trainer
from tests.benchmarks import machine
from tests.benchmarks.products import Sizes, training, weights_read
from tests.benchmarks.record import Figures
from translation.metrics import bleu, lower_tokenised_bleu
from translation.model import TranslationModel
from translation.prepare import prepare_pairs
from translation.recipe import Recipe
from translation.task import TranslationBatch, TranslationTask
from translation.train import build

CPU = torch.device("cpu")


def prepared(recipe: str, changes: Sequence[str], folder: str) -> Figures:
    """Write the text that training reads, cleaned, its subword model and its sizes, for all toolkits."""
    data = prepare_pairs(_recipe(recipe, changes))
    assert isinstance(data.target, SubwordVocabulary)
    target = Path(folder)
    sides = {"train.source": data.train.source, "train.target": data.train.target}
    sides |= {"validation.source": data.validation.source, "validation.target": data.validation.target}
    sides |= {"pieces.txt": _pieces(data.target)}
    for name, lines in sides.items():
        (target / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    (target / "subwords.model").write_bytes(data.target.to_bytes())
    counted = [sum(map(len, data.target.encode_all(side))) for side in (data.train.source, data.train.target)]
    pairs = len(data.train)
    sizes = {"pairs": pairs, "source": counted[0] / pairs + 1, "target": counted[1] / pairs + 1}
    (target / "sizes.json").write_text(json.dumps(sizes))
    return sizes


def train(recipe: str, changes: Sequence[str], steps: int, warmup: int, folder: str, device: str = "cpu") -> Figures:
    """Train so many steps; tokens a second after the first few, and the model in `folder`."""
    chosen = _recipe(recipe, [*changes, "training.epochs=1"])
    built = build(chosen, torch.device(device))
    assert isinstance(built.task, TranslationTask)
    task = _Timed(built.task, steps, Path(folder))
    with tempfile.TemporaryDirectory() as scratch, RunDirectory.create(Path(scratch, "run"), "") as run:
        Trainer(task, built.network, chosen.training, run, {"data": built.data}).train()
    return task.speed(warmup) | {"parameters": sum(weight.numel() for weight in built.network.parameters())}


def score(output: str, references: str, language: str) -> Figures:
    """BLEU of both kinds, and words a sentence, which tells how much was written."""
    hypotheses, lines = (Path(name).read_text(encoding="utf-8").splitlines() for name in (output, references))
    return {
        "BLEU": bleu(hypotheses, [lines], language).value,
        "lc-tok": lower_tokenised_bleu(hypotheses, [lines], language).value,
        "words": sum(len(line.split()) for line in hypotheses) / len(hypotheses),
    }


def floor(recipe: str, changes: Sequence[str], sizes: Mapping[str, float]) -> Figures:
    """Seconds that a training step's products, and batch 1's reading of weights, take at least.

    `bfloat16` and `float32` are seconds a batch; `read ...` seconds a sentence decoded greedily.
    """
    chosen = _recipe(recipe, changes)
    data = prepare_pairs(chosen)
    model = _model(chosen)
    source, target = round(sizes["source"]), round(sizes["target"])
    batch = Sizes(chosen.batch.sentences or 1, source, target)
    products = list(training(model.config, len(data.target), batch))
    read = weights_read(model.network, source, target)
    step = weights_read(model.network, source, target) - weights_read(model.network, source, target - 1)
    figures: Figures = {"operations": sum(product.operations for product in products), "weights": step}
    for name, dtype in machine.TYPES.items():
        figures[name] = machine.seconds_of(products, dtype)
        figures[f"read {name}"] = read * dtype.itemsize / machine.bandwidth(step * dtype.itemsize)
    return figures | {"sentences": batch.sentences, "source": source, "target": target}


def rates() -> Figures:
    """Of the machine: products in GFLOP/s, reading in GB/s."""
    figures = {name: machine.rate(machine.USUAL, dtype) / 1e9 for name, dtype in machine.TYPES.items()}
    reading = {f"read {size >> 20} MB": machine.bandwidth(size) / 1e9 for size in (16 << 20, 512 << 20)}
    return figures | reading


class _Timed(Task[TranslationBatch]):
    """A `Task`'s first steps with the times at which their batches were asked for; its model is kept at the end."""

    def __init__(self, task: TranslationTask, steps: int, folder: Path) -> None:
        self._task, self._steps, self._folder = task, steps, folder
        self._begun: list[float] = []
        self._counts: list[tuple[int, float, int]] = []  # of a batch: pairs, the target's tokens, those of both sides

    def plan(self, epoch: int) -> Sequence[Sequence[int]]:
        return self._task.plan(epoch)[: self._steps]

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> TranslationBatch:
        self._begun.append(time.perf_counter())
        return self._task.batch(epoch, position, examples)

    def longest(self) -> Sequence[int]:
        return self._task.longest()

    def loss(self, model: nn.Module, batch: TranslationBatch) -> Loss:
        loss = self._task.loss(model, batch)
        self._counts.append((len(batch.targets.lengths), loss.weight, loss.size))
        return loss

    def validate(self, model: nn.Module) -> Validation:
        return Validation(0.0)

    def rehearse(self, model: nn.Module) -> None:
        pass

    def whereabouts(self, examples: Sequence[int]) -> str:
        return self._task.whereabouts(examples)

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        self._task.save(model, self._folder, about)

    def speed(self, warmup: int) -> Figures:
        """Tokens a second between the start of the first step after warming up and that of the last one.

        The first batch that was asked for is the trainer's rehearsal, and no step.
        """
        first, last = 1 + warmup, len(self._begun) - 1
        seconds = self._begun[last] - self._begun[first]
        rows, target, both = map(sum, zip(*self._counts[first:last]))
        return {"pairs": rows / seconds, "target": target / seconds, "both": both / seconds}


def _recipe(path: str, changes: Sequence[str]) -> Recipe:
    return config.load(Path(path), Recipe, changes)


def _model(recipe: Recipe) -> TranslationModel:
    task = build(recipe, CPU).task
    assert isinstance(task, TranslationTask)
    return task.model


def _pieces(vocabulary: SubwordVocabulary) -> list[str]:
    """SentencePiece's own names of all pieces but the special ones."""
    from sentencepiece import SentencePieceProcessor

    processor = SentencePieceProcessor()
    processor.LoadFromSerializedProto(vocabulary.to_bytes())
    names = map(processor.id_to_piece, range(processor.get_piece_size()))
    return [name for name in names if name not in ("<pad>", "<unk>", "<s>", "</s>")]


VERBS: dict[str, Callable[..., dict[str, Any]]] = {
    verb.__name__: verb for verb in (prepared, train, score, floor, rates, machine.describe)
}

if __name__ == "__main__":
    limit_compiled_products()  # as commands do
    print(json.dumps(VERBS[sys.argv[1]](**json.loads(sys.argv[2]))))

"""How the cost of training and translating grows: with the length of sentences, the batch, the vocabulary, the corpus.

    uv run python -m tests.benchmarks.growth --picture docs/pictures/growth.png         two minutes of one core

Training steps and translations (a beam of 5, as many tokens as the source has) are those of the sizes of
translation/recipes/multi30k-en-de.toml with random weights and random sentences of equal lengths. The corpus is of
made-up words; it is prepared with subwords, and a small model reads an epoch of it. The processor's time counts,
because other programs may take the core. The exponent of a curve is the slope of a line through its logarithms: 1 is
linear growth.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from s2s import config
from s2s.cli.process import prepare_process
from s2s.decoding.generation import generate
from s2s.decoding.search import BeamOptions
from s2s.decoding.torch_network import TorchNetwork
from s2s.text.padding import Padded
from s2s.views.curves import Curve, Panel, curves_picture
from tests.benchmarks.machine import describe
from tests.benchmarks.transformer_speed import our_model, ours
from translation.prepare import prepare_pairs
from translation.recipe import Recipe
from translation.train import build

SENTENCES, LENGTH, VOCABULARY = 40, 14, 6000  # what does not grow
LENGTHS, BATCHES = (8, 16, 32, 64), (20, 40, 80, 160)
VOCABULARIES, CORPORA = (2000, 4000, 8000, 16_000, 32_000), (4000, 8000, 16_000, 32_000)
WORDS, LONGEST = 5000, 16  # of the made-up text
LINEAR = 0.1  # how far the exponent of linear growth may be from 1
SMALL = {
    "vocabulary": {"kind": "bpe", "size": 2000},
    "batch": {"sentences": 80},
    "encoder": {"dim": 16},
    "decoder": {"embedding_dim": 16, "dim": 16, "attention": {"kind": "additive", "dim": 16}},
}


@dataclass(frozen=True)
class Growth:
    """The seconds that something takes, against a size.

    Attributes:
        what: is done
        size: what grows
        points: (size, seconds)
    """

    what: str
    size: str
    points: Sequence[tuple[int, float]]

    @property
    def exponent(self) -> float:
        """The slope of the logarithms."""
        sizes, seconds = np.log(np.array(self.points)).T
        return float(np.polyfit(sizes, seconds, 1)[0])

    @property
    def name(self) -> str:
        """Of the growth."""
        if abs(self.exponent - 1) <= LINEAR:
            return "linear"
        return "less than linear" if self.exponent < 1 else "more than linear"


def seconds_of(work: Callable[[], object], repeats: int) -> float:
    """The least processor time of some repetitions, after one that warms up."""
    found = list[float]()
    for _ in range(repeats + 1):
        before = time.process_time()
        work()
        found.append(time.process_time() - before)
    return min(found[1:])


def training(sentences: int, length: int, vocabulary: int) -> Callable[[], object]:
    """A step of training."""
    source, target = torch.randint(4, vocabulary, (2, sentences, length)).unbind()
    return ours(source, target, recurrent=True, vocabulary=vocabulary)


def translating(sentences: int, length: int, vocabulary: int) -> Callable[[], object]:
    """A beam search that writes as many tokens as it reads."""
    network = TorchNetwork(our_model(recurrent=True, vocabulary=vocabulary).eval())
    source = Padded(torch.randint(4, vocabulary, (sentences, length)), torch.full((sentences,), length))
    options = BeamOptions(minimum_length=length, stop_early=True, guard_loops=False)
    return lambda: generate(network, source, np.full(sentences, length + 1), options)


def of_sizes(repeats: int) -> list[Growth]:
    """Training and translating against length, batch and vocabulary."""
    found = list[Growth]()
    for size, values in (
        ("words per sentence", [(SENTENCES, each, VOCABULARY) for each in LENGTHS]),
        ("sentences per batch", [(each, LENGTH, VOCABULARY) for each in BATCHES]),
        ("tokens in the vocabulary", [(SENTENCES, LENGTH, each) for each in VOCABULARIES]),
    ):
        grown = next(i for i in range(3) if values[0][i] != values[1][i])
        for what, work in (("a training step", training), ("translating a batch", translating)):
            points = [(sizes[grown], seconds_of(work(*sizes), repeats)) for sizes in values]
            found.append(Growth(what, size, points))
    return found


def write_text(folder: Path, pairs: int) -> None:
    """Write random words with Zipf-distributed frequencies; each target line is its source line, reversed."""
    random = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(random.choice(letters, random.integers(2, 9))) for _ in range(WORDS)]
    chances = 1 / np.arange(1, WORDS + 1)
    for split, count in (("train", pairs), ("val", 20)):
        lengths = random.integers(3, LONGEST + 1, count)
        drawn = iter(random.choice(WORDS, int(lengths.sum()), p=chances / chances.sum()))
        rows = [[words[next(drawn)] for _ in range(length)] for length in lengths]
        (folder / f"{split}.source").write_text("".join(" ".join(row) + "\n" for row in rows))
        (folder / f"{split}.target").write_text("".join(" ".join(row[::-1]) + "\n" for row in rows))


def of_corpora() -> list[Growth]:
    """Preparing and reading an epoch against the size of the corpus, once each."""
    prepared, epochs = list[tuple[int, float]](), list[tuple[int, float]]()
    for pairs in CORPORA:
        with tempfile.TemporaryDirectory() as scratch, Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            os.environ["S2S_CACHE"] = f"{scratch}/cache"
            folder = Path(scratch)
            write_text(folder, pairs)
            data = {
                **{f"train_{side}": [str(folder / f"train.{side}")] for side in ("source", "target")},
                **{f"validation_{side}": str(folder / f"val.{side}") for side in ("source", "target")},
                **{f"{side}_language": "toy" for side in ("source", "target")},
            }
            recipe = config.from_dict(Recipe, {"data": data, **SMALL})
            before = time.process_time()
            prepare_pairs(recipe)
            prepared.append((pairs, time.process_time() - before))
            built = build(recipe, torch.device("cpu"))
            before = time.process_time()
            for position, examples in enumerate(built.task.plan(0)):
                built.task.loss(built.network, built.task.batch(0, position, examples)).total.backward()
            epochs.append((pairs, time.process_time() - before))
    size = "pairs in the corpus"
    return [Growth("an epoch of a small model", size, epochs), Growth("preparing the corpus", size, prepared)]


def picture_of(growths: Sequence[Growth], path: Path) -> None:
    """Draw one panel for each size."""
    panels = list[Panel]()
    for size in dict.fromkeys(growth.size for growth in growths):
        own = [growth for growth in growths if growth.size == size]
        title = f"seconds by {size}: " + "; ".join(f"{each.what}, {each.name} ({each.exponent:.2f})" for each in own)
        panels.append(Panel(title, [Curve("", run, each.points) for run, each in enumerate(own)], size))
    curves_picture(panels, ["training", "translating; in the last panel: preparing"]).save(path)


def main() -> None:
    """Measure, print a table, and draw."""
    parser = argparse.ArgumentParser(description="How the cost of training and translating grows.")
    parser.add_argument("--picture", type=Path, help="a PNG file to draw the curves into")
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    prepare_process()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    growths = [*of_sizes(options.repeats), *of_corpora()]
    print(f"{describe()['processor']}, one thread, PyTorch {torch.__version__}, seconds of processor time")
    for growth in growths:
        figures = ", ".join(f"{size:,}: {seconds:.3g}" for size, seconds in growth.points)
        print(f"{growth.what} by {growth.size}: {growth.name} (exponent {growth.exponent:.2f}); {figures}")
    if options.picture:
        picture_of(growths, options.picture)


if __name__ == "__main__":
    sys.exit(main())

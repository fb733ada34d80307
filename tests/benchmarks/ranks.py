"""The time of a training step: one process with the whole batch beside two with half of it each, in turns.

    uv run torchrun --standalone --nproc-per-node 2 --module -- tests.benchmarks.ranks

Each process has one thread. The steps are those of translation/recipes/multi30k-en-de.toml, on random sentences of
equal lengths. While rank 0 works alone, the others wait.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from s2s.cli.process import prepare_process
from s2s.training.distributed import Ranks, joined
from tests.benchmarks.machine import describe
from tests.benchmarks.transformer_speed import ours


def main() -> None:
    """Measure in turns, and print the medians."""
    parser = argparse.ArgumentParser(description="A training step of several processes beside that of one.")
    for name, default in {"sentences": 80, "length": 14, "steps": 5, "turns": 7}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    with joined(torch.device("cpu")) as ranks:
        whole = torch.randint(4, 6000, (2, options.sentences, options.length))
        half = whole[:, ranks.part(options.sentences)]
        alone = ours(*whole.unbind(), recurrent=True)
        together = ours(*half.unbind(), recurrent=True, ranks=ranks)
        apart = ours(*half.unbind(), recurrent=True)
        contestants = {
            "one process, the whole batch": alone if ranks.first else None,
            "one process, its part of the batch": apart if ranks.first else None,
            f"{ranks.world} processes, their parts, without exchange": apart,
            f"{ranks.world} processes, their parts": together,
        }
        found: dict[str, list[float]] = {name: [] for name in contestants}
        for turn in range(options.turns + 1):
            for name, step in contestants.items():
                seconds = _seconds(step, options.steps if turn else 1, ranks)
                if turn:  # the first one warms up
                    found[name].append(1000 * seconds)
        if ranks.first:
            print(f"{describe()['processor']}, one thread a process, PyTorch {torch.__version__}, {vars(options)}")
            for name, times in found.items():
                print(f"{name:45} {statistics.median(times):7.0f} ms a step ({min(times):.0f} to {max(times):.0f})")


def _seconds(step: Callable[[], None] | None, steps: int, ranks: Ranks) -> float:
    """The mean time of a step of all processes; None waits for the others."""
    ranks.wait()
    before = time.perf_counter()
    if step:
        for _ in range(steps):
            step()
    ranks.wait()
    return (time.perf_counter() - before) / steps


if __name__ == "__main__":
    prepare_process()
    main()

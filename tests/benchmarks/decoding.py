"""How fast our side decodes, in a fresh process: `python -m tests.benchmarks.decoding JSON`.

What `decode` returns is printed as the last line of standard output. Nothing here imports torch, which the light engine
does without.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2s.cli.process import limit_compiled_products
from s2s.decoding.search import BeamOptions
from s2s.runtime.engine_options import EngineName
from tests.benchmarks.record import Figures
from translation.searching import Searcher
from translation.translator import Translator


def decode(
    model: str,
    source: str,
    output: str,
    width: int,
    batch: int,
    length: int | None,
    engine: EngineName = "torch",
    threads: int | None = None,
    device: str = "cpu",
) -> Figures:
    """Translate a file as `translate` does, batches side by side, but with so many lines in each.

    A batch of one shows how long one sentence takes: nothing stands beside it. With a `length` every translation has
    just as many tokens.
    """
    # A model of a few steps repeats itself, and would be searched with twice: the peers have no guard against loops.
    options = BeamOptions(width, minimum_length=length or 0, stop_early=True, guard_loops=length is None)
    translator = Translator.load(model, options, engine=engine, threads=threads, device=device)
    translator.searcher = _Brief(**vars(translator.searcher), batch=batch, length=length)
    lines = Path(source).read_text(encoding="utf-8").splitlines()
    requests = [[line] for line in lines] if batch == 1 else [lines]
    began = time.perf_counter()
    found = [each.text for request in requests for each in translator.translate(request)]
    seconds = time.perf_counter() - began
    Path(output).write_text("".join(line + "\n" for line in found), encoding="utf-8")
    return {"seconds": seconds}


@dataclass(frozen=True)
class _Brief(Searcher):
    """Has `batch` lines in a batch, and writes at most `length` tokens, END not among them, if there is one."""

    batch: int = 1
    length: int | None = None

    def batches(self, lengths: Sequence[int], rows: int) -> list[list[int]]:
        del rows  # the batch is given
        order = sorted(range(len(lengths)), key=lambda i: (lengths[i], i))
        batches = [order[first : first + self.batch] for first in range(0, len(order), self.batch)]
        return batches[::-1]

    def limits(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.full_like(lengths, self.length) if self.length else super().limits(lengths)


if __name__ == "__main__":
    limit_compiled_products()  # as commands do
    print(json.dumps(decode(**json.loads(sys.argv[1]))))

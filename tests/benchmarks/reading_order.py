"""How fast pairs are read from token shards on the disk in blocks of several sizes, in random order.

    python -m tests.benchmarks.reading_order --pairs 5000000 --folder /tmp/shards

The shards hold random tokens. Before each reading the system is told to forget the files, so that they are read from
the disk; a block of one pair is what an index of all pairs in random order reads.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from s2s.storage.token_shards import HASHES, LINES, OFFSETS, TOKENS, Sequences, Shard, write_part, write_sequences
from s2s.training.block_order import BlockOrder
from translation.corpus_cleaning import PART
from translation.streamed_pairs import BUFFER

_BLOCKS = (1, 16, 64, 256, 1024, 4096)
_READ = 16  # blocks at most
_LENGTH = 27  # tokens of a side, on average


def make_shards(folder: Path, pairs: int) -> None:
    """Write shards of random tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(1)
    for number in range(pairs // PART):
        lengths = random.integers(1, 2 * _LENGTH, 2 * PART)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        tokens = random.integers(4, 8000, int(offsets[-1]), dtype=np.uint16)
        write_sequences(folder, f"{number:06}", Sequences(tokens, offsets))
        write_part(folder, f"{number:06}", LINES, np.arange(PART, dtype=np.uint32))
        write_part(folder, f"{number:06}", HASHES, np.arange(PART, dtype=np.uint64))


def forget(folder: Path) -> None:
    """Let the system drop the pages of all files that it has in memory."""
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def seconds_of(shards: Sequence[Shard], block: int, pairs: int, epoch: int) -> float:
    """Read so many pairs of an epoch; return the seconds."""
    blocks = BlockOrder([[shard.pairs for shard in shards]], [1.0], block=block).epoch(epoch)
    began = time.perf_counter()
    own: dict[int, list[tuple[int, int]]] = {}
    for first, end in sorted(blocks.ranges(0, pairs)):
        shard, start = divmod(first, PART)
        own.setdefault(shard, []).append((start, start + end - first))
    for shard, ranges in own.items():
        shards[shard].read(ranges)
    return time.perf_counter() - began


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print a line for each size of a block."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    if not options.folder.exists():
        make_shards(options.folder, options.pairs)
    names = sorted(path.name.partition(".")[0] for path in options.folder.glob(f"*.{TOKENS}.npy"))
    shards = [Shard(options.folder, name, PART, {}) for name in names]
    whole = sum(shard.path(part).stat().st_size for shard in shards for part in (TOKENS, OFFSETS))
    for block in _BLOCKS:
        pairs = min(BUFFER, _READ * block)
        speeds, megabytes = [], []
        for epoch in range(options.rounds):
            forget(options.folder)
            before = _read_bytes()
            speeds.append(pairs / seconds_of(shards, block, pairs, epoch))
            megabytes.append((_read_bytes() - before) / 1e6)
        figures = {
            "block": block,
            "pairs_a_second": round(statistics.median(speeds)),
            "bytes_from_disk_a_pair": round(1e6 * statistics.median(megabytes) / pairs),
            "bytes_a_pair": round(whole / (PART * len(shards))),
        }
        print(json.dumps(figures), flush=True)


def _read_bytes() -> int:
    """How many bytes this process has had read from the disk."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["read_bytes"])


if __name__ == "__main__":
    main()

"""A corpus of any size is made by a generator, prepared, and trained on for some steps; time and memory.

    python -m tests.benchmarks.corpus_scale --pairs 20000000 --folder /tmp/scale --output scale.json

Nine tenths of the pairs are two files in .zst, one tenth is a table in .tsv.gz. Every twentieth pair repeats an earlier
one, and the preparation must find exactly these. Memory is the sum over the command and its children, twice a second:
resident memory, and that without the pages of mapped files, which the system takes back when it needs them. Linux only.

    python -m tests.benchmarks.corpus_scale --generate ...      only makes the text; the other steps go on from there
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import numpy as np
import zstandard

ROOT = Path(__file__).resolve().parents[2]
REPEATED = 20  # every so many pairs, one that was there before
_BACK = 7  # pairs before it
_CHUNK = 2_000  # pairs that are drawn at once; a multiple of REPEATED
_PHRASES, _WORDS, _NUMBERS = 20_000, 30_000, 5_000
_TOGETHER = 10  # of so many pairs, one is in the table
_RECIPE = """
batch.tokens = 4096
[data]
corpora = [
    {{ source = "{folder}/train.en.zst", target = "{folder}/train.de.zst" }},
    {{ kind = "tsv", path = "{folder}/train.tsv.gz" }},
]
validation_source = "{folder}/val.en"
validation_target = "{folder}/val.de"
source_language = "en"
target_language = "de"
[vocabulary]
size = 8000
[encoder]
dim = 64
[decoder]
dim = 128
embedding_dim = 64
attention = {{ kind = "additive", dim = 64 }}
[training]
epochs = 1
save_every = {steps}
"""


def phrases(random: np.random.Generator) -> list[tuple[str, str]]:
    """Phrases of 3 to 8 words of a made-up language with the frequencies of a real one, and their translations."""
    letters = np.array(list("abcdefghijklmnoprstuvwz"))
    words = ["".join(random.choice(letters, size)) for size in random.integers(2, 9, 2 * _WORDS)]
    shares = np.cumsum(1 / np.arange(1, _WORDS + 1))
    found = []
    for size in random.integers(3, 9, _PHRASES):
        chosen = np.searchsorted(shares, random.random(size) * shares[-1]).tolist()
        found.append((" ".join(words[i] for i in chosen), " ".join(words[_WORDS + i] for i in chosen)))
    return found


def pairs(count: int, seed: int) -> Iterator[list[tuple[str, str]]]:
    """Yield pairs of one to five phrases and their number, in chunks; only those that repeat another are equal."""
    random = np.random.Generator(np.random.PCG64(seed))
    known, made = phrases(random), 0
    while made < count:
        size = min(_CHUNK, count - made)
        drawn = random.integers(0, len(known), (size, 5)).tolist()
        chunk = list[tuple[str, str]]()
        for row, (parts, length) in enumerate(zip(drawn, random.integers(1, 6, size).tolist())):
            if row % REPEATED == REPEATED - 1:
                chunk.append(chunk[row - _BACK])
                continue
            chosen = [known[i] for i in parts[:length]]
            number = f"{(made + row) % _NUMBERS} {(made + row) // _NUMBERS}"
            chunk.append(
                (
                    f"{' '.join(one for one, _ in chosen)} {number}.",
                    f"{' '.join(other for _, other in chosen)} {number}.",
                )
            )
        yield chunk
        made += size


def generate(folder: Path, count: int) -> None:
    """Write the text, and a validation text of other pairs."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        sides = [stack.enter_context(_compressed(folder / f"train.{side}.zst")) for side in ("en", "de")]
        table = stack.enter_context(gzip.open(folder / "train.tsv.gz", "wt", compresslevel=1, encoding="utf-8"))
        for number, chunk in enumerate(pairs(count, seed=1)):
            if number % _TOGETHER == _TOGETHER - 1:
                table.writelines(f"{source}\t{target}\n" for source, target in chunk)
            else:
                for file, side in zip(sides, zip(*chunk)):
                    file.writelines(f"{line}\n" for line in side)
    chunk = next(pairs(200, seed=2))
    for name, lines in zip(("val.en", "val.de"), zip(*chunk)):
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    (folder / "generated").write_text(str(count))


def _compressed(path: Path) -> IO[str]:
    packed = zstandard.ZstdCompressor(level=1).stream_writer(path.open("wb"), closefd=True)
    return TextIOWrapper(packed, encoding="utf-8")


def memory(pid: int) -> tuple[float, float]:
    """The resident memory of a process and all its children in MB, and that without mapped files."""
    resident = private = 0.0
    waiting = [pid]
    while waiting:
        own = waiting.pop()
        try:
            fields = dict(line.split(":", 1) for line in Path(f"/proc/{own}/status").read_text().splitlines())
            for thread in Path(f"/proc/{own}/task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
        except (OSError, ProcessLookupError):  # it has just ended
            continue
        resident += int(fields.get("VmRSS", "0").split()[0]) / 1024
        private += (int(fields.get("RssAnon", "0").split()[0]) + int(fields.get("RssShmem", "0").split()[0])) / 1024
    return resident, private


def saved_step(run: Path) -> int:
    """The step of the training state in a run directory; 0 if there is none."""
    try:
        return json.loads((run / "last" / "state.json").read_bytes())["record"]["position"]["step"]
    except FileNotFoundError:  # not yet, or it is being replaced
        return 0


def watched(command: Sequence[str], done: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """Run a command to its end, or until it is done; return its time and memory."""
    began, peaks = time.monotonic(), (0.0, 0.0)
    with subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            now = memory(process.pid)
            peaks = max(peaks[0], now[0]), max(peaks[1], now[1])
            if done():
                process.terminate()
                process.wait()
                break
            time.sleep(0.5)
        assert process.stdout is not None
        output = process.stdout.read()
    if process.returncode not in (0, 143, -15):
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    seconds = round(time.monotonic() - began, 1)
    return {
        "seconds": seconds,
        "resident_megabytes": round(peaks[0]),
        "anonymous_megabytes": round(peaks[1]),
        "output": output,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Make, prepare and train; print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--pairs", type=int, default=20_000_000)
    add("--folder", type=Path, required=True)
    add("--output", type=Path)
    add("--steps", type=int, default=200)
    add("--processes", default="1")
    add("--generate", action="store_true")
    options = parser.parse_args(arguments)
    folder = options.folder.absolute()
    if not (folder / "generated").exists():
        generate(folder, options.pairs)
    if options.generate:
        return
    recipe = folder / "recipe.toml"
    recipe.write_text(_RECIPE.format(folder=folder, steps=options.steps))
    command = ["-m", "s2s", "prepare", "corpus", str(recipe), "--output", str(folder / "corpus")]
    figures: dict[str, Any] = {"pairs": options.pairs}
    figures["preparation"] = watched([*command, "--processes", options.processes])
    kept = json.loads(figures["preparation"].pop("output"))["pairs"]
    if kept != options.pairs - options.pairs // REPEATED:
        raise SystemExit(f"{kept:,} pairs were kept of {options.pairs:,}, of which every {REPEATED}th is a duplicate")
    run, settings = folder / "run", ["--threads", "1", "--set", f"data.prepared={folder / 'corpus'}"]
    command = ["-m", "s2s", "train", "translation", str(recipe), "--run", str(run), *settings]
    figures["training"] = watched(command, lambda: saved_step(run) >= options.steps)
    figures["training"] |= {"steps": saved_step(run)}
    figures["kept"] = kept
    figures["shard_bytes"] = sum(path.stat().st_size for path in (folder / "corpus" / "shards").iterdir())
    print(json.dumps(figures, indent=2))
    if options.output:
        options.output.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""`translate` in processes of its own: as a script from anywhere, in a pipe, interrupted, cut short."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "translation" / "translate.py"


@contextmanager
def started(model: Path, *options: str | Path, python: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """The script, run from the root folder by a Python that knows nothing of the project; in the end it is gone."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    arguments = ["--model", model, "--precision", "float32", "--beam", "2", *options]
    with subprocess.Popen(
        [sys.executable, *python, SCRIPT, *arguments],
        cwd="/",
        env={**environment, "OMP_NUM_THREADS": "1", "LC_ALL": "C"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_script_from_another_folder_imports_only_what_it_uses(tiny_model: Path, tmp_path: Path) -> None:
    """Importing is part of the running time."""
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("A man is sleeping.\n\n北京 🐕\n")
    with started(tiny_model, source, "--output", target, python=("-X", "importtime")) as process:
        output, errors = process.communicate(timeout=120)
    assert (process.returncode, output) == (0, "")
    translated, *others = target.read_text().split("\n")
    assert translated.strip()
    assert others == ["", "北京 🐕", ""]
    imported = {line.rpartition("|")[2].strip() for line in errors.splitlines() if line.startswith("import time:")}
    assert {"torch", "s2s.decoding.beam", "safetensors.torch", "sentencepiece"} <= imported
    assert not imported & {
        "sacrebleu",
        "sacremoses",
        "torchvision",
        "sympy",
        "torch._dynamo",
        "s2s.training.trainer",
        "translation.metrics",
    }


def test_a_pipe_is_answered_line_by_line(tiny_model: Path) -> None:
    with started(tiny_model) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in ("A man is sleeping.", "", "Two dogs play!"):
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert bool(answer.strip()) == bool(line)
            assert answer.endswith("\n")
        process.stdin.write("a last line without an end")
        rest, errors = process.communicate(timeout=120)
    assert (process.returncode, rest.count("\n"), errors) == (0, 1, "")


def test_termination_is_one_line_and_leaves_no_half_output(tiny_model: Path, tmp_path: Path) -> None:
    with started(tiny_model, "--output", tmp_path / "out.txt") as process:
        assert process.stdin is not None
        process.stdin.write("A man\n")
        process.stdin.flush()
        while not any(path.stat().st_size for path in tmp_path.iterdir()):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=120)
    told = (
        f"warning: {tmp_path}/out.txt.part keeps what is done, 1 line; the same command with --resume-output goes on "
    )
    assert (process.returncode, output, errors) == (143, "", f"{told}from there\nterminated\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.txt.part", "out.txt.part.json"]


def test_a_reader_that_left_is_no_error(tiny_model: Path) -> None:
    with started(tiny_model) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("A man\n" * 3)
        process.stdin.flush()
        assert process.stdout.readline().endswith("\n")
        process.stdout.close()
        process.stdout = None
        process.stdin.write("A man\n" * 3)
        _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")


def size(path: Path) -> int:
    """The size of a file; 0 if it is not there."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def test_an_output_that_is_killed_again_and_again_is_completed(tiny_model: Path, tmp_path: Path) -> None:
    """No line is lost, doubled or out of place."""
    source, output, chance = tmp_path / "in.txt", tmp_path / "out.txt", random.Random(1)
    source.write_text("".join(f"{i} dogs in the snow\n" for i in range(3000)))
    part, state, runs = tmp_path / "out.txt.part", tmp_path / "out.txt.part.json", 0
    while not output.exists() or state.exists():
        before, runs = size(part), runs + 1
        with started(tiny_model, "--output", output, "--resume-output", source) as process:
            while process.poll() is None and size(part) == before:
                time.sleep(0.001)
            time.sleep(chance.uniform(0, 0.3))
            process.kill()
            _, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) in ((-signal.SIGKILL, ""), (0, ""))
    assert runs > 2
    numbers = [line.split()[0] for line in output.read_text().splitlines()]
    assert numbers == [str(i) for i in range(3000)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt"]

"""What `classify` and `tag` share: their options, what they read, and where their output goes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from s2s.cli.arguments import Parser, add_machine_options
from s2s.errors import check, warn
from s2s.files import atomic_file, check_output, check_readable
from s2s.text.file_kinds import replaced_bytes
from s2s.text.lines import LineReader

STANDARD_INPUT = "standard input"

WriteLines = Callable[[Iterable[str]], None]


def add_options(parser: Parser, model: str) -> None:
    """Add the options that both commands have.

    Args:
        parser: of the command
        model: what the model is called, such as "classifier"
    """
    add = parser.add_argument
    add("files", nargs="*", type=Path, metavar="FILE", help="what is read (default: standard input)")
    add("--output", type=Path, metavar="FILE", help="write to FILE, once all is done (default: standard output)")
    add(
        "--model",
        type=Path,
        metavar="MODEL",
        help=f"a {model}: a model directory such as RUN/best, or a bundled model (see `s2s models`)",
    )
    add(
        "--report",
        type=Path,
        metavar="FILE.jsonl",
        help="also write a JSON object for each sentence, with its probabilities",
    )
    add("--force", action="store_true", help="overwrite existing files")
    add(
        "--encoding-errors",
        choices=["strict", "replace"],
        default="strict",
        help="what to do about bytes that are not UTF-8: stop with an error, or replace them by U+FFFD (default: "
        "strict)",
    )
    add_machine_options(parser, ["bfloat16", "float32"])


def check_files(options: argparse.Namespace, *outputs: str) -> None:
    """Check inputs and outputs before anything is loaded; `outputs` are the options that name files to be written.

    Raises:
        UserError: an input cannot be read, an output not be written, or two outputs are one file.
    """
    check(options.files or sys.stdin, "standard input is closed; name a FILE")
    check(options.output or sys.stdout, "standard output is closed; name a file with --output")
    for path in options.files:
        check_readable(path)
    written: dict[str, str] = {}
    for name in outputs:
        target: Path | None = getattr(options, name)
        if target is not None:
            other = written.setdefault(os.path.realpath(target), name)
            check(other == name, f"--{name} {target}: this is the file of --{other} too; choose another name")
            check_output(target, force=options.force, inputs=options.files)


def readers(options: argparse.Namespace, *, exact: bool = False) -> Iterator[tuple[str, LineReader]]:
    """Yield the name of each input and a reader of its lines; bytes that were replaced are reported behind each."""
    for path in options.files or [None]:
        if path is None:
            if sys.stdin.isatty():
                print("Type a line and press Enter; end with Ctrl-D.", file=sys.stderr, flush=True)
            reader = LineReader(sys.stdin.buffer, STANDARD_INPUT, errors=options.encoding_errors, exact=exact)
            yield STANDARD_INPUT, reader
            _warn_of_replaced(STANDARD_INPUT, reader)
            continue
        with path.open("rb", buffering=0) as file:
            reader = LineReader(file, str(path), errors=options.encoding_errors, exact=exact)
            yield str(path), reader
            _warn_of_replaced(str(path), reader)


@contextmanager
def line_writer(options: argparse.Namespace) -> Iterator[WriteLines]:
    """Yield a function that writes texts; those on standard output are there at once, a file when the block ends."""
    if options.output is None:

        def write(texts: Iterable[str]) -> None:
            sys.stdout.writelines(texts)
            sys.stdout.flush()

        yield write
        return
    with atomic_file(options.output) as aside, aside.open("w", encoding="utf-8", newline="") as file:
        yield file.writelines


def _warn_of_replaced(name: str, reader: LineReader) -> None:
    if reader.replaced:
        warn(replaced_bytes(name, reader.replaced))

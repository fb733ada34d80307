"""Translate many or large files: lines, JSON Lines or Parquet, by many processes or machines.

    s2s mass translate corpus.en corpus.de              all cores of this machine
    s2s mass translate --engine ray --address auto ...  all machines of a Ray cluster

The output is a folder of shards. Those of lines are, one after the other, what `translate` writes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from mass.arguments import check_machines, engine, machine, mass_parser, settings
from mass.forms import Form, JsonLines, Lines
from mass.run import Job, run
from mass.shards import Shard, number_shards
from mass.tasks import Task, model_digest
from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.cli.search_options import search_options
from s2s.errors import check, counted, first_few
from s2s.files import check_readable
from translation.loading import bundled, model_directory

_SHARD = 5000  # lines
_SUFFIXES = {".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_COLUMN, _INTO = "text", "translation"


def translate(arguments: list[str]) -> int:
    """Translate what the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    check_machines(options)
    check(not (options.model and options.to), "--to chooses a bundled model; leave out --to, or --model")
    search = search_options(options, stop_early=True)
    names = _files(options.source)
    form = _form(names, options)
    model = model_directory(options.model) if options.model else bundled(options.to or "de")
    digest, size = model_digest(model), options.shard_size

    def shards(_: Path) -> Iterable[Shard]:
        return number_shards(((name, form.parts(Path(name), name, size)) for name in names), form.unit)

    def task(unfinished: Path) -> Task:
        home, output, path = str(Path.cwd()), str(options.output.absolute()), str(model.absolute())
        return Task(form, path, digest, search, machine(options), home, output, str(unfinished))

    fields = {name: getattr(form, name, None) for name in ("column", "into")}  # lines have none
    known = settings(options, digest, format=form.name, beam=getattr(search, "width", None), **fields)
    return run(Job(options.source, options.output, known, shards, task, engine(options)))


def _parser() -> Parser:
    parser = mass_parser(
        "Translate many or large files. Lines become lines, in order, blank ones too; JSON Lines and Parquet keep what "
        "they have, and get a translation, its score and its confidence.",
        "INPUT",
        "a file, or a folder of files, in the order of their names: .jsonl, .parquet, or else lines of text",
        _SHARD,
        "lines or rows",
    )
    parser.add_argument(
        "--model", type=Path, metavar="MODEL", help="a model directory, or a bundled model (default: en-de)"
    )
    parser.add_argument("--to", metavar="LANG", help="the bundled model that translates to this language")
    group = parser.add_argument_group("input")
    group.add_argument(
        "--format", choices=["lines", "jsonl", "parquet"], help="what the input is (default: what the names tell)"
    )
    group.add_argument(
        "--column", metavar="NAME", help=f"the field or column to translate (default: {_COLUMN}); JSON Lines, Parquet"
    )
    group.add_argument(
        "--into",
        metavar="NAME",
        help=f"the field or column for the translation (default: {_INTO}); score and "
        "confidence are NAME_score and NAME_confidence",
    )
    return parser


def _files(source: Path) -> list[str]:
    """The names of the files of an input, in order."""
    if not source.is_dir():
        check_readable(source)
        check(source.is_file(), f"{source}: is no file; mass work reads parts of a file, so write a pipe to one first")
        return [str(source)]
    found = sorted(path for path in source.rglob("*") if path.is_file())
    hidden = [path for path in found if any(part[0] in "._" for part in path.relative_to(source).parts)]
    names = [str(path) for path in found if path not in set(hidden)]
    check(names, f"{source}: has no files")
    if hidden:
        print(f"passed over {counted(len(hidden), 'hidden file')}: {first_few(hidden)}", file=sys.stderr)
    for name in names:
        check_readable(Path(name))
    return names


def _form(names: list[str], options: argparse.Namespace) -> Form:
    """The form of the files."""
    kinds = {_SUFFIXES.get(Path(name).suffix.lower(), "lines"): name for name in names}
    check(
        options.format or len(kinds) == 1,
        f"{options.source}: has files of several kinds: {first_few(list(kinds.values()))}; put them into folders of "
        "their own, or say with --format what they are",
    )
    kind = options.format or next(iter(kinds))
    if kind == "lines":
        check(options.column is None and options.into is None, "--column and --into are of JSON Lines and Parquet")
        return Lines()
    column, into = options.column or _COLUMN, options.into or _INTO
    if kind == "jsonl":
        return JsonLines(column, into)
    import pyarrow  # noqa: F401 - if it is missing, that is told before anything is done

    from mass.parquet import Parquet

    return Parquet(column, into)


def main() -> int:
    """Entry point."""
    return command.run(translate)


if __name__ == "__main__":
    sys.exit(main())

"""Caption folders of very many pictures, by many processes or machines.

    s2s mass caption photographs captions               all cores of this machine
    s2s mass caption --engine ray --address auto ...    all machines of a Ray cluster

The output is a folder of shards, which are, one after the other, what `caption` prints.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path

from captioning.caption import DEFAULT, model_directory
from captioning.inputs import Inputs
from mass.arguments import check_machines, engine, machine, mass_parser, settings
from mass.ledger import Ledger
from mass.pictures import Pictures, list_pictures
from mass.run import Job, run
from mass.shards import Shard, number_shards
from mass.tasks import Task, model_digest
from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.cli.search_options import search_options
from s2s.errors import UserError, check, warn
from s2s.files import replace_durably

_SHARD = 500  # pictures
_LIST = "pictures.jsonl"


def caption(arguments: list[str]) -> int:
    """Caption the pictures of the folder that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    check_machines(options)
    check(not options.sample, "--sample draws by the order of the work, which mass work has not; use `caption`")
    search = search_options(options, minimum_length=1)
    check(options.source.is_dir(), f"{options.source}: is no folder; name a folder of pictures")
    model = model_directory(options.model) if options.model else DEFAULT
    digest, form = model_digest(model), Pictures(str(options.source), str(Path.cwd()))

    def shards(ledger: Path) -> Iterable[Shard]:
        listed = _listed(options.source, ledger)
        return number_shards([(str(listed), form.parts(listed, str(options.source), options.shard_size))], form.unit)

    def task(unfinished: Path) -> Task:
        output, path = str(options.output.absolute()), str(model.absolute())
        return Task(form, path, digest, search, machine(options), form.home, output, str(unfinished))

    known = settings(options, digest, beam=getattr(search, "width", None))
    code = run(Job(options.source, options.output, known, shards, task, engine(options)))
    if (Ledger(options.output).folder / _LIST).stat().st_size:
        return code
    warn(f"{options.source}: has no pictures")  # a failed input, as for `caption`
    return 1


def _parser() -> Parser:
    parser = mass_parser(
        "Caption the pictures of a folder, and of those in it: path, tab, caption, one picture per line, in the order "
        "of their names. Unreadable pictures are reported, and have no line.",
        "FOLDER",
        "the folder of the pictures",
        _SHARD,
        "pictures",
    )
    parser.add_argument(
        "--model", type=Path, metavar="MODEL", help="a model directory, or a bundled model (default: everyday)"
    )
    return parser


def _listed(folder: Path, ledger: Path) -> Path:
    """The list of the pictures. Raises a UserError if there is one of an earlier run, and it is another."""
    path, new = ledger / _LIST, ledger / f"{_LIST}.new"
    passed_over = list_pictures(folder, new)
    for note in Inputs(passed_over=passed_over).notes():
        print(note, file=sys.stderr)
    if path.exists():
        difference = _first_difference(path, new)
        new.unlink()
        if difference:
            raise UserError(
                f"{folder}: its pictures are not those that were there when this run was begun; the first difference: "
                f"{difference}; restore them, or name a new output folder"
            )
        return path
    replace_durably(new, path)
    return path


def _first_difference(before: Path, now: Path) -> str:
    """The first line in which two lists differ; empty if they are the same."""
    with before.open(encoding="ascii") as old, now.open(encoding="ascii") as new:
        for pair in zip_longest(old, new, fillvalue=""):
            if pair[0] != pair[1]:
                return min(filter(None, pair)).strip()
    return ""


def main() -> int:
    """Entry point."""
    return command.run(caption)


if __name__ == "__main__":
    sys.exit(main())

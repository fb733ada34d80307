"""`caption PATH...`: a sentence for every picture.

A picture that cannot be read costs only itself: it is named on standard error with the reason, the others are
captioned, and the exit code is 1.
"""

from __future__ import annotations

if not __package__:
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import glob
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from captioning.results import ImageId, image_id, write_results
from s2s.cli import command
from s2s.errors import check, warn
from s2s.files import check_output

if TYPE_CHECKING:
    from captioning.captioner import Captioner
    from s2s.decoding.results import Caption

BUNDLED = Path(__file__).parent / "models" / "flickr8k"


def caption(arguments: list[str]) -> int:
    """The command."""
    options = _parser().parse_args(arguments)
    check(options.model or BUNDLED.is_dir(), "no model came with this installation: name one with --model")
    paths = [path for name in options.paths for path in expanded(name)]
    if options.json:
        check_output(options.json, force=options.force, inputs=paths)
    with _pages(options) as draw:
        captioner = load(options.model or BUNDLED, options, batch=options.batch)
        run = _Run(len(paths), draw)
        for found in captioner.caption_stream(paths):
            run.take(found)
    if options.json:
        write_results(options.json, run.results)
    return run.report()


def _pages(options: argparse.Namespace) -> AbstractContextManager[Callable[[Caption], str] | None]:
    """What draws a page of each picture, where --attention asks for it."""
    if not options.attention:
        return nullcontext()
    from captioning.pages.gallery import attention_folder

    return attention_folder(options.attention, force=options.force)


def expanded(name: str) -> Iterator[Path]:
    """The files that an argument means: itself, all files in a folder and the folders below, or what a pattern finds.

    In a stable order; hidden files are left out. What means nothing is given back as it is: reading it tells why.
    """
    path = Path(name)
    if os.path.isdir(name):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
        found = sorted(_below(path))
    elif not os.path.exists(name) and glob.has_magic(name):  # noqa: PTH110 - as above
        matches = map(Path, glob.iglob(name, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        found = sorted(match for match in matches if not match.is_dir())
    else:
        found = [path]
    yield from found or [path]


def _below(folder: Path) -> Iterator[Path]:
    """All files below a folder, and the folders that cannot be entered, or are links, which might lead in a circle."""
    closed: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if Path(parent, name).is_symlink()]
        yield from (Path(parent, name) for name in (*files, *links) if not name.startswith("."))
    yield from closed


class _Run:
    """What is printed, drawn, counted and kept of the pictures of a run."""

    def __init__(self, total: int, draw: Callable[[Caption], str] | None) -> None:
        self.total, self._draw = total, draw
        self.failed = 0
        self.results: list[tuple[ImageId, str]] = []

    def take(self, found: Caption) -> None:
        """Print a caption and draw its page, or say what is wrong with the picture."""
        if not found.problem:
            path = Path(found.name)
            print(f"{_printable(path)}\t{found.text}", flush=True)
            self.results.append((image_id(path), found.text))
        problem = (self._draw(found) if self._draw else "") or found.problem
        if problem:
            self.failed += 1
            warn(f"{found.name}: {problem}")

    def report(self) -> int:
        """Say how many failed; the exit code."""
        if self.failed:
            warn(f"{self.failed:,} of {self.total:,} pictures failed, for the reasons above")
        return 1 if self.failed else 0


def _printable(path: Path) -> str:
    r"""A path on one line, without the tab that ends it."""
    return str(path).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def load(directory: Path, options: argparse.Namespace, *, batch: int | None = None) -> Captioner:
    """The captioner of a model directory that searches as the command line says, here and in evaluation."""
    import torch

    from captioning.captioner import BATCH, Captioner
    from s2s.decoding.search import SearchOptions

    if options.threads:
        torch.set_num_threads(options.threads)
    return Captioner.load(
        directory,
        SearchOptions(options.beam, length_penalty=options.length_penalty, minimum_length=1),
        device=options.device,
        precision=options.precision,
        batch=batch or BATCH,
    )


def _parser() -> command.Parser:
    parser = command.Parser(
        prog="caption",
        description="Say what is on pictures: a line `path<TAB>caption` for each.",
        epilog="exit codes: 0 done, 1 some pictures failed and were named, 2 a mistake that the message explains",
    )
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="a picture, a folder (with the folders in it), or a quoted pattern")
    add("--model", type=Path, metavar="DIR", help="a model directory, such as RUN/best (default: the bundled one)")
    add("--json", type=Path, metavar="FILE", help="write the captions as COCO results too")
    add(
        "--attention",
        type=Path,
        metavar="DIR",
        help="write pages that show where each word looked: open DIR/index.html",
    )
    add("--force", action="store_true", help="replace files that exist")
    command.add_search(parser)
    command.add_machine(parser).add_argument(
        "--batch", type=command.positive, metavar="N", help="pictures at a time: memory"
    )
    return parser


def main() -> int:
    """Entry point."""
    return command.run(caption)


if __name__ == "__main__":
    sys.exit(main())

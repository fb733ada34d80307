"""Describe photographs, one sentence per photograph.

    caption photo.jpg holiday/                   with the bundled model
    caption --model RUN/best 'photos/*.jpg'      with a model of your own
    caption --report report.jsonl holiday/       also how sure the model is of each caption, and why

One line per picture. Unreadable files are reported on standard error and skipped; the exit code is then 1. A line on
standard error says how many captions are doubtful.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from captioning.report import entry
from captioning.results import Result, image_id, write_results
from s2s.cli import command
from s2s.cli.arguments import Parser, add_machine_options, positive
from s2s.cli.doubts import MARK, check_calibration, report_file, summary
from s2s.cli.search_options import add_search_options, search_options
from s2s.decoding.confidence import FILE as CONFIDENCE
from s2s.errors import check, warn
from s2s.files import check_output, current_version

if TYPE_CHECKING:
    from captioning.captioner import Captioner
    from s2s.decoding.results import Caption

MODELS = Path(__file__).resolve().parent / "models"
DEFAULT = MODELS / "everyday"


def caption(arguments: list[str]) -> int:
    """Caption the pictures that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    search_options(options)  # checks them
    check(options.model or DEFAULT.is_dir(), "no model is bundled with this installation; choose one with --model")
    model = model_directory(options.model) if options.model else DEFAULT
    paths = [path for name in options.paths for path in expanded(name)]
    _check_outputs(options, paths)
    _check_calibration(model, options)
    with _pages(options) as draw, report_file(options.report) if options.report else nullcontext() as report:
        captioner = load(model, options, batch=options.batch, prefix=options.prefix)
        run = _Run(len(paths), draw, report, mark=options.unsure == "mark")
        for found in captioner.caption_stream(paths):
            run.take(found)
    if options.json:
        write_results(options.json, run.results)
    return run.report()


def _check_outputs(options: argparse.Namespace, paths: Sequence[Path]) -> None:
    """Check the files to be written: each by itself, and that they are different files."""
    for path in filter(None, (options.json, options.report)):
        check_output(path, force=options.force, inputs=paths)
    same = options.json and options.report and os.path.realpath(options.json) == os.path.realpath(options.report)
    check(not same, f"--report {options.report}: this is the file of --json too; choose another name")


def _check_calibration(model: Path, options: argparse.Namespace) -> None:
    """Check that the confidence of the model is calibrated, where an option needs it."""
    what = f"the confidence of {model} is not calibrated"
    do = f"calibrate it with `s2s calibrate captioning {model} --train FILE --references FILE`"
    calibrated = (current_version(model) / CONFIDENCE).is_file()
    check_calibration(calibrated, options, "pictures", what=what, do=do)


def model_directory(model: Path) -> Path:
    """Return the directory of a model, which is named by its path or by its name among the bundled models."""
    from s2s.storage.bundled import find_model

    return find_model(model, "captioning", MODELS)


def _pages(options: argparse.Namespace) -> AbstractContextManager[Callable[[Caption], str] | None]:
    """A function that writes the page of a picture; None without --attention."""
    if not options.attention:
        return nullcontext()
    from captioning.pages.gallery import attention_folder

    return attention_folder(options.attention, force=options.force)


def expanded(name: str) -> Iterator[Path]:
    """Yield the files that an argument names: a file, all files in a folder and below it, or the matches of a pattern.

    The order is stable, and hidden files are skipped. An argument that names no file is yielded as it is; reading it
    will report the reason.
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
    """Yield all files below a folder. Folders that cannot be opened, and links to folders, are yielded, not searched.

    Links to folders might form a circle.
    """
    closed: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if Path(parent, name).is_symlink()]
        yield from (Path(parent, name) for name in (*files, *links) if not name.startswith("."))
    yield from closed


class _Run:
    """The output of one run: prints captions, writes pages and the report, counts, and collects results for --json."""

    def __init__(
        self,
        total: int,
        draw: Callable[[Caption], str] | None = None,
        write: Callable[[Mapping[str, Any]], None] | None = None,
        *,
        mark: bool = False,
    ) -> None:
        self.total, self._draw, self._write, self._mark = total, draw, write, mark
        self.failed = self.doubtful = 0
        self.results: list[Result] = []

    def take(self, found: Caption) -> None:
        """Print the caption of a picture and write its page, or report what is wrong with the picture."""
        if not found.problem:
            path = Path(found.name)
            self.doubtful += found.doubtful
            mark = MARK if self._mark and found.doubtful else ""
            print(f"{_printable(path)}\t{mark}{found.text}", flush=True)
            self.results.append(Result(image_id(path), found.text, found.confidence, found.reasons))
        problem = (self._draw(found) if self._draw else "") or found.problem
        if problem:
            self.failed += 1
            warn(f"{found.name}: {problem}")
        if self._write:
            self._write(entry(found))

    def report(self) -> int:
        """Report how many pictures failed, and how many captions are doubtful; return the exit code."""
        done = f", marked with {MARK.strip()}" if self._mark else ""
        advice = "" if self._write else "; --report FILE says which and why"
        if doubts := summary(self.doubtful, len(self.results), "captions", done + advice):
            print(doubts, file=sys.stderr)
        if self.failed:
            warn(f"{self.failed:,} of {self.total:,} pictures failed; see above for the reasons")
        return 1 if self.failed else 0


def _printable(path: Path) -> str:
    r"""A path without line ends and tabs, which are written as `\n` and `\t`."""
    return str(path).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def load(directory: Path, options: argparse.Namespace, *, batch: int | None = None, prefix: str = "") -> Captioner:
    """Load the captioner of a model directory with the options of the command line; used by `evaluate` too."""
    from captioning.captioner import BATCH, Captioner

    captioner = Captioner.load(
        directory,
        search_options(options, minimum_length=1),
        engine=options.engine,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
        batch=batch or BATCH,
        prefix=prefix,
    )
    if options.draw_positions is not None:
        from s2s.decoding.drawn_positions import draw_positions

        draw_positions(captioner.engine.network, options.draw_positions)
    return captioner


def _parser() -> Parser:
    parser = Parser(
        description="Describe photographs. One line per picture: its path, a tab, and a sentence. Unreadable files are "
        "reported and skipped.",
        epilog="exit codes: 0 success; 1 some pictures failed and were reported; 2 error, explained by a message; 130 "
        "interrupted",
    )
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help="a picture, a folder (searched recursively), or a quoted pattern")
    add(
        "--model",
        type=Path,
        metavar="MODEL",
        help="a model directory such as RUN/best, or a bundled model (see `s2s models`; default: everyday)",
    )
    add(
        "--json",
        type=Path,
        metavar="FILE",
        help="also write the captions to FILE, in COCO's results format, with the confidence of each",
    )
    add(
        "--report",
        type=Path,
        metavar="FILE.jsonl",
        help="also write a JSON object for each picture: its caption, how sure the model is, and why",
    )
    add(
        "--unsure",
        choices=("keep", "mark"),
        default="keep",
        help="what to print for a doubtful caption: the caption, or the caption after "
        f"{MARK.strip()!r} (default: keep). A line on standard error says how many are doubtful",
    )
    add(
        "--attention",
        type=Path,
        metavar="DIR",
        help="also write pages that show the attention weights of each word; open DIR/index.html",
    )
    add("--force", action="store_true", help="overwrite existing files")
    add_search_options(parser).add_argument(
        "--prefix",
        default="",
        metavar="TEXT",
        help="what all captions begin with; without a space at its end, the last word may be the beginning of one",
    )
    add_machine_options(parser).add_argument(
        "--batch", type=positive, metavar="N", help="pictures per batch; a smaller batch needs less memory"
    )
    return parser


def main() -> int:
    """Entry point."""
    return command.run(caption)


if __name__ == "__main__":
    sys.exit(main())

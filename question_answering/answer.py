"""Answer questions about photographs.

    s2s answer bus.jpg "What colour is the bus?"        the likeliest answers, each with its probability
    s2s answer --file questions.jsonl                   a line per question: photograph, question, answer, probability
    s2s answer --attention pages bus.jpg "What is it?"  also a page: the light on the photograph and on the words

A question that cannot be answered, such as one whose photograph cannot be read, is reported on standard error and
skipped; the exit code is then 1.
"""

from __future__ import annotations

import argparse
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli import command
from s2s.cli.arguments import Parser, add_machine_options, positive
from s2s.errors import check, counted, warn
from s2s.files import check_output, check_readable, text_writer

if TYPE_CHECKING:
    from question_answering.answerer import Answer, Answerer
    from question_answering.question_files import Entry

_LIKELIEST = 5  # answers to a single question
Write = Callable[[str], object]


def answer(arguments: list[str]) -> int:
    """Answer the questions that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    _check(options)
    with ExitStack() as stack:
        draw = None
        if options.attention:
            from question_answering.pages import attention_folder

            draw = stack.enter_context(attention_folder(options.attention, force=options.force))
        answerer = _load(options)
        write = stack.enter_context(_output(options.output))
        run = _Run(write, draw, with_question=options.file is not None)
        for where, found in _answered(answerer, options):
            run.take(where, found)
    if options.file and not run.total:
        warn(f"{options.file}: has no questions")
    return run.report()


def _check(options: argparse.Namespace) -> None:
    """Check the arguments and the files before anything is loaded."""
    if options.file is None:
        check(options.photo, "a photograph and a question are missing; or name a file of both with --file")
        check(options.question is not None, f"{options.photo}: a question is missing; write one behind the photograph")
        check(options.question.strip(), "the question is empty; ask something, such as 'What is this?'")
        check(options.images is None, "--images belongs to --file; leave it out")
    else:
        check(options.photo is None, f"--file {options.file}: has its own questions; leave out {options.photo}")
        if not options.file.is_dir():
            check_readable(options.file)
    if options.output:
        inputs = [path for path in (options.file, options.photo and Path(options.photo)) if path]
        check_output(options.output, force=options.force, inputs=inputs)


@contextmanager
def _output(path: Path | None) -> Iterator[Write]:
    """Yield a function that writes a line. An existing file is replaced only if there is a line to write."""
    with ExitStack() as stack:
        write: Write | None = None if path else sys.stdout.write

        def write_line(line: str) -> None:
            nonlocal write
            if write is None:
                assert path
                write = stack.enter_context(text_writer(path))
            write(line)

        yield write_line
        if write is None:
            warn(f"{path}: was not written, as no question was answered")


def _load(options: argparse.Namespace) -> Answerer:
    from question_answering.answerer import BATCH, Answerer

    return Answerer.load(
        options.model,
        engine=options.engine,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
        batch=options.batch or BATCH,
    )


def _answered(answerer: Answerer, options: argparse.Namespace) -> Iterator[tuple[str, Answer]]:
    """Yield where each question stands, and its answer; of a single question the place is empty."""
    if options.file is None:
        top = options.top or _LIKELIEST
        yield from zip([""], answerer.answer([(options.photo, options.question)], top=top, written=options.written))
        return
    from question_answering.question_files import read_entries

    places = deque[str]()  # of the questions that the answerer has taken and not yet answered

    def asked(entries: Iterable[Entry]) -> Iterator[tuple[Path, str]]:
        for entry in entries:
            places.append(entry.where)
            yield _picture(entry, options), entry.question

    answers = answerer.answer_stream(asked(read_entries(options.file)), top=options.top or 1, written=options.written)
    for found in answers:
        yield places.popleft(), found


def _picture(entry: Entry, options: argparse.Namespace) -> Path:
    """The picture of an entry; where there is none, its name, which will be reported."""
    from question_answering.corpus import find_picture, picture_folders

    folders = picture_folders(options.file, options.images)
    return find_picture(folders, entry.images) or folders[0] / entry.images[0]


class _Run:
    """The output of one run: writes answers and pages, reports what failed, and counts.

    Args:
        write: takes the lines
        draw: writes the page of an answer
        with_question: whether a line names the photograph and the question

    Attributes:
        total: questions that were taken
    """

    def __init__(self, write: Write, draw: Callable[[Answer], None] | None, *, with_question: bool) -> None:
        self._write, self._draw, self._with_question = write, draw, with_question
        self.total = self._failed = 0

    def take(self, where: str, found: Answer) -> None:
        """Write the answers to a question, and its page, or report what is wrong."""
        self.total += 1
        place = f"{where}: " if where else ""
        if found.problem:
            self._failed += 1
            name = "" if found.problem == "the question is empty" else f"{found.picture}: "
            warn(f"{place}{name}{found.problem}")
            return
        if found.left_out:
            words = counted(found.left_out, "word was", "words were")
            warn(f"{place}the question is long; its last {words} not read")
        begin = f"{_plain(found.picture)}\t{_plain(found.question)}\t" if self._with_question else ""
        for text, probability in found.answers:
            self._write(f"{begin}{text}\t{probability:.4f}\n")
        if self._draw:
            self._draw(found)

    def report(self) -> int:
        """Report how many questions failed; return the exit code."""
        sys.stdout.flush()
        if self._failed:
            warn(f"{self._failed:,} of {counted(self.total, 'question')} failed; see above for the reasons")
        return 1 if self._failed else 0


def _plain(text: str) -> str:
    r"""A field without line ends and tabs, which are written as `\n` and `\t`."""
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _parser() -> Parser:
    parser = Parser(
        description="Answer a question about a photograph: the likeliest answers, a tab, and the probability of each. "
        "With --file, answer many questions: photograph, question, answer and probability, separated by tabs.",
        epilog="exit codes: 0 success; 1 some questions failed and were reported; 2 error, explained by a message; 130 "
        "interrupted",
    )
    add = parser.add_argument
    add("photo", nargs="?", metavar="PHOTO", help="a photograph")
    add("question", nargs="?", metavar="QUESTION", help="what is asked about it, in quotes")
    add(
        "--file",
        type=Path,
        metavar="FILE",
        help='many questions instead of one: .jsonl (objects with "image" and "question"), .csv, .tsv, or the files of '
        "VQA, easy-VQA, DAQUAR or COCO-QA",
    )
    add(
        "--images",
        type=Path,
        metavar="DIR",
        help="the folder that names of pictures in --file are relative to (default: that of FILE, or images in it)",
    )
    add(
        "--model",
        type=Path,
        metavar="MODEL",
        help="an answerer: a model directory such as RUN/best, or a bundled model (see `s2s models`; default: the "
        "first bundled one)",
    )
    add(
        "--top",
        type=positive,
        metavar="N",
        help=f"print the N likeliest answers, one per line (default: {_LIKELIEST}; with --file 1)",
    )
    add(
        "--written",
        action="store_true",
        help="let the decoder write the answers, word by word, instead of choosing among those of the training data",
    )
    add("--output", type=Path, metavar="FILE", help="write to FILE, once all is done (default: standard output)")
    add(
        "--attention",
        type=Path,
        metavar="DIR",
        help="also write a page that shows where each question looked; open DIR/index.html",
    )
    add("--force", action="store_true", help="overwrite existing files")
    add_machine_options(parser, ["bfloat16", "float32"]).add_argument(
        "--batch", type=positive, metavar="N", help="questions per batch; a smaller batch needs less memory"
    )
    return parser


def main() -> int:
    """Entry point."""
    return command.run(answer)


if __name__ == "__main__":
    sys.exit(main())

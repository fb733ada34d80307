"""Translate text, one sentence per line.

    translate FILE                        with the bundled English-German model
    translate --model RUN/best FILE       with a model of your own
    some program | translate --to en      as a filter, line by line

Line n of the output is the translation of line n of the input. Input is read and translated as a stream, so that memory
does not grow with it.
"""

from __future__ import annotations

if not __package__:
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from s2s.cli import command
from s2s.cli.arguments import Parser, add_machine_options, add_search_options, positive
from s2s.cli.doubts import MARK, check_calibration, report_file
from s2s.decoding.confidence import FILE as CONFIDENCE
from s2s.errors import check, warn
from s2s.files import atomic_file, check_output, check_readable, current_version
from s2s.text.lines import LineReader
from translation.report import UNSURE, Doubts, Entry, entry

if TYPE_CHECKING:
    from s2s.decoding.results import Translation
    from translation.attention import Write
    from translation.translator import Translator

MODELS = Path(__file__).resolve().parent / "models"
ATTENTION_FORMATS = (".json", ".html", ".png")  # endings of the file name of --attention
NAMED = 3  # long lines whose numbers are told; the others are counted


def translate(arguments: list[str]) -> int:
    """Translate the files that the arguments name, or standard input; return the exit code."""
    options = _parser().parse_args(arguments)
    _check(options)
    directories = [model_directory(model) for model in options.model or []] or [bundled(options.to or "de")]
    _check_calibration(directories, options)
    translator = load(
        directories,
        options,
        n_best=options.n_best or 1,
        batch_tokens=options.batch_tokens,
        localise_numbers=options.localise_numbers,
    )
    check(
        translator.calibration or options.unsure == "keep",
        f"--unsure {options.unsure}: the calibration of {directories[0]} is of another version; calibrate it again",
    )
    with ExitStack() as stack:
        output = sys.stdout
        if options.output:
            aside = stack.enter_context(atomic_file(options.output))
            output = stack.enter_context(aside.open("w", encoding="utf-8", newline="\n"))
        attention = stack.enter_context(_attention(options.attention)) if options.attention else None
        report = stack.enter_context(report_file(options.report)) if options.report else None
        run = _Run(translator, output, attention, report, options)
        for path in options.files:
            with path.open("rb", buffering=0) as file:
                run.translate(file, str(path))
        if not options.files:
            if sys.stdin.isatty():
                print("Type a line and press Enter to translate it; end with Ctrl-D.", file=sys.stderr, flush=True)
            run.translate(sys.stdin.buffer, "standard input")
        run.report()
    return 0


def model_directory(model: Path) -> Path:
    """Return the directory of a model, which is named by its path or by its name among the bundled models."""
    from s2s.storage.bundled import find_model

    return find_model(model, "translation", MODELS)


def bundled(language: str) -> Path:
    """Return the directory of the bundled model that translates to `language`; from English if there are several.

    These are the models whose name has two languages alone, such as `en-de`. A model with a longer name, such as
    `en-de-news`, is used only if `--model` names it.
    """
    found = [config.parent for config in MODELS.glob("*-*/config.json") if config.parent.name.count("-") == 1]
    english_last = sorted(found, key=lambda path: (path.name[:3] == "en-", path))
    known = {path.name.rpartition("-")[2]: path for path in english_last}
    check(known, "no model is bundled with this installation; choose one with --model, or train one")
    check(
        language in known,
        f"--to {language}: the bundled models translate to {', '.join(known)}; choose another language, or a --model",
    )
    return known[language]


def _parser() -> Parser:
    parser = Parser(
        description="Translate text, one sentence per line. Line n of the output is the translation of line n of the "
        "input. A blank line stays blank. Files are in UTF-8.",
        epilog="exit codes: 0 success; 2 error, explained by a message; 130 interrupted",
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="text to translate (default: standard input)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the translations to FILE, once all of them are done (default: standard output)",
    )
    _add_side_files(parser)
    _add_model(parser)
    add_search_options(parser).add_argument(
        "--n-best",
        type=positive,
        metavar="N",
        help="write up to N different hypotheses per line, as `line ||| hypothesis ||| score`; lines are counted from "
        "0; N is at most --beam",
    )
    add_machine_options(parser).add_argument(
        "--batch-tokens",
        type=positive,
        metavar="N",
        help="size of a batch, in source tokens times beam width; a smaller batch needs less memory",
    )
    parser.add_argument(
        "--localise-numbers",
        action="store_true",
        help="write numbers as the target language does, such as 1.234,5 for 1,234.5 (default: as in the source)",
    )
    parser.add_argument(
        "--encoding-errors",
        choices=["strict", "replace"],
        default="strict",
        help="what to do about bytes that are not UTF-8: stop with an error, or replace them by U+FFFD (default: "
        "strict)",
    )
    return parser


def _add_side_files(parser: Parser) -> None:
    """Add the options of what is written beside the translations, and of what is done about doubtful ones."""
    parser.add_argument(
        "--attention",
        type=Path,
        metavar="FILE",
        help="also write the attention weights: as data if FILE ends in .json, as a page to explore if it ends in "
        ".html, as a picture of the first lines if it ends in .png",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.jsonl",
        help="also write a JSON object for each line: its translation, how sure the model is, and why",
    )
    parser.add_argument(
        "--unsure",
        choices=UNSURE,
        default="keep",
        help="what to write for a line whose translation is doubtful: the translation, the translation after "
        f"{MARK.strip()!r}, or the line as it is (default: keep). A line on standard error says how many are doubtful",
    )
    parser.add_argument(
        "--force", action="store_true", help="overwrite the files of --output, --attention and --report"
    )


def _add_model(parser: Parser) -> None:
    """Add the options that choose the model."""
    model = parser.add_mutually_exclusive_group()
    model.add_argument(
        "--model",
        type=Path,
        action="append",
        metavar="MODEL",
        help="a model directory such as RUN/best, or a bundled model such as en-de (see `s2s models`); several "
        "--model options form an ensemble",
    )
    model.add_argument("--to", metavar="LANG", help="use the bundled model for this target language (default: de)")


def _check(options: argparse.Namespace) -> None:
    """Check all that can be checked before the model is loaded."""
    n_best = options.n_best or 1
    check(n_best <= options.beam, f"--n-best {n_best} is more than --beam {options.beam}; choose a wider beam")
    check(options.files or sys.stdin, "standard input is closed; name a FILE to translate")
    check(options.output or sys.stdout, "standard output is closed; name a file with --output")
    _check_files(options.files)
    check(
        options.n_best is None or options.unsure == "keep",
        f"--unsure {options.unsure} writes one line for each line, and --n-best several; leave one of them out",
    )
    if options.attention:
        check(
            options.attention.suffix.lower() in ATTENTION_FORMATS,
            f"--attention {options.attention}: the file name must end in {', '.join(ATTENTION_FORMATS)}",
        )
    _check_outputs(options)


def _check_outputs(options: argparse.Namespace) -> None:
    """Check the files to be written: each by itself, and that they are different files."""
    written: dict[str, str] = {}
    for name in ("output", "attention", "report"):
        path: Path | None = getattr(options, name)
        if path is None:
            continue
        other = written.setdefault(os.path.realpath(path), name)
        check(other == name, f"--{name} {path}: this is the file of --{other} too; choose another name")
        check_output(path, force=options.force, inputs=options.files)


def _check_calibration(directories: Sequence[Path], options: argparse.Namespace) -> None:
    """Check that the confidence of the model is calibrated, where an option needs it."""
    what = f"the confidence of {directories[0]} is not calibrated"
    do = f"calibrate it with `s2s calibrate translation {directories[0]} --source FILE --reference FILE`"
    if len(directories) > 1:
        what, do = "the confidence of an ensemble is not calibrated", "use one --model"
    calibrated = len(directories) == 1 and (current_version(directories[0]) / CONFIDENCE).is_file()
    check_calibration(calibrated, options, "lines", what=what, do=do)


def _check_files(files: Sequence[Path]) -> None:
    """Check that all files can be read; say how to translate a text that was given in place of a file."""
    text = " ".join(map(str, files))
    absent = not any(os.path.exists(path) for path in files)  # noqa: PTH110 (Path.exists raises for a long text)
    check(
        not (absent and (" " in text or (files and text.isalpha()))),
        f"{text}: no such file; name a file of text, or to translate these words use: "
        f"echo {shlex.quote(text)} | translate",
    )
    for path in files:
        check_readable(path)


def load(
    directories: Sequence[Path],
    options: argparse.Namespace,
    *,
    n_best: int = 1,
    batch_tokens: int | None = None,
    localise_numbers: bool = False,
) -> Translator:
    """Load a translator with the options of the command line; several directories make an ensemble.

    The command and evaluation share this function. Where PyTorch computes, importing it takes longer than all that
    comes before.
    """
    from s2s.decoding.search import SearchOptions
    from translation.translator import Translator

    return Translator.load(
        directories[0],
        SearchOptions(
            options.beam,
            n_best,
            length_penalty=options.length_penalty,
            stop_early=True,
            guard_loops=not options.allow_loops,
        ),
        others=directories[1:],
        engine=options.engine,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
        batch_tokens=batch_tokens,
        localise_numbers=localise_numbers,
    )


def _attention(path: Path) -> AbstractContextManager[Write]:
    from translation.attention import attention_file

    return attention_file(path)


class _Run:
    """Translates one file after the other to one output, and reports on them."""

    def __init__(
        self,
        translator: Translator,
        output: TextIO,
        attention: Write | None,
        report: Callable[[Entry], None] | None,
        options: argparse.Namespace,
    ) -> None:
        self._translator, self._output, self._options = translator, output, options
        self._attention, self._report = attention, report
        self._doubts = Doubts(options.unsure)
        self._lines = 0  # of all files so far
        self._long_lines = 0
        self._started = time.monotonic()
        self._progress = sys.stderr.isatty() and not output.isatty()

    def translate(self, file: BinaryIO, name: str) -> None:
        """Translate `file` window by window: the lines that a pipe holds are translated before more are waited for."""
        reader = LineReader(file, name, errors=self._options.encoding_errors)
        number = 1
        for window in reader.windows():
            translations = self._translator.translate(window)
            if len(translations) != len(window):
                raise RuntimeError(f"{len(window)} lines gave {len(translations)} translations")
            self._output.writelines(f"{line}\n" for line in self._output_lines(window, translations))
            self._output.flush()
            self._report_long_lines(translations, name, number)
            self._write_attention(translations, name, number)
            self._write_report(window, translations, name, number)
            number += len(window)
            self._lines += len(window)
            self._show_progress()
        if reader.replaced:
            self._warn(f"{name}: {reader.replaced:,} sequences of bytes that are not UTF-8 were replaced by U+FFFD")

    def report(self) -> None:
        """Report the numbers of long and of doubtful lines, and end the line of progress."""
        if self._long_lines > NAMED:
            self._warn(f"{self._long_lines:,} lines were cut into pieces in all")
        advice = "" if self._report else "; --report FILE says which and why"
        if summary := self._doubts.summary(self._lines, advice):
            self._clear_progress()
            print(summary, file=sys.stderr)
        if self._progress:
            print(file=sys.stderr)

    def _output_lines(self, sources: Sequence[str], translations: Sequence[Translation]) -> Iterator[str]:
        for line, (source, translation) in enumerate(zip(sources, translations), self._lines):
            written = self._doubts.written(translation, source)
            if self._options.n_best is None:
                yield written
            else:
                for each in translation.n_best:  # a copied line has no score
                    score = f"{each.score:.4f}" if each.tokens else ""
                    yield f"{line} ||| {each.text} ||| {score}"

    def _write_attention(self, translations: Sequence[Translation], name: str, first: int) -> None:
        if self._attention:
            from translation.attention import translation_view

            for number, translation in enumerate(translations, first):
                self._attention(translation_view(translation, f"{name}: line {number}"))

    def _write_report(self, sources: Sequence[str], translations: Sequence[Translation], name: str, first: int) -> None:
        if self._report:
            calibrated = self._translator.calibration is not None
            for number, (source, translation) in enumerate(zip(sources, translations), first):
                self._report(entry(translation, source, name, number, calibrated=calibrated))

    def _report_long_lines(self, translations: Sequence[Translation], name: str, first: int) -> None:
        for number, translation in enumerate(translations, first):
            if translation.is_long:
                self._long_lines += 1
                if self._long_lines <= NAMED:
                    self._warn(
                        f"{name}: line {number} is longer than all lines that the model was trained on "
                        f"({self._translator.max_source_length} tokens); it was translated in {translation.pieces:,} "
                        "pieces"
                    )

    def _warn(self, message: str) -> None:
        self._clear_progress()
        warn(message)

    def _clear_progress(self) -> None:
        if self._progress:
            print(end="\r\x1b[K", file=sys.stderr)

    def _show_progress(self) -> None:
        if self._progress:
            speed = self._lines / (time.monotonic() - self._started)
            print(end=f"\r{self._lines:,} lines, {speed:,.0f} lines/s\x1b[K", file=sys.stderr, flush=True)


def main() -> int:
    """Entry point."""
    return command.run(translate)


if __name__ == "__main__":
    sys.exit(main())

"""`translate`: lines of text in, lines of text out, one for one, as a stream."""

from __future__ import annotations

if not __package__:
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

from s2s.cli import command
from s2s.errors import check, warn
from s2s.files import atomic_file, check_output, check_readable
from s2s.text.lines import LineReader

if TYPE_CHECKING:
    from s2s.decoding.results import Translation
    from translation.attention import Write
    from translation.translator import Translator

MODELS = Path(__file__).resolve().parent / "models"
ATTENTION = (".json", ".html", ".png")  # endings of --attention, which choose its format
NAMED = 3  # long lines whose numbers are told; the others are counted


def translate(arguments: list[str]) -> int:
    """The command."""
    options = _parser().parse_args(arguments)
    _check(options)
    directories = options.model or [bundled(options.to or "de")]
    translator = load(directories, options, n_best=options.n_best or 1, batch_tokens=options.batch_tokens)
    with ExitStack() as stack:
        output = sys.stdout
        if options.output:
            aside = stack.enter_context(atomic_file(options.output))
            output = stack.enter_context(aside.open("w", encoding="utf-8", newline="\n"))
        attention = stack.enter_context(_attention(options.attention)) if options.attention else None
        run = _Run(translator, output, attention, options)
        for path in options.files:
            with path.open("rb", buffering=0) as file:
                run.translate(file, str(path))
        if not options.files:
            run.translate(sys.stdin.buffer, "standard input")
        run.report()
    return 0


def bundled(language: str) -> Path:
    """The model directory that came along and translates to `language`, from English where there is a choice.

    Its name is that of the languages alone, `en-de`; `en-de-fine-tuned` has to be named by --model.
    """
    found = [config.parent for config in MODELS.glob("*-*/config.json") if config.parent.name.count("-") == 1]
    english_last = sorted(found, key=lambda path: (path.name[:3] == "en-", path))
    known = {path.name.rpartition("-")[2]: path for path in english_last}
    check(known, "no model came with this installation: name one with --model, or train one with translation.train")
    check(language in known, f"--to {language}: the bundled models translate to {', '.join(known)}; or name a --model")
    return known[language]


def _parser() -> command.Parser:
    parser = command.Parser(
        prog="translate",
        description="Translate text, one sentence a line. Line n of the output translates line n of the input; a blank "
        "line stays blank. Text is UTF-8.",
        epilog="exit codes: 0 done, 2 a mistake that the message explains, 130 interrupted",
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="read in order (default: standard input)")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="written when all is done (default: standard output)"
    )
    parser.add_argument(
        "--attention",
        type=Path,
        metavar="FILE",
        help="write where each word of the translation looked: all as data to a name with .json, a page to explore to "
        "one with .html, a picture of the first lines to one with .png",
    )
    parser.add_argument("--force", action="store_true", help="replace the files of --output and --attention")
    model = parser.add_mutually_exclusive_group()
    model.add_argument(
        "--model",
        type=Path,
        action="append",
        metavar="DIR",
        help="a model directory, such as RUN/best; given again, further ones that write together with it: an ensemble",
    )
    model.add_argument("--to", metavar="LANG", help="the bundled model for this language (default: de)")
    command.add_search(parser).add_argument(
        "--n-best",
        type=command.positive,
        metavar="N",
        help="write `line ||| hypothesis ||| score`, lines from 0, up to N different ones; a wider --beam finds more",
    )
    command.add_machine(parser).add_argument(
        "--batch-tokens", type=command.positive, metavar="N", help="tokens times hypotheses a batch: memory"
    )
    parser.add_argument(
        "--encoding-errors", choices=["strict", "replace"], default="strict", help="what to do with bytes not UTF-8"
    )
    return parser


def _check(options: argparse.Namespace) -> None:
    """What can be known before anything is loaded."""
    n_best = options.n_best or 1
    check(n_best <= options.beam, f"--n-best {n_best} is more than --beam {options.beam}: a beam has no more to give")
    check(options.files or sys.stdin, "standard input is closed: name a FILE to translate")
    check(options.output or sys.stdout, "standard output is closed: name a file with --output")
    for path in options.files:
        check_readable(path)
    if options.output:
        check_output(options.output, force=options.force, inputs=options.files)
    if options.attention:
        ending, output = options.attention.suffix.lower(), options.output or Path()
        check(ending in ATTENTION, f"--attention {options.attention}: choose a name with {', '.join(ATTENTION)}")
        check(
            os.path.realpath(options.attention) != os.path.realpath(output),
            f"--attention {options.attention}: is --output's file too; choose another",
        )
        check_output(options.attention, force=options.force, inputs=options.files)


def load(
    directories: Sequence[Path], options: argparse.Namespace, *, n_best: int = 1, batch_tokens: int | None = None
) -> Translator:
    """Load a translator with the options of the command line; several directories make an ensemble.

    The command and evaluation share this function. It imports torch, which takes longer than all that comes before.
    """
    import torch

    from s2s.decoding.search import SearchOptions
    from translation.translator import BATCH_TOKENS, Translator

    if options.threads:
        torch.set_num_threads(options.threads)
    return Translator.load(
        directories[0],
        SearchOptions(options.beam, n_best, length_penalty=options.length_penalty, stop_early=True),
        others=directories[1:],
        device=options.device,
        precision=options.precision,
        batch_tokens=batch_tokens or BATCH_TOKENS,
    )


def _attention(path: Path) -> AbstractContextManager[Write]:
    from translation.attention import attention_file

    return attention_file(path)


class _Run:
    """Translates one file after the other to one output, and reports on them."""

    def __init__(
        self, translator: Translator, output: TextIO, attention: Write | None, options: argparse.Namespace
    ) -> None:
        self._translator, self._output, self._options = translator, output, options
        self._attention = attention
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
            self._output.writelines(f"{line}\n" for line in self._output_lines(translations))
            self._output.flush()
            self._report_long_lines(translations, name, number)
            self._write_attention(translations, name, number)
            number += len(window)
            self._lines += len(window)
            self._show_progress()
        if reader.replaced:
            self._warn(f"{name}: {reader.replaced:,} sequences of bytes that are not UTF-8 were replaced by U+FFFD")

    def report(self) -> None:
        """Report the number of long lines, and end the line of progress."""
        if self._long_lines > NAMED:
            self._warn(f"{self._long_lines:,} lines were cut into pieces in all")
        if self._progress:
            print(file=sys.stderr)

    def _output_lines(self, translations: Sequence[Translation]) -> Iterator[str]:
        for line, translation in enumerate(translations, self._lines):
            if self._options.n_best is None:
                yield translation.text
            else:
                yield from (f"{line} ||| {each.text} ||| {each.score:.4f}" for each in translation.n_best)

    def _write_attention(self, translations: Sequence[Translation], name: str, first: int) -> None:
        if self._attention:
            from translation.attention import translation_view

            for number, translation in enumerate(translations, first):
                self._attention(translation_view(translation, f"{name}: line {number}"))

    def _report_long_lines(self, translations: Sequence[Translation], name: str, first: int) -> None:
        for number, translation in enumerate(translations, first):
            if translation.pieces > 1:
                self._long_lines += 1
                if self._long_lines <= NAMED:
                    self._warn(
                        f"{name}: line {number} is longer than all lines that the model was trained on "
                        f"({self._translator.max_source_length} tokens); it was translated in {translation.pieces:,} "
                        "pieces"
                    )

    def _warn(self, message: str) -> None:
        if self._progress:
            print(end="\r\x1b[K", file=sys.stderr)  # clear the line of progress
        warn(message)

    def _show_progress(self) -> None:
        if self._progress:
            speed = self._lines / (time.monotonic() - self._started)
            print(end=f"\r{self._lines:,} lines, {speed:,.0f} lines/s\x1b[K", file=sys.stderr, flush=True)


def main() -> int:
    """Entry point."""
    return command.run(translate)


if __name__ == "__main__":
    sys.exit(main())

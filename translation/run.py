"""A run of the `translate` command: file after file to one output, with what is reported on the way."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, TextIO

from s2s.errors import warn
from s2s.text.lines import LineReader
from translation.report import Doubts, Entry, entry

if TYPE_CHECKING:
    from s2s.decoding.results import Translation
    from translation.attention import Write
    from translation.translator import Translator

NAMED = 3  # long lines whose numbers are told; the others are counted


class Run:
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

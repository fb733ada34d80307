"""A run of the `translate` command: input after input is translated, with what is reported on the way."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from s2s.errors import warn
from s2s.text.lines import LineReader
from translation.formats.tags import join_texts, keeps_tags, texts_between
from translation.outputs import Output
from translation.part_file import Progress
from translation.prefix_lines import PrefixLines
from translation.report import Doubts, Entry, TermCount, entry
from translation.terms import checked_terms

if TYPE_CHECKING:
    from s2s.decoding.results import Translation
    from s2s.views.attention_output import Write
    from translation.formats.document import Document
    from translation.translator import Translator

NAMED = 3  # long lines whose numbers are told; the others are counted


class Run:
    """Translates one input after the other, and reports on them.

    Args:
        translator: of all inputs
        attention, report, alignments: where those of each line go, if anywhere
        options: of the command
        prefixes: of lines of plain text
        quiet: whether no progress is shown, as where the translations appear on the same terminal
    """

    def __init__(
        self,
        translator: Translator,
        attention: Write | None,
        report: Callable[[Entry], None] | None,
        alignments: Callable[[str], object] | None,
        options: argparse.Namespace,
        *,
        prefixes: PrefixLines,
        quiet: bool,
    ) -> None:
        self._translator, self._options = translator, options
        self._attention, self._report, self._alignments = attention, report, alignments
        self._doubts, self._terms = Doubts(options.unsure), TermCount()
        self._prefixes = prefixes
        self._lines = 0  # of all inputs so far
        self._without_prefix = 0  # lines that should have one
        self._long_lines = 0
        self._started = time.monotonic()
        self._progress = sys.stderr.isatty() and not quiet

    def lines(self, file: BinaryIO, name: str, output: Output) -> None:
        """Translate lines window by window: those that a pipe holds are translated before more are waited for."""
        reader = LineReader(file, name, errors=self._options.encoding_errors)
        number = 1
        for window in _pieces(reader.windows(), output.window):
            output.encode_as(reader.encoding, name)
            done = self._pass_over(window, output)
            sources, prefixes = self._prefixes.split(window)
            if rest := sources[done:]:
                translations = self._translated(rest, prefixes and prefixes[done:])
                doubtful = self._doubts.doubtful
                lines = list(self._output_lines(rest, translations))
                self._write(output, window[done:], lines, translations, doubtful)
                self._follow(rest, translations, name, "line", range(number + done, number + len(window)))
            number += len(window)
        if reader.replaced:
            self._warn(f"{name}: {reader.replaced:,} sequences of bytes that are not UTF-8 were replaced by U+FFFD")

    def end_of_lines(self) -> None:
        """Check that no prefix is left, before an output of plain text is finished."""
        self._prefixes.check_end()

    def document(self, document: Document, name: str, output: Output) -> None:
        """Translate the segments of a document to the lines of an output."""
        for start in range(0, len(document.segments), output.window):
            window = document.segments[start : start + output.window]
            done = self._pass_over(window, output)
            if rest := window[done:]:
                translations = self._repaired(rest, self._translated(rest))
                doubtful = self._doubts.doubtful
                written = [self._doubts.written(*pair) for pair in zip(translations, rest)]
                self._write(output, rest, written, translations, doubtful)
                places = document.places[start + done : start + len(window)]
                self._follow(rest, translations, name, document.unit, places)

    def resumed(self, progress: Progress) -> None:
        """Count what an interrupted command has done."""
        self._doubts.doubtful += progress.doubtful
        self._long_lines += progress.long

    def _pass_over(self, window: Sequence[str], output: Output) -> int:
        done = output.pass_over(window)
        self._lines += done
        return done

    def _write(
        self,
        output: Output,
        sources: Sequence[str],
        written: Sequence[str],
        translations: Sequence[Translation],
        doubtful: int,
    ) -> None:
        """Write lines; `doubtful` is how many were so before them."""
        long = sum(translation.is_long for translation in translations)
        output.write(sources, written, doubtful=self._doubts.doubtful - doubtful, long=long)

    def _translated(self, window: Sequence[str], prefixes: Sequence[str] | None = None) -> list[Translation]:
        translations = self._translator.translate(window, first=self._lines, prefixes=prefixes)
        if len(translations) != len(window):
            raise RuntimeError(f"{len(window)} lines gave {len(translations)} translations")
        return translations

    def _repaired(self, window: Sequence[str], translations: Sequence[Translation]) -> list[Translation]:
        """The translations; where tags were lost, the texts between them are translated one by one."""
        broken = {i for i, pair in enumerate(zip(window, translations)) if not keeps_tags(pair[0], pair[1].text)}
        if not broken:
            return list(translations)
        texts = [text for i in sorted(broken) for text in texts_between(window[i])]
        found = (each.text for each in self._translated(texts))
        pairs = enumerate(zip(window, translations))
        return [_with_text(old, join_texts(segment, found)) if i in broken else old for i, (segment, old) in pairs]

    def _follow(
        self, sources: Sequence[str], translations: Sequence[Translation], name: str, unit: str, places: Sequence[int]
    ) -> None:
        """Report on lines that are translated."""
        self._report_long_lines(translations, name, unit, places)
        self._report_prefixes(translations, name, unit, places)
        if self._attention:
            from translation.attention import translation_view

            for place, translation in zip(places, translations):
                self._attention(translation_view(translation, f"{name}: {unit} {place}"))
        if self._report:
            calibrated = self._translator.calibration is not None
            for place, source, translation in zip(places, sources, translations):
                self._report(entry(translation, source, name, place, calibrated=calibrated))
        if self._alignments:
            from translation.alignment import pharaoh

            for translation in translations:
                self._alignments(f"{pharaoh(translation.alignment or ())}\n")
        for translation in translations:
            self._terms.add(translation)
        self._lines += len(sources)
        self._show_progress()

    def report(self) -> int:
        """Report the numbers of lines with problems, and end the line of progress; return the exit code."""
        if self._without_prefix > NAMED:
            self._warn(f"{self._without_prefix:,} translations do not begin with their prefixes in all")
        if self._long_lines > NAMED:
            self._warn(f"{self._long_lines:,} lines were cut into pieces in all")
        advice = "" if self._report else "; --report FILE says which and why"
        for summary in (self._terms.summary(advice), self._doubts.summary(self._lines, advice)):
            if summary:
                self._clear_progress()
                print(summary, file=sys.stderr)
        if self._progress:
            print(file=sys.stderr)
        return 1 if self._without_prefix else 0

    def _output_lines(self, sources: Sequence[str], translations: Sequence[Translation]) -> Iterator[str]:
        for line, (source, translation) in enumerate(zip(sources, translations), self._lines):
            written = self._doubts.written(translation, source)
            if self._options.n_best is None:
                yield written
            else:
                for each in translation.n_best:  # a copied line has no score
                    score = f"{each.score:.4f}" if each.tokens else ""
                    yield f"{line} ||| {each.text} ||| {score}"

    def _report_prefixes(
        self, translations: Sequence[Translation], name: str, unit: str, places: Sequence[int]
    ) -> None:
        for place in (place for place, translation in zip(places, translations) if not translation.prefix_kept):
            self._without_prefix += 1
            if self._without_prefix <= NAMED:
                self._warn(f"{name}: {unit} {place} has a prefix that the model cannot write as the beginning")

    def _report_long_lines(
        self, translations: Sequence[Translation], name: str, unit: str, places: Sequence[int]
    ) -> None:
        for place, translation in zip(places, translations):
            if translation.is_long:
                self._long_lines += 1
                if self._long_lines <= NAMED:
                    self._warn(
                        f"{name}: {unit} {place} is longer than all lines that the model was trained on "
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


def _pieces(windows: Iterable[list[str]], size: int) -> Iterator[list[str]]:
    """The windows, those that are larger than `size` in pieces."""
    for window in windows:
        for start in range(0, len(window), size):
            yield window[start : start + size]


def _with_text(translation: Translation, text: str) -> Translation:
    """A translation with another text, whose words are linked to none."""
    best, *others = translation.n_best
    terms = checked_terms(text, translation.terms, any_case=True)
    return replace(translation, n_best=(replace(best, text=text), *others), alignment=None, terms=terms)

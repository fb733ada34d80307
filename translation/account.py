"""Account of translated lines: files beside the output, warnings about single lines, and a summary at the end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2s.cli.progress_line import ProgressLine
from s2s.errors import counted, warn
from translation.counts import Counts
from translation.report import ReportEntry, Unsure, doubtful_lines, entry

if TYPE_CHECKING:
    from s2s.decoding.results import Translation
    from s2s.views.attention_output import Write
    from s2s.views.attention_view import Photograph
    from translation.translator import Translator

_NAMED = 3  # lines with the same problem whose numbers are told; the others are counted
_LONG, _PREFIX = "long", "prefix"  # the problems


@dataclass(frozen=True)
class SideFiles:
    """Where the attention, the report and the alignment of each line go, if anywhere."""

    attention: Write | None = None
    report: Callable[[ReportEntry], None] | None = None
    alignments: Callable[[str], object] | None = None


class Account:
    """Tells of lines that are translated.

    Args:
        translator: of all lines
        side_files: see the class
        unsure: what is written for doubtful lines
        quiet: whether no progress is shown

    Attributes:
        lines: how many there were so far
    """

    def __init__(self, translator: Translator, side_files: SideFiles, *, unsure: Unsure, quiet: bool) -> None:
        self._translator, self._side = translator, side_files
        self._unsure: Unsure = unsure
        self._counts, self._named, self._progress = Counts(), Counter[str](), ProgressLine(quiet=quiet)
        self.lines = 0

    def resumed(self, counts: Counts) -> None:
        """Count what an interrupted command has translated, besides the lines."""
        self._counts += counts

    def passed_over(self, lines: int) -> None:
        """Count lines that an interrupted command has translated."""
        self.lines += lines

    def follow(
        self,
        sources: Sequence[str],
        translations: Sequence[Translation],
        name: str,
        unit: str,
        places: Sequence[int],
        photographs: Sequence[Photograph | None] | None = None,
    ) -> None:
        """Tell of lines that are translated.

        Args:
            sources: the lines
            translations: of them
            name: of the input
            unit: what `places` count, such as "line"
            places: of the lines in the input
            photographs: those beside the lines; None where there are none
        """
        for place, translation in zip(places, translations):
            self._warn_of_line(translation, f"{name}: {unit} {place}")
        if self._side.attention:
            from translation.attention import translation_view

            for place, translation, photograph in zip(places, translations, photographs or [None] * len(places)):
                self._side.attention(translation_view(translation, f"{name}: {unit} {place}", photograph))
        if self._side.report:
            calibrated = self._translator.calibration is not None
            for place, source, translation in zip(places, sources, translations):
                self._side.report(entry(translation, source, name, place, calibrated=calibrated))
        if self._side.alignments:
            from translation.alignment import pharaoh

            for translation in translations:
                self._side.alignments(f"{pharaoh(translation.alignment or ())}\n")
        self._counts += Counts.of(translations)
        self.lines += len(sources)
        self._progress.show(self.lines)

    def warn(self, message: str) -> None:
        """Warn, without a trace of the line of progress."""
        self._progress.clear()
        warn(message)

    def finish(self) -> int:
        """Tell how many lines have problems; return the exit code."""
        counts = self._counts
        if counts.without_prefix > self._named[_PREFIX]:
            several = "translation does not begin with its prefix", "translations do not begin with their prefixes"
            self.warn(f"{counted(counts.without_prefix, *several)} in all")
        if counts.long > self._named[_LONG]:
            self.warn(f"{counted(counts.long, 'line was', 'lines were')} cut into pieces in all")
        for summary in self._summaries():
            self._progress.clear()
            print(summary, file=sys.stderr)
        self._progress.end()
        return 1 if counts.without_prefix else 0

    def _summaries(self) -> Iterator[str]:
        advice = "" if self._side.report else "; --report FILE says which and why"
        lines = (
            self._counts.missing_terms(advice),
            doubtful_lines(self._counts.doubtful, self.lines, self._unsure, advice),
        )
        yield from filter(None, lines)

    def _warn_of_line(self, translation: Translation, where: str) -> None:
        if translation.is_long:
            self._name(
                _LONG,
                f"{where} is longer than all lines that the model was trained on "
                f"({self._translator.max_source_length} tokens); it was translated in {translation.pieces:,} pieces",
            )
        if not translation.prefix_kept:
            self._name(_PREFIX, f"{where} has a prefix that the model cannot write as the beginning")

    def _name(self, problem: str, message: str) -> None:
        """Warn of a line with a problem, unless enough lines with the same one were named."""
        if self._named[problem] < _NAMED:
            self._named[problem] += 1
            self.warn(message)

"""A run of the `translate` command: input after input is translated and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, Literal

from s2s.text.file_kinds import replaced_bytes
from s2s.text.lines import LineReader
from translation.account import Account
from translation.counts import Counts
from translation.line_pictures import LinePictures
from translation.lost_tags import with_tags
from translation.outputs import Output
from translation.prefix_lines import PrefixLines
from translation.report import Unsure, written_line

if TYPE_CHECKING:
    from s2s.decoding.results import Translation
    from s2s.vision.grids import Features
    from translation.formats.document import Document
    from translation.translator import Translator


class Run:
    """Translates one input after the other.

    Args:
        translator: of all inputs
        account: is told of all lines
        prefixes: of lines of plain text
        pictures: of lines of plain text; None for a model that sees none
        n_best: whether all hypotheses of a line are written, each on a line of its own
        unsure: what is written for doubtful lines
        encoding_errors: what is done about bytes that are not UTF-8
    """

    def __init__(
        self,
        translator: Translator,
        account: Account,
        prefixes: PrefixLines,
        pictures: LinePictures | None = None,
        *,
        n_best: bool,
        unsure: Unsure,
        encoding_errors: Literal["strict", "replace"],
    ) -> None:
        self._translator, self._account, self._prefixes, self._pictures = translator, account, prefixes, pictures
        self._n_best = n_best
        self._unsure: Unsure = unsure
        self._encoding_errors: Literal["strict", "replace"] = encoding_errors

    def lines(self, file: BinaryIO, name: str, output: Output) -> None:
        """Translate lines window by window: those that a pipe holds are translated before more are waited for."""
        reader = LineReader(file, name, errors=self._encoding_errors)
        number = 1
        for window in _pieces(reader.windows(), output.window):
            output.encode_as(reader.encoding, name)
            done = self._pass_over(window, output)
            sources, prefixes = self._prefixes.split(window)
            photographs, seen = self._pictures.take(len(sources), done) if self._pictures else (None, None)
            if rest := sources[done:]:
                translations = self._translated(rest, self._places(len(rest)), prefixes and prefixes[done:], seen)
                lines = list(self._output_lines(rest, translations))
                output.write(window[done:], lines, Counts.of(translations))
                places = range(number + done, number + len(window))
                self._account.follow(rest, translations, name, "line", places, photographs)
            number += len(window)
        if reader.replaced:
            self._account.warn(replaced_bytes(name, reader.replaced))

    def end_of_lines(self) -> None:
        """Check that no prefix and no picture is left, before an output of plain text is finished."""
        self._prefixes.check_end()
        if self._pictures:
            self._pictures.check_end()

    def document(self, document: Document, name: str, output: Output) -> None:
        """Translate the segments of a document to the lines of an output."""
        for start in range(0, len(document.segments), output.window):
            window = document.segments[start : start + output.window]
            done = self._pass_over(window, output)
            if rest := window[done:]:
                translations = self._translated(rest, self._places(len(rest)))
                translations = with_tags(rest, translations, self._translated, self._account.lines)
                written = [written_line(*pair, self._unsure) for pair in zip(translations, rest)]
                output.write(rest, written, Counts.of(translations))
                places = document.places[start + done : start + len(window)]
                self._account.follow(rest, translations, name, document.unit, places)

    def resumed(self, counts: Counts) -> None:
        """Count what an interrupted command has done."""
        self._account.resumed(counts)

    def _pass_over(self, window: Sequence[str], output: Output) -> int:
        done = output.pass_over(window)
        self._account.passed_over(done)
        return done

    def _places(self, count: int) -> list[tuple[int, ...]]:
        """The numbers of the next lines of all inputs."""
        return [(number,) for number in range(self._account.lines, self._account.lines + count)]

    def _translated(
        self,
        lines: Sequence[str],
        places: Sequence[tuple[int, ...]],
        prefixes: Sequence[str] | None = None,
        pictures: Sequence[Features | None] | None = None,
    ) -> list[Translation]:
        translations = self._translator.translate(lines, places=places, prefixes=prefixes, pictures=pictures)
        if len(translations) != len(lines):
            raise RuntimeError(f"{len(lines)} lines gave {len(translations)} translations")
        return translations

    def _output_lines(self, sources: Sequence[str], translations: Sequence[Translation]) -> Iterator[str]:
        for line, (source, translation) in enumerate(zip(sources, translations), self._account.lines):
            if not self._n_best:
                yield written_line(translation, source, self._unsure)
                continue
            for each in translation.n_best:  # a copied line has no score
                score = f"{each.score:.4f}" if each.tokens else ""
                yield f"{line} ||| {each.text} ||| {score}"


def _pieces(windows: Iterable[list[str]], size: int) -> Iterator[list[str]]:
    """The windows, those that are larger than `size` in pieces."""
    for window in windows:
        for start in range(0, len(window), size):
            yield window[start : start + size]

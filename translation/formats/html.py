"""HTML: its text is translated, and its markup stays byte for byte; see `translation.formats.html_text`."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from translation.formats.document import FormatOptions
from translation.formats.html_text import HtmlText
from translation.formats.text_file import TextFile, read_text_file


class HtmlDocument:
    """A page; see `Document`."""

    unit = "line"

    def __init__(self, file: TextFile) -> None:
        self._file, self._text = file, HtmlText(file.text)
        self.segments = [unicodedata.normalize("NFC", line) for line in self._text.lines]
        self.places = self._text.line_numbers()

    def write(self, translations: Sequence[str]) -> bytes:
        """See `Document.write`."""
        triples = zip(self._text.lines, self.segments, translations, strict=True)
        lines = [line if translation == segment else translation for line, segment, translation in triples]
        return self._file.encode(self._text.write(lines))


def read(content: bytes, options: FormatOptions) -> HtmlDocument:
    """Read HTML; see `translation.formats.document`."""
    return HtmlDocument(read_text_file(content, options))

"""The contract of formats: a document with its segments, and the options that formats have.

A format is a module with the function `read(content: bytes, options: FormatOptions) -> Document`, and a row of the
table in `translation.formats.registry`. `read` raises a UserError that begins with the place, such as "line 3: ...",
about a file that is broken; the caller puts the name of the file before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

LINE_LENGTH = 42  # of subtitles, which most guides for subtitlers give


class Document(Protocol):
    """A file in its segments.

    Attributes:
        segments: the texts to be translated, each without a line end, in NFC, in the order of the file. Inline markup
            is in them as numbered tags, `<0>`, `</0>` and `<1/>`: a translation that `write` gets has the tags of its
            segment, each once and properly nested, see `translation.formats.tags`.
        places: where each segment begins: the number of its line, or of its paragraph in a format without lines
        unit: what `places` count, such as "line"
    """

    @property
    def segments(self) -> Sequence[str]: ...

    @property
    def places(self) -> Sequence[int]: ...

    @property
    def unit(self) -> str: ...

    def write(self, translations: Sequence[str]) -> bytes:
        """The whole file with a translation in place of each segment; `write(segments)` is the file, byte for byte."""
        ...


@dataclass(frozen=True)
class FormatOptions:
    """What can be set about formats; each format uses those that concern it.

    Attributes:
        encoding_errors: what is done about bytes that are not text: "strict" raises a UserError, "replace" replaces
            them by U+FFFD
        columns: of a TSV file that are translated: numbers from 1, or names in its first line
        fields: of the objects of a JSONL file that are translated; `a.b` is one of that name or a field of a field
        line_length: the greatest width of a line of subtitles, in letters
        replace_fuzzy: whether messages of a PO file that have a fuzzy translation get a new one
        name: of the file, for warnings
    """

    encoding_errors: Literal["strict", "replace"] = "strict"
    columns: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    line_length: int = LINE_LENGTH
    replace_fuzzy: bool = False
    name: str = "the file"

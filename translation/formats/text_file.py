"""Text files of formats: bytes to a text and back, and texts with parts that are replaced."""

from __future__ import annotations

import codecs
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from s2s.errors import UserError, warn
from s2s.text.file_kinds import kind_of, replaced_bytes, wide_encoding
from translation.formats.document import FormatOptions

_ENCODINGS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CONVERT = "convert the file to UTF-8 first, for example with iconv"
_BEGINNING = 4096  # bytes by which the kind of a file is told
MARKS = tuple(mark for mark, _ in _ENCODINGS)
_JAPANESE = ("shift_jis", "euc_jp", "iso2022_jp")  # codecs that make "\\" and "~" of these signs
_LOSSY = str.maketrans({"\xa5": "&#165;", "\u203e": "&#8254;"})
_NAMES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}


@dataclass(frozen=True)
class TextFile:
    """A file of text.

    Attributes:
        text: all of it, without a byte order mark; line ends are as in the file
        encoding: its codec
        mark: its byte order mark, or nothing
    """

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""

    def encode(self, text: str) -> bytes:
        """Another text in the encoding of this file; letters that this lacks become references of HTML."""
        if self.encoding.startswith(_JAPANESE):
            text = text.translate(_LOSSY)
        return self.mark + text.encode(self.encoding, "xmlcharrefreplace")


def read_text_file(content: bytes, options: FormatOptions) -> TextFile:
    """Decode UTF-8, or UTF-16 with a byte order mark.

    Raises:
        UserError: bytes that are not of the encoding, unless they are to be replaced; or NUL bytes. It begins with the
            line and the byte.
    """
    if kind := kind_of(content[:_BEGINNING]):
        raise UserError(f"is {kind[0]}, not text; {kind[1]}")
    mark, encoding = next((each for each in _ENCODINGS if content.startswith(each[0])), (b"", "utf-8"))
    body = content[len(mark) :]
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        if options.encoding_errors == "strict":
            raise UserError(_complaint(body, len(mark), encoding, error)) from error
        text = body.decode(encoding, "replace")
        replaced = text.count("\ufffd") - body.count("\ufffd".encode(encoding))  # not those in the file itself
        warn(replaced_bytes(options.name, replaced, _NAMES[encoding]))
    if (nul := text.find("\0")) >= 0:
        wide = wide_encoding(body[:_BEGINNING])
        what = f"looks like {wide} without a byte order mark" if wide else "a NUL character, which no text has"
        raise UserError(f"line {line_number(text, nul)}: {what}; {_CONVERT}")
    return TextFile(text, encoding, mark)


def _complaint(body: bytes, skipped: int, encoding: str, error: UnicodeDecodeError) -> str:
    line = body[: error.start].decode(encoding, "ignore").count("\n") + 1
    found = body[error.start : error.end].hex(" ").upper()
    name = _NAMES[encoding]
    return f"line {line}, byte {skipped + error.start}: not {name}: {found} ({error.reason}); {_CONVERT}"


def line_number(text: str, offset: int) -> int:
    """The number, from 1, of the line that an offset lies in."""
    return text.count("\n", 0, offset) + 1


@dataclass(frozen=True)
class Part:
    """A part of a text that is translated.

    Attributes:
        start, end: its offsets in the text, [start, end)
        segment: what is translated of it
        render: makes the part of a translation
    """

    start: int
    end: int
    segment: str
    render: Callable[[str], str] = str


class TextDocument:
    """A text file of which some parts are translated; the rest stays as it is. See `Document`.

    A part whose translation is its segment stays as it is too, whatever its form in the file.
    """

    unit = "line"

    def __init__(self, file: TextFile, parts: Iterable[Part]) -> None:
        self._file, self._parts = file, list(parts)
        self.segments = [unicodedata.normalize("NFC", part.segment) for part in self._parts]
        starts = [0, *(part.start for part in self._parts)]
        ends = [file.text.count("\n", start, end) for start, end in pairwise(starts)]
        self.places = [1 + lines for lines in accumulate(ends)]

    def write(self, translations: Sequence[str]) -> bytes:
        """See `Document.write`."""
        return self._file.encode(self.written(translations))

    def written(self, translations: Sequence[str]) -> str:
        """The text of what `write` returns."""
        text, written, end = self._file.text, list[str](), 0
        for part, segment, translation in zip(self._parts, self.segments, translations, strict=True):
            if translation != segment:
                written += [text[end : part.start], part.render(translation)]
                end = part.end
        written.append(text[end:])
        return "".join(written)

"""PO files of gettext: messages without a translation get one, marked as fuzzy; all else stays as it is.

A translation that equals its message is not written: a program without a translation shows the message itself.
"""

from __future__ import annotations

import gettext
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from s2s.errors import UserError, first_few, warn
from translation.formats.document import Document, FormatOptions
from translation.formats.po_syntax import Message, messages, quoted
from translation.formats.po_text import MessageText
from translation.formats.text_file import TextFile, read_text_file

_CHARSET = re.compile(rb'^\s*"Content-Type:[^"\n]*?charset=([\w.:-]+)', re.MULTILINE | re.IGNORECASE)
_PLURAL = re.compile(r"nplurals\s*=\s*(\d+)\s*;\s*plural\s*=([^;]+)")
_BRACES = {"python-brace-format", "csharp-format", "kotlin-format", "rust-format", "c++-format", "java-format"}
_REORDERS = {"c-format", "objc-format", "php-format", "qt-format", "boost-format", "awk-format", "sh-printf-format"}
_NUMBERS = range(1000)
_OFTEN = 5  # numbers: msgfmt expects a form of so many to have all directives


def read(content: bytes, options: FormatOptions) -> Document:
    """Read a PO file.

    Raises:
        UserError: its syntax is wrong, a message is there twice, or the encoding is unknown.
    """
    file = _decoded(content, options)
    return PoDocument(file, messages(file.text), options)


def _decoded(content: bytes, options: FormatOptions) -> TextFile:
    """The text, in the encoding that the header names."""
    declared = _CHARSET.search(content)
    name = declared[1].decode() if declared else "UTF-8"
    if name.upper() in ("UTF-8", "UTF8", "CHARSET"):  # CHARSET stands in templates
        return read_text_file(content, options)
    try:
        return TextFile(content.decode(name), name)
    except (LookupError, UnicodeDecodeError) as error:
        raise UserError(f"not in {name}, which the header names; convert it with msgconv --to-code=UTF-8") from error


@dataclass(frozen=True)
class _Task:
    """A message that is translated.

    Attributes:
        message: it
        singular, plural: its texts; a message without plural has one
        forms: the empty forms, and whether each has the plural
    """

    message: Message
    singular: MessageText
    plural: MessageText | None
    forms: dict[int, bool]

    @property
    def texts(self) -> list[MessageText]:
        """The texts that are written, first the singular."""
        pairs = (self.singular, False), (self.plural, True)
        return [text for text, plural in pairs if text and plural in self.forms.values()]


class PoDocument:
    """A PO file. See `translation.formats.document.Document`."""

    unit = "line"

    def __init__(self, file: TextFile, found: Sequence[Message], options: FormatOptions) -> None:
        self._file = file
        self._newline = "\r\n" if "\r\n" in file.text else "\n"
        header = next((each for each in found if not each.source.text and "msgctxt" not in each.strings), None)
        plurals = _plural_forms(header.forms[0].text if header else "")
        wanted = (each for each in found if each is not header and _is_wanted(each, options))
        self._tasks = [_task(each, plurals) for each in wanted]
        pairs = [(task, segment) for task in self._tasks for text in task.texts for segment in text.segments]
        self.segments = [unicodedata.normalize("NFC", segment) for _, segment in pairs]
        self.places = [task.message.source.line for task, _ in pairs]

    def write(self, translations: Sequence[str]) -> bytes:
        """See `Document.write`."""
        queue = iter(zip(self.segments, translations, strict=True))
        replaced, without = list[tuple[int, int, str]](), dict[str, list[int]]()
        for task in self._tasks:
            pairs = [[next(queue) for _ in text.segments] for text in task.texts]
            if all(segment == translation for part in pairs for segment, translation in part):
                continue
            texts = [text.restore([new for _, new in part]) for text, part in zip(task.texts, pairs)]
            if None in texts:
                reason = "format directives (such as %s) would be lost or out of order"
                without.setdefault(reason, []).append(task.message.source.line)
            elif not self._can_encode("".join(map(str, texts))):
                reason = f"{self._file.encoding} lacks letters of the translation (see msgconv --to-code=UTF-8)"
                without.setdefault(reason, []).append(task.message.source.line)
            else:
                replaced += self._replacements(task, [text or "" for text in texts])
        for reason, lines in without.items():
            what = "message was" if len(lines) == 1 else "messages were"
            warn(f"{len(lines):,} {what} not translated, because {reason}: line {first_few(lines)}")
        written, end = list[str](), 0
        for start, stop, new in sorted(replaced):
            written += [self._file.text[end:start], new]
            end = stop
        return self._file.encode("".join([*written, self._file.text[end:]]))

    def _replacements(self, task: _Task, texts: Sequence[str]) -> Iterator[tuple[int, int, str]]:
        """What is written of a message, each with the place in the file: the flag, and the translations."""
        message = task.message
        if "fuzzy" not in message.flags:
            if message.flags_at is not None:
                yield message.flags_at, message.flags_at, "fuzzy, "
            else:
                start = message.start or 0
                yield start, start, f"#, fuzzy{self._newline}"
        for form, plural in task.forms.items():
            string = message.forms[form]
            yield string.start, string.end, quoted(texts[-1] if plural else texts[0], self._newline)

    def _can_encode(self, text: str) -> bool:
        try:
            text.encode(self._file.encoding)
        except UnicodeEncodeError:
            return False
        return True


def _is_wanted(message: Message, options: FormatOptions) -> bool:
    if "fuzzy" in message.flags:
        return options.replace_fuzzy or not any(form.text for form in message.forms.values())
    return not all(form.text for form in message.forms.values())


def _task(message: Message, plurals: Sequence[set[int]]) -> _Task:
    formats = {flag for flag in message.flags if flag.endswith("-format") and not flag.startswith("no-")}
    kind = "{" if formats & _BRACES else "%" if formats else ""
    reorders = bool(formats & _REORDERS)
    replaces = "fuzzy" in message.flags
    empty = [form for form, string in message.forms.items() if replaces or not string.text]
    singular = MessageText(message.source.text, kind, reorders)
    if message.plural is None:
        return _Task(message, singular, None, dict.fromkeys(empty, False))
    plural = MessageText(message.plural.text, kind, reorders)
    same = singular.directives == plural.directives
    forms = {form: not _is_singular(plurals[form] if form < len(plurals) else set(), form, same) for form in empty}
    return _Task(message, singular, plural, forms)


def _is_singular(numbers: set[int], form: int, same_directives: bool) -> bool:
    """Whether a plural form is written like the singular: it is that of 1, and of few others if it has no directive."""
    if not numbers:
        return form == 0
    return 1 in numbers and (same_directives or len(numbers) < _OFTEN)


def _plural_forms(header: str) -> list[set[int]]:
    """The numbers that have each plural form; none if the header does not say."""
    found = _PLURAL.search(header)
    if not found or not 0 < int(found[1]) < 10:
        return []
    try:
        function = gettext.c2py(found[2].strip())
        forms = [function(number) for number in _NUMBERS]
    except (ValueError, OverflowError, ZeroDivisionError, RecursionError):  # as in a template: plural=EXPRESSION
        return []
    return [{number for number in _NUMBERS if forms[number] == form} for form in range(int(found[1]))]

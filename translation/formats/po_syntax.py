"""The syntax of PO files: messages with the places of their parts in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from s2s.errors import UserError, check

_LINE = re.compile(
    r"(?P<comment>\s*#.*)|\s*(?P<keyword>msgctxt|msgid_plural|msgid|msgstr(?:\[(?P<form>\d{1,3})\])?)\s*(?P<first>\".*)"
    r"|\s*(?P<next>\".*)"
)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"\s*')
_ESCAPE = re.compile(r"\\([abfnrtv\"\\?']|[0-7]{1,3}|x[0-9a-fA-F]{1,2}|.)")
_ESCAPED = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\"}
_ESCAPES = str.maketrans({character: f"\\{letter}" for letter, character in _ESCAPED.items()})
_WIDTH = 77  # of a string, as gettext writes it


@dataclass
class String:
    """A string of a message.

    Attributes:
        line: on which it begins
        start, end: of all its quoted parts in the file, [start, end)
        text: what it stands for
    """

    line: int
    start: int
    end: int
    text: str


@dataclass
class Message:
    """A message of a PO file.

    Attributes:
        strings: by keyword: `msgctxt`, `msgid`, `msgid_plural`
        forms: `msgstr`, by the number of the plural form; 0 without plural
        flags: such as `fuzzy` and `c-format`
        flags_at: where the first flag stands in the file; None without flags
        start: where a line of flags would be written
    """

    strings: dict[str, String] = field(default_factory=dict)
    forms: dict[int, String] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    flags_at: int | None = None
    start: int | None = None

    @property
    def source(self) -> String:
        """What is translated."""
        return self.strings["msgid"]

    @property
    def plural(self) -> String | None:
        """What is translated for other numbers than one."""
        return self.strings.get("msgid_plural")


def messages(text: str) -> list[Message]:
    """The messages of a file; the header has an empty source. Obsolete messages are comments.

    Raises:
        UserError: the syntax is wrong, or a message is there twice. It begins with the line.
    """
    found = list(_messages(text))
    seen = dict[tuple[str | None, str], int]()
    for message in found:
        context = message.strings.get("msgctxt")
        first = seen.setdefault((context.text if context else None, message.source.text), message.source.line)
        check(
            first == message.source.line,
            f"line {message.source.line}: the same message as in line {first}; join them, for example with msguniq",
        )
    return found


def _messages(text: str) -> Iterator[Message]:
    message, last, start = Message(), None, 0
    for number, line in enumerate(text.split("\n"), start=1):
        match, offset = _LINE.fullmatch(line.rstrip("\r")), start
        start += len(line) + 1
        if not line.strip():
            continue
        if match is None:
            raise UserError(f"line {number}: neither a comment nor a string of a message; correct it")
        begins = match["comment"] is not None or match["keyword"] in ("msgctxt", "msgid")
        if message.forms and begins:
            yield _checked(message, number)
            message, last = Message(), None
        if match["comment"] is not None:
            if match["comment"].lstrip().startswith("#~") and not message.strings:
                message = Message()  # the flags before it are those of an obsolete message
            _add_comment(message, match, offset)
            continue
        if match["keyword"]:
            last = String(number, offset + match.start("first"), 0, "")
            if match["keyword"].startswith("msgstr"):
                check("msgid" in message.strings, f"line {number}: msgstr without msgid before it; correct it")
                check(
                    bool(message.plural) == (match["form"] is not None),
                    f"line {number}: msgstr[n] belongs to msgid_plural, and msgstr to a message without; correct it",
                )
                form = int(match["form"] or 0)
                check(form not in message.forms, f"line {number}: this form is there twice; remove one")
                message.forms[form] = last
            else:
                check(match["keyword"] not in message.strings, f"line {number}: msgstr is missing before; add it")
                message.strings[match["keyword"]] = last
                message.start = offset if message.start is None else message.start
        check(last, f"line {number}: a string without msgid or msgstr before it; correct it")
        if last:
            part = "first" if match["keyword"] else "next"
            last.text += _unescaped(match[part], number)
            last.end = offset + match.start(part) + len(match[part].rstrip())
    if message.strings:
        yield _checked(message, text.count("\n") + 1)


def _checked(message: Message, line: int) -> Message:
    check("msgid" in message.strings, f"line {line}: a message without msgid ends here; correct it")
    check(message.forms, f"line {line}: the message of line {message.source.line} has no msgstr; add it")
    return message


def _add_comment(message: Message, match: re.Match[str], offset: int) -> None:
    comment = match["comment"].lstrip()
    at = offset + match.start("comment") + len(match["comment"]) - len(comment)
    if comment.startswith("#,"):
        flags = comment[2:]
        message.flags |= {flag.strip() for flag in flags.split(",")} - {""}
        if message.flags_at is None and flags.strip():
            message.flags_at = at + 2 + len(flags) - len(flags.lstrip())
    elif comment.startswith("#|") and message.start is None:  # flags stand before the previous message
        message.start = at


def _unescaped(quoted: str, line: int) -> str:
    string = _STRING.fullmatch(quoted)
    if string is None:
        raise UserError(f"line {line}: a string that has no quotation mark at its end, or one inside it; correct it")

    def character(match: re.Match[str]) -> str:
        escape = match[1]
        if escape in _ESCAPED or escape in "'?":
            return _ESCAPED.get(escape, escape)
        if escape[0] == "x" and len(escape) > 1:
            return chr(int(escape[1:], 16))
        octal = not set(escape) - set("01234567")
        check(octal, f"line {line}: \\{escape} is no character of a PO file; write \\\\ for a backslash")
        return chr(int(escape, 8))

    return _ESCAPE.sub(character, string[1])


def quoted(text: str, newline: str) -> str:
    r"""A text as a string of a PO file, in lines that end at `\n` or between words, as gettext writes it."""
    whole = text.translate(_ESCAPES)
    inner = text.rstrip("\n")
    if "\n" not in inner and len(whole) <= _WIDTH - len("msgstr "):
        return f'"{whole}"'
    lines = [""]
    for paragraph in re.findall(r"[^\n]*\n|[^\n]+", text):
        lines += _wrapped(paragraph.translate(_ESCAPES))
    return newline.join(f'"{line}"' for line in lines)


def _wrapped(text: str) -> Iterator[str]:
    line = ""
    for word in re.findall(r"\S+\s*|\s+", text):
        if line and len(line) + len(word.rstrip()) > _WIDTH:
            yield line
            line = ""
        line += word
    yield line

r"""Messages of programs: what is translated of a text with line ends, columns, directives and a mnemonic.

    message      "_Copy %s of\n%d files?\n"
    segment      "Copy %1$s of %2$d files?"       without the mnemonic, with numbered directives
    message      "  -v, --verbose   print more\n"
    segment      "print more"                     the option is kept

Lines that were broken inside a sentence are translated as one, and broken again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from translation.formats.line_breaks import break_lines, width

_DIRECTIVE = re.compile(
    r"%(?!%)(?:\((\w+)\)|(\d+)\$)?[-+ #0'I]*(?:\*|\d+)?(?:\.(?:\*|\d+)?)?"
    r"(?:(?:hh?|ll?|[Lqjzt])?[diouxXeEfFgGaAcCsSpnmrb]|@|<\w+>)"
)
_NUMBERED = re.compile(r"%(\d+)\$s")
_MNEMONIC = re.compile(r"(?<![\w&_])([_&])(?=[^\W\d_])|(?<![\w.])[A-Z][a-z]*(_)[a-z]+(?![\w(])")
_NO_WORDS = re.compile(
    rf"{_DIRECTIVE.pattern}|\{{[^{{}}]*\}}|&\w+;|`[^`]*`|\w*_\w*\(\)"
)  # a sign in these is no mnemonic
_LONGEST_LABEL = 60  # of a menu or button: only such a text has a mnemonic
_COLUMNS = re.compile(r"(?<=\S)(?:[ ]{2,}|[ ]*\t[ \t]*)(?=\S)")
_OPTION = re.compile(r"-{1,2}\w")
_FILLED = 30  # characters of a line that was broken because it was full
_SENTENCE_END = re.compile(r"[.!?:…。]['\"”’»)\]]*$")


@dataclass
class _Line:
    """Lines that are translated together.

    Attributes:
        before, after: white space, or a column that is kept
        text: of all lines, with one space between
        widths: of each
    """

    before: str
    text: str
    after: str
    widths: list[int]


@dataclass
class MessageText:
    """A message, and the segments that are translated of it.

    Attributes:
        text: the message
        kind: of its format: "%" with directives such as `%s`, "{" with fields in braces, or nothing
        reorders: whether directives may be numbered (`%2$s`), so that their order may change
        segments: what is translated
        directives: of the kind "%", in order
    """

    text: str
    kind: str = ""
    reorders: bool = False
    segments: list[str] = field(init=False)
    directives: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        at = _mnemonic(self.text)
        self._mnemonic, text = ("", self.text) if at is None else (self.text[at], self.text[:at] + self.text[at + 1 :])
        if self.kind == "%":
            text = _DIRECTIVE.sub(self._numbered, text)
        self._lines = _lines(text)
        self.segments = [line.text for line in self._lines if _is_text(line.text)]

    def _numbered(self, match: re.Match[str]) -> str:
        self.directives.append(match[0])
        return f"%{len(self.directives)}$s"

    def restore(self, translations: Sequence[str]) -> str | None:
        """The message in other words; None if it would not have the directives of this one."""
        queue = iter(translations)
        text = "".join(_rendered(line, next(queue)) if _is_text(line.text) else _kept(line) for line in self._lines)
        if self._mnemonic:
            text = re.sub(r"(?<![\w${])[^\W\d_]", lambda match: f"{self._mnemonic}{match[0]}", text, count=1)
        if self.kind == "{":
            same = sorted(re.findall(r"\{[^{}]*\}", text)) == sorted(re.findall(r"\{[^{}]*\}", self.text))
            return text if same else None
        return self._with_directives(text) if self.kind == "%" else text

    def _with_directives(self, text: str) -> str | None:
        numbers = [int(number) for number in _NUMBERED.findall(text)]
        in_order, found = list(range(1, len(self.directives) + 1)), self.directives
        if sorted(numbers) != in_order or len(_DIRECTIVE.findall(text)) != len(found):
            return None
        positional = numbers != in_order and not all(re.match(r"%(?:\(|\d+\$)", each) for each in found)
        if positional and not (self.reorders and all(re.match(r"%[^*(<$]+$", each) for each in found)):
            return None

        def directive(match: re.Match[str]) -> str:
            original = found[int(match[1]) - 1]
            return f"%{match[1]}${original[1:]}" if positional else original

        return _NUMBERED.sub(directive, text)


def _mnemonic(text: str) -> int | None:
    """Where the sign stands that makes the next letter a mnemonic, `_` or `&`; None if there is none."""
    if len(text) > _LONGEST_LABEL:
        return None
    words = _NO_WORDS.sub(lambda match: "." * len(match[0]), text)
    found = [match.start(match.lastindex or 0) for match in _MNEMONIC.finditer(words)]
    return found[0] if len(found) == 1 and words.count(text[found[0]]) == 1 else None


def _is_text(text: str) -> bool:
    bare = re.sub(r"%\d+\$s|\{[^{}]*\}", "", text)
    return any(map(str.isalpha, bare)) and not _OPTION.match(text)


def _lines(text: str) -> list[_Line]:
    """The parts of a text that are translated one by one, with all between them."""
    found = list[_Line]()
    for raw in re.findall(r"[^\n]*\n|[^\n]+", text):
        columns = _COLUMNS.split(raw)
        between = [*_COLUMNS.findall(raw), ""]
        for column, space in zip(columns, between):
            bare = column.strip()
            start = column.index(bare) if bare else 0
            found.append(_Line(column[:start], bare, column[start + len(bare) :] + space, [width(bare)]))
        if len(columns) == 1 and len(found) > 1 and _goes_on(found[-2], found[-1]):
            last = found.pop()
            found[-1].text += f" {last.text}"
            found[-1].widths += last.widths
            found[-1].after = last.after
    return found


def _goes_on(before: _Line, after: _Line) -> bool:
    """Whether a line ends inside a sentence because it was full."""
    full = (
        before.after.strip(" ") in ("\n", "\r\n")
        and before.widths[-1] >= _FILLED
        and not _SENTENCE_END.search(before.text)
    )
    return full and not after.before and after.text[:1].islower()


def _kept(line: _Line) -> str:
    return f"{line.before}{line.text}{line.after}"


def _rendered(line: _Line, translation: str) -> str:
    if len(line.widths) == 1:
        return f"{line.before}{translation}{line.after}"
    spans = break_lines(translation, max(*line.widths, 60), len(line.widths))
    return line.before + "\n".join(translation[start:end] for start, end in spans) + line.after

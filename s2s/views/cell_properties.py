r"""Properties of a text that a cell of a recurrent layer may tell: inside quotes, position in the line, and others.

A property has a value after each token: what a reader knows who has read the token and the text around it. So the
opening quotation mark is inside of the quotes that it begins, and the closing one is outside. Most properties are those
of Karpathy, Johnson & Li (2015), "Visualizing and understanding recurrent networks".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2s.views.code_text import CLOSING, OPENING, Language, Scan, scan
from s2s.views.text_states import TextStates

NEAR = 10  # characters to the end of the line
_PAIRS = {"“": "”", "„": "“", "«": "»", "‹": "›", "「": "」"}
_LONGEST_QUOTE = 1000  # characters; a mark that was never closed does not turn the rest of a text inside out
_SPEAKER = re.compile(r"(?:^|(?<=\n\n))[^\W\d_a-zß-öø-ÿ][\w'’ .-]{0,40}:(?=\n)")
_WORD = re.compile(r"\w+(?:['’]\w+)*")

Values = NDArray[np.float64]  # one a character


@dataclass(frozen=True)
class Property:
    """A property of each token of a text.

    Attributes:
        name: for the reader, such as "inside quotes"
        values: (tokens,) float64: 0 or 1 of a yes/no property, else a number; NaN for a token that stands for no text
        is_number: whether it is a number
    """

    name: str
    values: NDArray[np.float64]
    is_number: bool


def properties(states: TextStates, language: Language | None = None) -> list[Property]:
    """The properties of a text: those of prose, or those of source code in a language."""
    text, ends = _characters(states)
    found = list[Property]()
    for name, is_number, values in _of_code(text, language) if language else _of_prose(text):
        found.append(Property(name, _of_tokens(values, ends, states, any_character=name == "upper case"), is_number))
    return found


def _characters(states: TextStates) -> tuple[str, list[int]]:
    r"""The text, with `\n` between sentences that were read apart, and where in it each token ends."""
    starts, ends = set(states.starts[1:]), list[int]()
    parts, length = list[str](), 0
    for number, piece in enumerate(states.pieces):
        if number in starts:
            parts.append("\n")
            length += 1
        parts.append(piece)
        length += len(piece)
        ends.append(length)
    return "".join(parts), ends


def _of_tokens(values: Values, ends: list[int], states: TextStates, *, any_character: bool) -> NDArray[np.float64]:
    """The value of each token: that of its last character, or whether any of its characters has the property."""
    found = np.full(len(ends), np.nan)
    for token, (piece, end) in enumerate(zip(states.pieces, ends)):
        if piece:
            found[token] = values[end - len(piece) : end].max() if any_character else values[end - 1]
    return found


def _of_prose(text: str) -> Iterator[tuple[str, bool, Values]]:
    yield "inside quotes", False, _marked(text, _quotes(text))
    yield from _of_any(text, text)
    yield "speaker's name", False, _marked(text, (match.span() for match in _SPEAKER.finditer(text)))


def _of_code(text: str, language: Language) -> Iterator[tuple[str, bool, Values]]:
    found: Scan = scan(text, language)
    yield "inside a string", False, _marked(text, ((start - 1, end) for start, end in found.strings))
    yield "inside a comment", False, _marked(text, found.comments)
    yield "inside a condition", False, _marked(text, found.conditions)
    yield "indentation depth", True, _per_line(text, _indentation)
    yield from _of_any(text, found.code)


def _of_any(text: str, code: str) -> Iterator[tuple[str, bool, Values]]:
    """What prose and source code share; brackets are looked for in `code`."""
    yield "bracket depth", True, bracket_depth(code)
    yield "position in the line", True, _per_line(text, lambda line: np.arange(1.0, len(line) + 1))
    yield f"at most {NEAR} characters to the line end", False, _near_line_end(text)
    yield "characters since the start of the word", True, _since_word_start(text)
    yield "upper case", False, np.array([character.isupper() for character in text], float)


def _marked(text: str, spans: Iterable[tuple[int, int]]) -> Values:
    """1 within the spans, else 0."""
    values = np.zeros(len(text))
    for start, end in spans:
        values[max(0, start) : end] = 1
    return values


def _quotes(text: str) -> Iterator[tuple[int, int]]:
    """From each opening quotation mark to before the closing one; none reaches over a blank line."""
    start, closing = 0, ""
    for i, character in enumerate(text):
        if closing and (text.startswith("\n\n", i) or i - start > _LONGEST_QUOTE):
            closing = ""
        elif character == closing:
            yield start, i
            closing = ""
        elif not closing and character in '"' + "".join(_PAIRS):
            start, closing = i, _PAIRS.get(character, '"')


def bracket_depth(text: str) -> Values:
    """How many brackets are open after each character; those without a partner do not count."""
    steps, opened = np.zeros(len(text)), list[int]()
    for i, character in enumerate(text):
        if character in OPENING:
            opened.append(i)
        elif character in CLOSING:
            partner = OPENING[CLOSING.index(character)]
            while opened and text[opened[-1]] != partner and any(text[j] == partner for j in opened):
                opened.pop()
            if opened and text[opened[-1]] == partner:
                steps[opened.pop()], steps[i] = 1, -1
    return steps.cumsum()


def _per_line(text: str, of_line: Callable[[str], Values]) -> Values:
    """The values of the characters of each line by itself; 0 after a line end."""
    values = list[Values]()
    for line in text.split("\n"):
        values += [of_line(line), np.zeros(1)]
    return np.concatenate(values[:-1])


def _indentation(line: str) -> Values:
    """The columns of white space before a line: those read so far, then all of them; tab stops are 8 columns apart."""
    inner = len(line.lstrip())
    before = [len(line[:i].expandtabs(8)) for i in range(1, len(line) - inner + 1)]
    return np.array([*before, *([before[-1] if before else 0] * inner)], float)


def _near_line_end(text: str) -> Values:
    return _per_line(text, lambda line: (np.arange(len(line))[::-1] < NEAR).astype(float))


def _since_word_start(text: str) -> Values:
    """1 after the first letter of a word, 2 after the second; 0 outside of words."""
    values = np.zeros(len(text))
    for word in _WORD.finditer(text):
        values[word.start() : word.end()] = np.arange(1, len(word[0]) + 1)
    return values

r"""Plain text as a language model reads it: lines, whose ends are tokens of their own.

The token of a line end is END, in vocabularies of every kind, so that `decode` gives the text back:

    text      R O M E O : \n Y e s        (characters)        the cat \n sat     (words)
    tokens    R O M E O : END Y e s                           the cat END sat

A text counts as many characters as it has, line ends included, and as many words as are separated by white space, and
one for each line end, as WikiText-2 is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2s.errors import check
from s2s.text.lines import read_lines
from s2s.text.tokens import END, UNK
from s2s.text.vocabulary import Vocabulary

Tokens = NDArray[np.int32]


@dataclass(frozen=True)
class Text:
    """A text in lines.

    Attributes:
        lines: without their ends
        ended: whether the last line has an end; a text that was cut inside a line has none there
    """

    lines: Sequence[str]
    ended: bool = True

    @classmethod
    def of(cls, text: str) -> Text:
        r"""Return a text whose lines end at `\n`."""
        *lines, rest = text.split("\n")
        return cls([*lines, rest] if rest else lines, ended=not rest)

    @property
    def line_ends(self) -> int:
        """How many lines have an end."""
        return len(self.lines) if self.ended else len(self.lines) - 1

    @cached_property
    def characters(self) -> int:
        """The number of characters, line ends included."""
        return sum(map(len, self.lines)) + self.line_ends

    @cached_property
    def words(self) -> int:
        """The number of words, separated by white space, and of line ends."""
        return sum(len(line.split()) for line in self.lines) + self.line_ends

    def split(self, share: float) -> tuple[Text, Text]:
        """Cut off the last characters of the text, this share of all; a cut may lie inside a line."""
        first = int(self.characters * (1 - share))
        for number, end in enumerate(accumulate(len(line) + 1 for line in self.lines)):
            if end == first:
                return Text(self.lines[: number + 1]), Text(self.lines[number + 1 :], self.ended)
            if end > first:
                line, at = self.lines[number], first - end + 1 + len(self.lines[number])
                rest = Text([line[at:], *self.lines[number + 1 :]], self.ended)
                return Text([*self.lines[:number], line[:at]], ended=False), rest
        return self, Text([])

    def encode(self, vocabulary: Vocabulary) -> Tokens:
        """Return the token ids, (tokens,) int32."""
        encoded = vocabulary.encode_all(list(self.lines))
        ids = np.fromiter(chain.from_iterable((*of_line, END) for of_line in encoded), np.int32)
        return ids if self.ended or not len(ids) else ids[:-1]


def read_text(paths: Sequence[Path]) -> Text:
    """Read files one after the other as one text; the last line of each counts as ended.

    Raises:
        UserError: a file cannot be read, is not UTF-8, or is empty.
    """
    lines = list[str]()
    for path in paths:
        own = list(read_lines(path))
        check(own, f"{path}: is empty; name a file of text")
        lines += own
    return Text(lines)


def written(vocabulary: Vocabulary, token: int, *, begins: bool) -> str:
    r"""Return what a token adds to a text: `\n` for END, nothing for other special tokens.

    Args:
        vocabulary: of the token
        token: its id
        begins: whether it is the first of its line, which takes no space before it
    """
    surface = "\n" if token == END else vocabulary.surfaces[token]
    if vocabulary.kind == "character" or token == END:
        return surface
    return surface.removeprefix(" ") if begins else f" {surface}" if vocabulary.kind == "word" else surface


def decode(vocabulary: Vocabulary, ids: Sequence[int]) -> str:
    """Return the text of token ids, with line ends."""
    befores = chain([END], ids)
    return "".join(written(vocabulary, token, begins=before == END) for token, before in zip(ids, befores))


def unknown_parts(vocabulary: Vocabulary, text: Text) -> list[str]:
    """Return the parts of a text that a vocabulary does not know, each once, in the order of the text."""
    found = dict[str, None]()
    for line, ids in zip(text.lines, vocabulary.encode_all(list(text.lines))):
        if UNK in ids:
            pieces = zip(ids, vocabulary.pieces(line), strict=True)
            found |= dict.fromkeys(piece.strip() or piece for i, piece in pieces if i == UNK)
    return list(found)

"""Placing: marks that were not read, and copies that the decoder left out, are put into the translation.

A mark that touches the word behind it, as an opening bracket does, is put before the word that this word became; one
that touches the word before it is put behind what that word became; any other stands before what the next word became.
What stood before or behind all words does so in the translation. Nothing is closed before it was opened. Attention says
which word became which.

Examples with a vocabulary of characters, to which Chinese characters, `ñ` and emoji are unknown and which has no
placeholders. In `hypothesis`, `|` stands before the character that attended to all unknown words most, or at the end if
that was END:

    source                hypothesis             text
    a man in 北京.         ein mann in|.          ein mann in 北京.
    a man in 北京 .        ein mann in |paris.    ein mann in 北京 paris.
    a man in 北京 .        ein mann in| paris.    ein mann in 北京 paris.
    a man in 北京 .        ein mann in pari|s.    ein mann in 北京 paris.
    a ñman                ein |mann              ein ñman mann
    北 a 京                ein | mann             ein 北 京 mann
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from s2s.text.tokens import UNK
from s2s.text.vocabulary import Vocabulary
from translation.copying import Copies
from translation.piece import PAIRED, Mark, Piece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Insertion:
    """A text to be put into the translation.

    Attributes:
        offset: in the text without insertions
        text: what is put there
        left, right: whether it touches the text before or behind it
    """

    offset: int
    text: str
    left: bool
    right: bool


class Placer:
    """Finds the places in a hypothesis that belong to places in its source.

    Args:
        tokens: ids of the hypothesis, without END
        text: what they stand for
        attention: (tokens or more, source tokens or more), or None if the decoder has none: then positions are compared
        copies: what was copied
        piece: the source
        target: the vocabulary of the tokens
    """

    def __init__(
        self,
        tokens: Sequence[int],
        text: str,
        attention: NDArray[np.float32] | None,
        copies: Copies,
        piece: Piece,
        target: Vocabulary,
    ) -> None:
        self._tokens, self._text, self._attention = tokens, text, attention
        self._copies, self._piece, self._target = copies, piece, target

    def insertions(self) -> list[Insertion]:
        """All that is to be put into the text, in the order of the places, and at one place in that of the source."""
        missing = [(i, self._missing(i)) for i in self._copies.missing]
        marks = [
            (mark.position - 0.5, Insertion(offset, mark.text, mark.left, mark.right))
            for mark, offset in zip(self._piece.marks, self._offsets())
        ]
        ordered = sorted([*missing, *marks], key=lambda each: (each[1].offset, each[0]))
        return [insertion for _, insertion in ordered]

    def capitals(self) -> list[tuple[int, int]]:
        """The offsets in the text of the words that words in capitals became."""
        found = list[tuple[int, int]]()
        if self._attention is None or not self._piece.capitals:
            return found
        read = self._attention[: len(self._tokens), : len(self._piece.ids)].argmax(1)  # (tokens,)
        for step in (step for step, position in enumerate(read) if int(position) in self._piece.capitals):
            start, end = self._start(step), self._start(step + 1)
            while start < end and not self._text[start].isalnum():
                start += 1
            word = self._word_start(start), self._word_end(end)
            if start < end and word not in found:
                found.append(word)
        return found

    def _missing(self, position: int) -> Insertion:
        """The insertion of a text that should have been copied."""
        tokens = self._piece.tokens
        before = tokens[position - 1][-1:] if position > 0 else ""
        after = tokens[position + 1][:1] if position + 1 < len(tokens) else ""
        offset = self._word_start(self._start(self._step_of(position)))
        return Insertion(offset, self._copies.missing[position], bool(before.strip()), after.isalnum())

    def _offsets(self) -> list[int]:
        """Where each mark belongs in the text."""
        marks = self._piece.marks
        offsets, around = list[int](), _pairs(marks)
        for i, mark in enumerate(marks):
            first, last = sorted((i, around.get(i, i)))
            around_all = self._is_before_all(marks[first]) and self._is_behind_all(marks[last])
            offset = self._offset_of(mark, inside=first < last and not around_all)
            if i in around and around[i] < i:  # what is closed was opened before
                offset = max(offset, offsets[around[i]])
            offsets.append(offset)
        return offsets

    @cached_property
    def _words(self) -> list[int]:
        """The positions of the source at which a word or a copied text is read."""
        tokens = enumerate(self._piece.tokens)
        return [i for i, token in tokens if i in self._piece.copies or any(map(str.isalnum, token))]

    def _is_before_all(self, mark: Mark) -> bool:
        return not self._words or mark.position <= self._words[0]

    def _is_behind_all(self, mark: Mark) -> bool:
        return not self._words or mark.position > self._words[-1]

    def _offset_of(self, mark: Mark, *, inside: bool) -> int:
        """Where a mark belongs in the text; `inside` says that it belongs to some words of the sentence, not to all."""
        last = len(self._text.rstrip(".!?…"))  # before the final mark
        touches_copy = (mark.right and mark.position in self._copies.steps) or mark.position - 1 in self._copies.steps
        inside = inside or touches_copy
        if not self._words or (self._is_behind_all(mark) and not (inside and mark.left)):
            return len(self._text) if mark.position >= len(self._piece.tokens) else last
        if self._is_before_all(mark) and not (inside and mark.right):
            return 0
        if self._is_behind_all(mark) or (mark.left and not mark.right and not self._is_before_all(mark)):
            previous = max(i for i in self._words if i < mark.position)
            offset = self._word_end(self._start(self._step_of(previous) + 1))
        else:
            following = min(i for i in self._words if i >= mark.position)
            offset = self._word_start(self._start(self._step_of(following)))
        return min(offset, last)

    def _step_of(self, position: int) -> int:
        """The step that wrote what a token of the source became."""
        if position in self._copies.steps:
            return self._copies.steps[position]
        if self._attention is None:
            return position * len(self._tokens) // max(1, len(self._piece.ids))
        return int(self._attention[:, position].argmax())

    def _start(self, step: int) -> int:
        """Where the token of a step starts in the text."""
        prefix = self._tokens[: max(0, step)]
        return min(len(self._text), len(decode_copies(prefix, self._copies, self._target)))

    def _word_start(self, offset: int) -> int:
        """The offset itself, or the start of the word that it lies in."""
        text = self._text
        while 0 < offset < len(text) and _in_word(text[offset - 1]) and _in_word(text[offset]):
            offset -= 1
        return offset

    def _word_end(self, offset: int) -> int:
        """The offset itself, or the end of the word that it lies in."""
        text = self._text
        while 0 < offset < len(text) and _in_word(text[offset - 1]) and _in_word(text[offset]):
            offset += 1
        return offset


def _pairs(marks: Sequence[Mark]) -> dict[int, int]:
    """Which marks open and close the same words, such as two tags: the index of each, with that of the other."""
    pairs, opened = dict[int, int](), list[int]()
    for i, mark in enumerate(marks):
        if mark.right and not mark.left:
            opened.append(i)
        elif mark.left and not mark.right and opened:
            pairs[i] = opened.pop()
            pairs[pairs[i]] = i
    return pairs


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "-" or character >= "\ue000"


def without_pairs(text: str) -> str:
    """The text without quotation marks and brackets: the model reads none, so that those it writes are its own."""
    return text if PAIRED.isdisjoint(text) else "".join(c for c in text if c not in PAIRED)


def decode_copies(tokens: Sequence[int], copies: Copies, target: Vocabulary) -> str:
    """The text of tokens, with a character of private use in the place of each copied text: `stand_in(step)`."""
    steps = [step for step, token in enumerate(tokens) if step in copies.texts]
    ids = [UNK if step in copies.texts else token for step, token in enumerate(tokens)]
    text = target.decode(ids, [stand_in(step) if copies.texts[step] else "" for step in steps])
    return text if target.whole_words else without_pairs(text)


def stand_in(number: int) -> str:
    """The character of private use that stands for text number `number` until all places are found."""
    return chr(0xF0000 + number)


def insert(text: str, insertions: Sequence[Insertion]) -> str:
    """Put all insertions into the text, with spaces around them except where they touch what is beside them."""
    limit = len(text)
    for insertion in reversed(insertions):  # from the right, so that the other offsets stay valid
        offset = min(insertion.offset, limit)
        before, after = text[:offset], text[offset:]
        word = insertion.text
        if insertion.left:
            before = before.rstrip(" ")
        elif before and not before[-1].isspace():
            word = f" {word}"
        if insertion.right:
            after = after.lstrip(" ")
        elif after and not after[0].isspace() and (_in_word(after[0]) or after[0] == "'"):
            word = f"{word} "
        text, limit = f"{before}{word}{after}", len(before)
    return text

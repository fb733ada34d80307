"""Unknown words: which words of a line its vocabulary does not know, and what the model reads in their place.

`copying` and `inserting` put these words into the translation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from s2s.text.tokens import END, SPECIALS, UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import Vocabulary

_BETWEEN_SPACES = re.compile(r"\S+|\s")
_WORD_OR_SIGN = re.compile(r"[\w'’-]+|[^\w\s]|\s")


@dataclass(frozen=True)
class Piece:
    """A line, or a part of a long line, as a model reads it.

    Attributes:
        text: as the user wrote it
        ids: its tokens, without END
        tokens: one label per id; the text that they stand for is `text`, with UNKNOWN_CHARACTER in place of each word
            that a vocabulary of subwords or characters does not know
        unknown_words: the words that the UNKs among the ids stand for, in order
    """

    text: str
    ids: list[int]
    tokens: list[str]
    unknown_words: Sequence[str] = ()

    @property
    def source_tokens(self) -> tuple[str, ...]:
        """One label per position of the encoder: `tokens` with the unknown words as the user wrote them, and END."""
        unknown = iter(self.unknown_words)
        labels = (next(unknown, token) if i == UNK else token for token, i in zip(self.tokens, self.ids))
        return (*labels, SPECIALS[END])

    @property
    def translatable(self) -> bool:
        """False if the text has unknown words and no known letter or digit: it is its own translation."""
        if not self.unknown_words:
            return True
        known = (token for token, i in zip(self.tokens, self.ids) if i != UNK)
        return any(character.isalnum() for token in known for character in token)


def word_pattern(vocabulary: Vocabulary) -> re.Pattern[str]:
    """The pattern that matches, one after the other, the words of a text and the characters between them.

    Words are what white space separates if the vocabulary is one of words; otherwise punctuation is no part of them.
    """
    return _BETWEEN_SPACES if vocabulary.kind == "word" else _WORD_OR_SIGN


def with_unknown_words(text: str, ids: list[int], vocabulary: Vocabulary) -> Piece:
    """The piece that a model reads for `text`, whose tokens are `ids`.

    If tokens are smaller than words, a whole word becomes one UNK if any character of it is unknown, and so does a run
    of such words without spaces between them: no name is translated in part, and this is what `augmentation` taught the
    model to copy. Unknown white space becomes a space.
    """
    if UNK not in ids:
        return Piece(text, ids, vocabulary.tokens(ids))
    pieces = vocabulary.pieces(text)
    if vocabulary.kind == "word":
        return Piece(text, ids, pieces, [piece for piece, i in zip(pieces, ids) if i == UNK])
    # The text with every unknown character replaced: as long as `text`, so that offsets are the same in both.
    masked = "".join(UNKNOWN_CHARACTER * len(piece) if i == UNK else piece for piece, i in zip(pieces, ids))
    parts: list[str] = []
    unknown_words: list[list[str]] = []  # each in its parts: joining them once takes linear time
    for match in word_pattern(vocabulary).finditer(text):
        if UNKNOWN_CHARACTER not in masked[match.start() : match.end()]:
            parts.append(match[0])
        elif match[0].isspace():
            parts.append(" ")
        elif parts[-1:] == [UNKNOWN_CHARACTER]:  # neighbours are encoded as one token
            unknown_words[-1].append(match[0])
        else:
            parts.append(UNKNOWN_CHARACTER)
            unknown_words.append([match[0]])
    read = "".join(parts)
    return Piece(text, vocabulary.encode(read), vocabulary.pieces(read), ["".join(word) for word in unknown_words])

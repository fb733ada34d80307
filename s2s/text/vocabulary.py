"""Vocabularies of words, subwords or characters: text to token ids and back, behind one protocol."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

from s2s.errors import UserError, check
from s2s.text.subwords import SubwordVocabulary
from s2s.text.tokens import SPECIALS, UNK, Surfaces


class Vocabulary(Protocol):
    """Converts text to token ids and back.

    Ids below `len(SPECIALS)` are special tokens. No text is ever encoded as one of them except UNK: the text `<s>` is
    text like any other.
    """

    @property
    def kind(self) -> str:
        """The kind that `load_vocabulary` takes: "word", "character", "bpe" or "unigram"."""
        ...

    @property
    def whole_words(self) -> bool:
        """Whether each token is what white space separates: a word with the signs that touch it."""
        ...

    @property
    def placeholders(self) -> int:
        """How many of `PLACEHOLDERS` are tokens. A character of these in a text is encoded as its token."""
        ...

    @property
    def first_placeholder(self) -> int:
        """The id of the first placeholder; the others follow, and are the last ids."""
        ...

    @property
    def characters(self) -> frozenset[str]:
        """All characters in the tokens, without placeholders: a text of other characters has unknown parts."""
        ...

    @property
    def surfaces(self) -> Sequence[str]:
        """The text of each id, with the space before a word in a vocabulary of subwords; empty for special tokens."""
        ...

    def word_starts(self) -> list[bool]:
        """For each id, whether a word or a sign begins with it."""
        ...

    def __len__(self) -> int: ...

    def encode(self, text: str) -> list[int]:
        """Return the ids of `text`, without START and END; unknown parts are UNK."""
        ...

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Encode many texts; faster than one call of `encode` per text."""
        ...

    def pieces(self, text: str) -> list[str]:
        """Return the part of `text` that each id of `encode(text)` stands for, also for UNK (for copying and views)."""
        ...

    def decode(self, ids: Iterable[int], unknown: str | Sequence[str] = "") -> str:
        """Return the text of `ids`; PAD, START and END are left out.

        Args:
            ids: token ids.
            unknown: the text for UNK: one string for all of them, or one string for each in order, such as the source
                `pieces` that got the most attention. Spaces at its ends are dropped.
        """
        ...

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Return a label for each id, such as `<s>`; for encoded text without UNK these are its `pieces`."""
        ...

    def to_bytes(self) -> bytes:
        """Return the content of a file that `load_vocabulary` reads; placeholders are not in it."""
        ...


@dataclass(frozen=True)
class OutOfVocabulary:
    """How much of a text is unknown to a vocabulary.

    Attributes:
        tokens: the number of running tokens.
        unknown: how many of them are unknown.
        most_frequent: (token, count) of the most frequent unknown tokens, in descending order.
    """

    tokens: int
    unknown: int
    most_frequent: tuple[tuple[str, int], ...]

    @property
    def rate(self) -> float:
        """The share of unknown tokens, 0 to 1."""
        return self.unknown / max(self.tokens, 1)

    def __str__(self) -> str:
        text = f"{self.unknown} of {self.tokens} tokens unknown ({self.rate:.2%})"
        examples = ", ".join(f"{token} {count}" for token, count in self.most_frequent)
        return f"{text}: {examples}" if examples else text


class _ListVocabulary(Surfaces):
    """A vocabulary that is a list of known tokens, each of which is its own text."""

    kind: str
    _separator: str

    def __init__(self, tokens: Iterable[str], placeholders: int = 0) -> None:
        super().__init__(tokens, placeholders)
        known = self._surfaces[len(SPECIALS) :]
        self._ids = {token: i for i, token in enumerate(known, len(SPECIALS))}
        check(len(self._ids) == len(known), f"the {self.kind} vocabulary lists a token twice; create it again")

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], *, threshold: int = 1) -> Self:
        """Make a vocabulary of the tokens that occur at least `threshold` times, by frequency, then by code points."""
        kept = [token for token, count in counts.items() if count >= threshold]
        return cls(sorted(kept, key=lambda token: (-counts[token], token)))

    @classmethod
    def from_lines(cls, lines: Iterable[str], *, threshold: int = 1) -> Self:
        """Make a vocabulary of the tokens of `lines` that occur at least `threshold` times."""
        return cls.from_counts(Counter(token for line in lines for token in cls._split(line)), threshold=threshold)

    @classmethod
    def from_bytes(cls, data: bytes, placeholders: int = 0) -> Self:
        """Read what `to_bytes` wrote, and add placeholders; raise a UserError if `data` is anything else."""
        try:
            tokens = json.loads(data)
        except ValueError as error:
            raise UserError(
                f"the {cls.kind} vocabulary is damaged ({error}); replace it by a good copy, or create it again"
            ) from error
        is_list = isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
        check(
            is_list,
            f"the {cls.kind} vocabulary is not a list of strings; replace it by a good copy, or create it again",
        )
        return cls(tokens, placeholders)

    @staticmethod
    def _split(text: str) -> list[str]:
        raise NotImplementedError

    def encode(self, text: str) -> list[int]:
        return self.encode_tokens(self._split(text))

    def encode_tokens(self, tokens: Sequence[str]) -> list[int]:
        """Return the id of each token, which may be any text: a word with a space in it is one token."""
        return [self._ids.get(token, UNK) for token in tokens]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        return [self.encode(text) for text in texts]

    def pieces(self, text: str) -> list[str]:
        return self._split(text)

    def decode(self, ids: Iterable[int], unknown: str | Sequence[str] = "") -> str:
        return self._separator.join(filter(None, self._fill(ids, unknown)))

    def to_bytes(self) -> bytes:
        """See `Vocabulary`; the format is a JSON list in UTF-8, one token per line."""
        return json.dumps(self._surfaces[len(SPECIALS) : self.first_placeholder], ensure_ascii=False, indent=0).encode()

    def oov_report(self, lines: Iterable[str], *, examples: int = 10) -> OutOfVocabulary:
        """Count the unknown tokens of `lines`, and name the `examples` most frequent ones."""
        counts = Counter(token for line in lines for token in self._split(line))
        unknown = Counter({token: count for token, count in counts.items() if token not in self._ids})
        return OutOfVocabulary(counts.total(), unknown.total(), tuple(unknown.most_common(examples)))


class WordVocabulary(_ListVocabulary):
    """Words separated by white space; `decode` joins them with single spaces."""

    kind = "word"
    whole_words = True
    _separator = " "

    def word_starts(self) -> list[bool]:
        """See `Vocabulary`: every token is a word."""
        return [True] * len(self)

    @staticmethod
    def _split(text: str) -> list[str]:
        return text.split()


class CharacterVocabulary(_ListVocabulary):
    """Code points, spaces included. Text of known characters is decoded exactly as it was encoded."""

    kind = "character"
    _separator = ""

    @staticmethod
    def _split(text: str) -> list[str]:
        return list(text)


def load_vocabulary(kind: str, data: bytes, placeholders: int = 0) -> Vocabulary:
    """Return the vocabulary that `to_bytes` wrote, with so many placeholders, which `to_bytes` does not write.

    Raises:
        UserError: the kind is unknown, or the data is damaged.
    """
    if kind in ("bpe", "unigram"):
        return SubwordVocabulary(data, kind=kind, placeholders=placeholders)
    classes = {cls.kind: cls for cls in (WordVocabulary, CharacterVocabulary)}
    check(kind in classes, f"unknown kind of vocabulary {kind!r}; choose word, character, bpe or unigram")
    return classes[kind].from_bytes(data, placeholders)

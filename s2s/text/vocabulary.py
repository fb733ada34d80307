"""Words, subwords or characters as numbers, behind one protocol."""

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
    """Text to token ids and back. Ids below `len(SPECIALS)` are special tokens and never stand for text, so the text
    `<s>` is text like any other.
    """

    @property
    def kind(self) -> str:
        """Its name for `load_vocabulary`: "word", "character", "bpe" or "unigram"."""
        ...

    def __len__(self) -> int: ...

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, without START and END; what the vocabulary does not know is UNK."""
        ...

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` of each text; the quick way for many."""
        ...

    def pieces(self, text: str) -> list[str]:
        """What each id of `encode(text)` stands for in `text`, unknown ones included: to copy from and to draw."""
        ...

    def decode(self, ids: Iterable[int], unknown: str | Sequence[str] = "") -> str:
        """The text of `ids` without PAD, START and END. An UNK reads `unknown`: one string for all of them (nothing, as
        it stands) or one for each in order, say the `pieces` that attention pointed at; their edge spaces are dropped.
        """
        ...

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """One label an id, special ones by their names; on encoded text without unknowns these are its `pieces`."""
        ...

    def to_bytes(self) -> bytes:
        """A file's content for `load_vocabulary`."""
        ...


@dataclass(frozen=True)
class OutOfVocabulary:
    """How much of a text a vocabulary does not know; `most_frequent` holds (token, count), the most frequent first."""

    tokens: int
    unknown: int
    most_frequent: tuple[tuple[str, int], ...]

    @property
    def rate(self) -> float:
        """The unknown share of the running tokens, 0 to 1."""
        return self.unknown / max(self.tokens, 1)

    def __str__(self) -> str:
        examples = ", ".join(f"{token} {count}" for token, count in self.most_frequent)
        return f"{self.unknown} of {self.tokens} tokens unknown ({self.rate:.2%})" + f": {examples}" * bool(examples)


class _ListVocabulary(Surfaces):
    """A list of the tokens known, each standing for itself."""

    kind: str
    _separator: str

    def __init__(self, tokens: Iterable[str]) -> None:
        super().__init__(tokens)
        known = self._surfaces[len(SPECIALS) :]
        self._ids = {token: i for i, token in enumerate(known, len(SPECIALS))}
        check(len(self._ids) == len(known), f"the {self.kind} vocabulary lists a token twice; make it anew")

    @classmethod
    def from_counts(cls, counts: Mapping[str, int], *, threshold: int = 1) -> Self:
        """The tokens seen at least `threshold` times, the most frequent first, like ones in the order of their text."""
        kept = [token for token, count in counts.items() if count >= threshold]
        return cls(sorted(kept, key=lambda token: (-counts[token], token)))

    @classmethod
    def from_lines(cls, lines: Iterable[str], *, threshold: int = 1) -> Self:
        """`from_counts` of the tokens of `lines`."""
        return cls.from_counts(Counter(token for line in lines for token in cls._split(line)), threshold=threshold)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raises `UserError` if `data` is not what `to_bytes` writes."""
        try:
            tokens = json.loads(data)
        except ValueError as error:
            raise UserError(f"the {cls.kind} vocabulary is damaged ({error}); copy or make it anew") from error
        is_list = isinstance(tokens, list) and all(isinstance(token, str) for token in tokens)
        check(is_list, f"the {cls.kind} vocabulary is not a list of strings; copy or make it anew")
        return cls(tokens)

    @staticmethod
    def _split(text: str) -> list[str]:
        raise NotImplementedError

    def encode(self, text: str) -> list[int]:
        return [self._ids.get(token, UNK) for token in self._split(text)]

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        return [self.encode(text) for text in texts]

    def pieces(self, text: str) -> list[str]:
        return self._split(text)

    def decode(self, ids: Iterable[int], unknown: str | Sequence[str] = "") -> str:
        return self._separator.join(filter(None, self._fill(ids, unknown)))

    def to_bytes(self) -> bytes:
        """See `Vocabulary`; a JSON list in UTF-8, one token a line."""
        return json.dumps(self._surfaces[len(SPECIALS) :], ensure_ascii=False, indent=0).encode()

    def oov_report(self, lines: Iterable[str], *, examples: int = 10) -> OutOfVocabulary:
        """How many running tokens of `lines` are unknown, and which are the most frequent of them."""
        counts = Counter(token for line in lines for token in self._split(line))
        unknown = Counter({token: count for token, count in counts.items() if token not in self._ids})
        return OutOfVocabulary(counts.total(), unknown.total(), tuple(unknown.most_common(examples)))


class WordVocabulary(_ListVocabulary):
    """Words are what white space separates; `decode` joins them by one space each."""

    kind = "word"
    _separator = " "

    @staticmethod
    def _split(text: str) -> list[str]:
        return text.split()


class CharacterVocabulary(_ListVocabulary):
    """Code points, spaces among them; text of known characters comes back exactly."""

    kind = "character"
    _separator = ""

    @staticmethod
    def _split(text: str) -> list[str]:
        return list(text)


def load_vocabulary(kind: str, data: bytes) -> Vocabulary:
    """The vocabulary that `to_bytes` wrote. Raises `UserError` for an unknown kind or damaged data."""
    if kind in ("bpe", "unigram"):
        return SubwordVocabulary(data, kind=kind)
    classes = {cls.kind: cls for cls in (WordVocabulary, CharacterVocabulary)}
    check(kind in classes, f"no kind of vocabulary is called {kind!r}; choose word, character, bpe or unigram")
    return classes[kind].from_bytes(data)

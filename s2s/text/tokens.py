"""Special tokens, and the conversion of token ids to text that all vocabularies share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PAD, UNK, START, END = 0, 1, 2, 3
SPECIALS = ("<pad>", "<unk>", "<s>", "</s>")
UNKNOWN_CHARACTER = "\u2585"  # reserved by SentencePiece: unknown to every subword vocabulary
PLACEHOLDERS = "".join(map(chr, range(0xE000, 0xE00A)))  # of private use; each stands for a text that is copied


class Surfaces:
    """The part of a vocabulary that converts ids to text. It needs only the text of each id ("" for special tokens).

    Attributes:
        whole_words: see `Vocabulary`
        placeholders: how many of `PLACEHOLDERS` are tokens; they have the last ids
    """

    whole_words = False

    def __init__(self, surfaces: Iterable[str], placeholders: int = 0) -> None:
        self.placeholders = placeholders
        self._surfaces = [*("" for _ in SPECIALS), *surfaces, *PLACEHOLDERS[:placeholders]]

    def __len__(self) -> int:
        return len(self._surfaces)

    @property
    def first_placeholder(self) -> int:
        """See `Vocabulary`."""
        return len(self) - self.placeholders

    @property
    def characters(self) -> frozenset[str]:
        """See `Vocabulary`."""
        return frozenset("".join(self._surfaces[len(SPECIALS) : self.first_placeholder]))

    @property
    def surfaces(self) -> Sequence[str]:
        """See `Vocabulary`."""
        return self._surfaces

    def word_starts(self) -> list[bool]:
        """See `Vocabulary`."""
        return [not surface[:1].isalnum() for surface in self._surfaces]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """See `Vocabulary.tokens`."""
        return [self._surfaces[i] if i >= len(SPECIALS) else SPECIALS[i] for i in ids]

    def _fill(self, ids: Iterable[int], unknown: str | Sequence[str]) -> list[str]:
        """Return the texts of `ids` without PAD, START and END, with `unknown` (one for all, or one each) for UNK."""
        shown = [i for i in ids if i not in (PAD, START, END)]
        wanted = sum(i == UNK for i in shown)
        copies = [unknown] * wanted if isinstance(unknown, str) else unknown
        if len(copies) != wanted:
            raise ValueError(f"{wanted} unknown tokens, but {len(copies)} strings for them")
        copy = iter(copies)
        return [next(copy).strip(" ") if i == UNK else self._surfaces[i] for i in shown]

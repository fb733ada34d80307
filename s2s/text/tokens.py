"""Special tokens, and the step from token ids back to text that every vocabulary shares."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PAD, UNK, START, END = 0, 1, 2, 3
SPECIALS = ("<pad>", "<unk>", "<s>", "</s>")
UNKNOWN_CHARACTER = "\u2585"  # SentencePiece keeps it for itself: no subword vocabulary knows it


class Surfaces:
    """Of a vocabulary the half from ids to text, which needs only what each id stands for ("" for a special token)."""

    def __init__(self, surfaces: Iterable[str]) -> None:
        self._surfaces = ["" for _ in SPECIALS] + list(surfaces)

    def __len__(self) -> int:
        return len(self._surfaces)

    def tokens(self, ids: Iterable[int]) -> list[str]:
        return [self._surfaces[i] if i >= len(SPECIALS) else SPECIALS[i] for i in ids]

    def _fill(self, ids: Iterable[int], unknown: str | Sequence[str]) -> list[str]:
        """The surfaces of `ids` without PAD, START and END, `unknown` in the place of UNK."""
        shown = [i for i in ids if i not in (PAD, START, END)]
        wanted = sum(i == UNK for i in shown)
        copies = [unknown] * wanted if isinstance(unknown, str) else unknown
        if len(copies) != wanted:
            raise ValueError(f"{wanted} unknown tokens, but {len(copies)} strings for them")
        copy = iter(copies)
        return [next(copy).strip(" ") if i == UNK else self._surfaces[i] for i in shown]

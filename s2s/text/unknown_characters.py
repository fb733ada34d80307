"""Which characters of a text a vocabulary does not know, for a report before training on it or validating with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from s2s.text.tokens import UNK
from s2s.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class UnknownCharacters:
    """The characters of a text that a vocabulary does not know.

    Attributes:
        counts: how often each of them occurs, the most frequent first.
        lines: how many lines have one or more of them.
        first: the number of the first such line.
        of: how many lines there are.
    """

    counts: Sequence[tuple[str, int]]
    lines: int
    first: int
    of: int

    def __str__(self) -> str:
        shown = ", ".join(f"{character!r} {count:,}" for character, count in self.counts[:10])
        more = ", ..." if len(self.counts) > 10 else ""
        plural = "s" if len(self.counts) > 1 else ""
        return (
            f"the vocabulary lacks {len(self.counts):,} character{plural}, in {self.lines:,} of {self.of:,} lines, "
            f"the first is line {self.first:,}: {shown}{more}"
        )


def unknown_characters(
    vocabulary: Vocabulary, lines: Sequence[str], numbers: Sequence[int] | None = None
) -> UnknownCharacters | None:
    """Return the characters of `lines` that `vocabulary` does not know; None if it knows all of them.

    Args:
        vocabulary: of subwords or characters; in one of words nearly every character is unknown.
        lines: of the text.
        numbers: of the lines in their file; by default 1, 2, ...
    """
    unknown = {each for each in set().union(*lines) if UNK in vocabulary.encode(each)}
    if not unknown:
        return None
    counts = Counter(each for line in lines for each in line if each in unknown)
    found = [row for row, line in enumerate(lines) if not unknown.isdisjoint(line)]
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return UnknownCharacters(ranked, len(found), numbers[found[0]] if numbers else found[0] + 1, len(lines))

"""ROUGE-L of captions, from the longest common subsequence (Lin & Och, 2004), as pycocoevalcap has it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from s2s.errors import check

_BETA = 1.2  # recall counts beta**2 times as much as precision


def rouge_l(words: Sequence[Hashable], references: Sequence[Sequence[Hashable]]) -> float:
    """ROUGE-L of one tokenised caption, 0 to 1.

    The best precision and the best recall are each taken over all references, so that they may come from two of them;
    a caption without words has one empty word. Both are pycocoevalcap's.
    """
    check(references, "ROUGE-L: there is no reference to compare with")
    words = words or [""]
    common = [
        (_longest_common_subsequence(words, reference or [""]), len(reference or [""])) for reference in references
    ]
    precision = max(length for length, _ in common) / len(words)
    recall = max(length / size for length, size in common)
    if not precision:
        return 0.0
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _longest_common_subsequence(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    """Its length, by bits of one integer for a row of the table (Hyyrö, 2004)."""
    places: dict[Hashable, int] = {}
    for place, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << place
    everywhere = (1 << len(first)) - 1
    row = everywhere  # a bit is 0 where the row of the table rises by one
    for word in second:
        matches = row & places.get(word, 0)
        row = (row + matches | row - matches) & everywhere
    return len(first) - row.bit_count()

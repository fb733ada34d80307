"""Signs that the files of a recipe are not the ones that were meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from translation.corpus import ParallelText

_EQUAL = 0.5  # the share of pairs with equal sides above which a warning is given
_LINES = 5000  # of a text, at regular intervals, that are compared with another text
_LENGTH = 4  # of the pieces of text that are compared, in characters: it works for all scripts
_MARGIN = 0.1  # by which more pieces have to be known on the wrong side


def signs_of_equal_sides(source: str | Path, target: str | Path, text: ParallelText) -> Iterator[str]:
    """Yield a warning if one file stands for both sides, or if most pairs are the same on both sides."""
    equal = sum(first == second for first, second in zip(text.source, text.target))
    if source == target or (Path(source).exists() and Path(target).exists() and Path(source).samefile(target)):
        yield f"{source}: is the file of both sides, so that a model learns to copy; name two files"
    elif equal > _EQUAL * len(text):
        yield (
            f"{source}, {target}: {equal:,} of {len(text):,} pairs are the same on both sides, so that a model learns "
            "to copy; check that these are two languages"
        )


def signs_of_swapped_sides(source: Path, target: Path, validation: ParallelText, train: ParallelText) -> Iterator[str]:
    """Yield a warning if validation sources look like training targets, and validation targets like sources."""
    sources, targets = set(_pieces(train.source)), set(_pieces(train.target))
    first, second = list(_pieces(validation.source)), list(_pieces(validation.target))
    straight = _share(first, sources) + _share(second, targets)
    crossed = _share(first, targets) + _share(second, sources)
    if crossed > straight + 2 * _MARGIN:
        yield (
            f"{source}, {target}: look swapped: the source is more like the training target, and the target like the "
            "training source; check data.validation_source and data.validation_target"
        )


def _pieces(lines: Sequence[str]) -> Iterator[str]:
    step = -(-len(lines) // _LINES) or 1
    return chain.from_iterable(
        (line[i : i + _LENGTH] for i in range(max(1, len(line) - _LENGTH + 1))) for line in lines[::step]
    )


def _share(pieces: Sequence[str], known: set[str]) -> float:
    return sum(piece in known for piece in pieces) / max(1, len(pieces))

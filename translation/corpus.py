"""Parallel text: two files whose lines translate each other, read, cleaned and split."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from s2s import seeds
from s2s.config import option
from s2s.errors import check, counted
from s2s.text.entities import has_entity, unescape_entities
from s2s.text.lines import read_lines, without_invisible

SHOWN = 3  # line numbers that a report shows for each reason


@dataclass(frozen=True)
class ParallelText:
    """Pairs of sentences: `source[i]` and `target[i]` stood on line `lines[i]` (from 1) of their files."""

    source: Sequence[str]
    target: Sequence[str]
    lines: Sequence[int]

    def __len__(self) -> int:
        return len(self.lines)

    def pick(self, indices: Iterable[int]) -> ParallelText:
        """The pairs at `indices`, in their order."""
        rows = list(indices)
        return ParallelText(
            [self.source[i] for i in rows], [self.target[i] for i in rows], [self.lines[i] for i in rows]
        )


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """What a pair must be like to be kept.

    Lengths are in characters, not words: a Chinese sentence counts as one word, and so does a line of base64. The
    defaults let ordinary sentences through (600 characters are about 100 English words) and catch what cannot be a
    translation. The ratio is that of the longer side to the shorter; 9 is the usual limit of Moses' clean-corpus-n.
    """

    max_characters: int = option(600, low=1, high=100_000, help="of the longer side of a pair")
    max_ratio: float = option(9.0, low=1, help="of the longer side to the shorter, in characters")
    keep_duplicates: bool = option(False, help="pairs that stand in the text more than once")
    unescape_entities: bool = option(False, help="turn XML entities such as &quot; into their characters")

    def __post_init__(self) -> None:
        check(self.max_characters >= 1, f"max_characters must be at least 1, not {self.max_characters}")
        check(self.max_ratio >= 1, f"max_ratio is longer to shorter: it must be at least 1, not {self.max_ratio}")


@dataclass(frozen=True)
class CountedLines:
    """How many pairs something is true of, such as a reason to drop them, and the lines of the first of them."""

    reason: str
    count: int
    lines: tuple[int, ...]

    @classmethod
    def of(cls, reason: str, lines: Sequence[int]) -> CountedLines:
        """What is true of the pairs on some lines."""
        return cls(reason, len(lines), tuple(lines[:SHOWN]))

    def __add__(self, later: CountedLines) -> CountedLines:
        return CountedLines(self.reason, self.count + later.count, (*self.lines, *later.lines)[:SHOWN])

    def __str__(self) -> str:
        if not self.count:
            return f"{self.reason} 0"
        more = ", ..." if self.count > len(self.lines) else ""
        word = "line" if self.count == 1 else "lines"
        return f"{self.reason} {self.count:,} ({word} {', '.join(map(str, self.lines))}{more})"


@dataclass(frozen=True)
class CleaningReport:
    """What cleaning did. `str(report)` is one line: `kept 28,995 of 29,000 pairs: blank 0, too long 0, ...`.

    Attributes:
        total: pairs before cleaning
        dropped: pairs, by reason
        entities: pairs with XML entities
        unescaped: whether these were turned into their characters
    """

    total: int
    dropped: tuple[CountedLines, ...]
    entities: CountedLines
    unescaped: bool = False

    def __add__(self, later: CleaningReport) -> CleaningReport:
        """What cleaning did to two parts of one text, the second of which follows the first."""
        dropped = (one + other for one, other in zip(self.dropped, later.dropped, strict=True))
        return CleaningReport(self.total + later.total, tuple(dropped), self.entities + later.entities, self.unescaped)

    @property
    def kept(self) -> int:
        """The number of pairs left."""
        return self.total - sum(reason.count for reason in self.dropped)

    def __str__(self) -> str:
        dropped = ", ".join(map(str, self.dropped))
        return f"kept {self.kept:,} of {counted(self.total, 'pair')}: {dropped}{self._about_entities()}"

    def _about_entities(self) -> str:
        if not self.entities.count:
            return ""
        pairs = counted(self.entities.count, "pair")
        done = (
            "were turned into characters"
            if self.unescaped
            else "are kept; unescape_entities turns them into characters"
        )
        return f"; XML entities such as &quot; in {pairs}, the first in line {self.entities.lines[0]}, {done}"


def read_parallel(source: Path, target: Path) -> ParallelText:
    """Read two files line by line; raise `UserError` where their counts differ, for then every later pair is wrong."""
    sentences, translations = list(read_lines(source)), list(read_lines(target))
    check_counts(source, target, len(sentences), len(translations))
    return ParallelText(sentences, translations, range(1, len(sentences) + 1))


def check_counts(source: Path, target: Path, sources: int, targets: int) -> None:
    """Raise a UserError unless two files have as many lines, and some."""
    check(
        sources == targets,
        f"{source} has {counted(sources, 'line')} but {target} has {targets:,}: "
        "line n of one must translate line n of the other",
    )
    check(sources, f"{source} and {target} are empty: give two files of sentences, one a line")


def read_table(path: Path, columns: tuple[int, int]) -> ParallelText:
    """Read two columns of a file whose lines are parted by tabs, without a header; see `table_pairs`."""
    pairs = list(table_pairs(path, columns))
    check_table(path, len(pairs))
    return ParallelText([source for source, _ in pairs], [target for _, target in pairs], range(1, len(pairs) + 1))


def check_table(path: Path, lines: int) -> None:
    """Raise a UserError if a file of pairs has no lines."""
    check(lines, f"{path} is empty: give a file of pairs, one a line, with a tab between source and target")


def table_pairs(path: Path, columns: tuple[int, int]) -> Iterator[tuple[str, str]]:
    """Yield two columns of each line of a file.

    Args:
        path: the file
        columns: of the source and of the target, counted from 1

    Raises:
        UserError: a line has too few columns; the message names the line.
    """
    needed = max(columns)
    for number, line in enumerate(read_lines(path), 1):
        fields = line.split("\t")
        check(
            len(fields) >= needed,
            f"{path}: line {number} has {len(fields)} of {needed} columns; put a tab between source and target",
        )
        yield fields[columns[0] - 1], fields[columns[1] - 1]


def bare_text(text: ParallelText) -> ParallelText:
    """The pairs without spaces at the ends of lines and without invisible characters."""
    source, target = ([without_invisible(line).strip() for line in side] for side in (text.source, text.target))
    return ParallelText(source, target, text.lines)


def is_blank(source: str, target: str) -> bool:
    """Whether a side has no visible character."""
    return not without_invisible(source).strip() or not without_invisible(target).strip()


def is_too_long(source: str, target: str, limit: int) -> bool:
    """Whether a side has more than `limit` characters."""
    return max(len(source), len(target)) > limit


def is_lopsided(source: str, target: str, limit: float) -> bool:
    """Whether the longer side has more than `limit` times the characters of the shorter."""
    short, long = sorted((len(source), len(target)))
    return long > limit * short


def clean(text: ParallelText, options: Cleaning | None = None) -> tuple[ParallelText, CleaningReport]:
    """Drop the pairs that `options` rules out, each counted under the first reason that holds.

    Of equal pairs (both sides the same) the first one stays. Sentences themselves are never changed, but for XML
    entities if `options` say so.
    """
    options = options or Cleaning()
    entities = [line for line, *pair in zip(text.lines, text.source, text.target) if any(map(has_entity, pair))]
    if options.unescape_entities:
        text = unescape_pairs(text)
    seen: set[tuple[str, str]] = set()
    lines: dict[str, list[int]] = {"blank": [], "too long": [], "ratio": []}
    if not options.keep_duplicates:
        lines["duplicate"] = []

    def reason_to_drop(pair: tuple[str, str]) -> str | None:
        """The first reason to drop a pair, or None."""
        if is_blank(*pair):
            return "blank"
        if is_too_long(*pair, options.max_characters):
            return "too long"
        if is_lopsided(*pair, options.max_ratio):
            return "ratio"
        if not options.keep_duplicates:
            if pair in seen:
                return "duplicate"
            seen.add(pair)
        return None

    kept = []
    for index, pair in enumerate(zip(text.source, text.target)):
        reason = reason_to_drop(pair)
        if reason is None:
            kept.append(index)
        else:
            lines[reason].append(text.lines[index])
    dropped = tuple(CountedLines.of(reason, where) for reason, where in lines.items())
    found = CountedLines.of("XML entities", entities)
    return text.pick(kept), CleaningReport(len(text), dropped, found, options.unescape_entities)


def unescape_pairs(text: ParallelText) -> ParallelText:
    """Return the pairs with XML entities turned into the characters they stand for, edge spaces taken off these."""
    source, target = (
        [unescape_entities(line).strip() if has_entity(line) else line for line in side]
        for side in (text.source, text.target)
    )
    return ParallelText(source, target, text.lines)


def hold_out(text: ParallelText, count: int, seed: int) -> tuple[ParallelText, ParallelText]:
    """Split `text` into (the rest, `count` pairs drawn at random), both in the order of the file.

    Only pairs whose source and whose target occur nowhere else in `text` are drawn: a held-out sentence that is also
    trained on would flatter every score.
    """
    sources, targets = Counter(text.source), Counter(text.target)
    unique = [i for i, pair in enumerate(zip(text.source, text.target)) if sources[pair[0]] == targets[pair[1]] == 1]
    check(
        0 < count <= len(unique) and count < len(text),
        f"cannot hold out {count:,} of {counted(len(text), 'pair')}, {len(unique):,} of them of sentences "
        "that occur once; "
        "hold out at least 1, and fewer",
    )
    drawn = set(random.Random(seeds.of_held_out(seed)).sample(unique, count))
    return text.pick(i for i in range(len(text)) if i not in drawn), text.pick(sorted(drawn))

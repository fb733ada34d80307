"""Where a text may be cut between words: into lines of about equal lengths, or into shares of given sizes.

A cut behind a punctuation mark is best. One behind a short word, such as an article or a preposition, is worst, and one
before a capital may part a German noun from its adjective.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate, pairwise

WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")  # written without spaces
_NOT_FIRST = "。、，！？：；」』）】》〉…·・ー々ぁぃぅぇぉっゃゅょァィゥェォッャュョ!?.,:;)]}”’»%"
_NOT_LAST = "「『（【《〈([{“„«¿¡"
_BEHIND_MARK, _BETWEEN_WORDS, _BEFORE_CAPITAL, _BEHIND_SHORT_WORD = 0.0, 0.05, 0.1, 0.15
_NEAR = 12  # cuts on each side of where a share ends
_MOST_TRIES = 8  # numbers of lines; a text that does not fit then is very long
_SHORT = 3  # letters of most articles and prepositions; longer ones are
_LONGER = re.compile(
    r"(?:k?ein(?:e[mnrs]?)?|diese[mnrs]?|nach|über|unter|zwischen|with|from|into|over|under|between|th(?:at|is|ose|ese)|"
    r"their|your|dans|avec|pour|cette|para|entre|sobre)",
    re.IGNORECASE,
)
_MARK = re.compile(r"[,;:.!?…。、，！？；：—–][\"'”’»)\]」』）]?$")


def width(text: str) -> int:
    """How wide a text is, in Latin letters: a Chinese character is as wide as two of them."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def break_lines(text: str, limit: int, lines: int) -> list[tuple[int, int]]:
    """Cut a text into lines of about equal lengths: their offsets [start, end), without the spaces between them.

    Args:
        text: without white space around it
        limit: the greatest width of a line; a single word may be wider
        lines: how many are wanted; there are more if the text is too long, and fewer if it has too few words
    """
    cuts = _cuts(text)
    first = max(1, min(lines, len(cuts) + 1))
    for count in range(first, first + _MOST_TRIES):
        if found := _cut(text, cuts, [1 / count] * count, limit):
            return found
    return _filled(text, cuts, limit)


def cut_in_proportion(text: str, shares: Sequence[int]) -> list[tuple[int, int]] | None:
    """Cut a text into parts with about the shares of its length: their offsets; None if it has too few words."""
    cuts = _cuts(text)
    return _cut(text, cuts, [share / sum(shares) for share in shares], None) if len(cuts) + 1 >= len(shares) else None


def _cuts(text: str) -> list[tuple[int, int]]:
    """Where the text may be cut: the end of what stands before, and the start of what follows."""
    found = list[tuple[int, int]]()
    for match in re.finditer(r"(?<=\S) +(?=\S)|(?<=\S)(?=\S)", text):
        before, after = text[match.start() - 1], text[match.end()]
        between = match.end() > match.start() or WIDE.match(before) or WIDE.match(after)
        if between and (match.end() > match.start() or (after not in _NOT_FIRST and before not in _NOT_LAST)):
            found.append(match.span())
    return found


def _penalty(text: str, end: int) -> float:
    """How bad a cut at an offset is."""
    before = text[max(0, end - 30) : end].split(" ")[-1]
    if _MARK.search(before):
        return _BEHIND_MARK
    if (len(before) <= _SHORT or _LONGER.fullmatch(before)) and not WIDE.search(before):
        return _BEHIND_SHORT_WORD
    return _BEFORE_CAPITAL if text[end : end + 2].lstrip()[:1].isupper() else _BETWEEN_WORDS


def _filled(text: str, cuts: Sequence[tuple[int, int]], limit: int) -> list[tuple[int, int]]:
    """Lines that have as many words as they can."""
    lines, start, end, following = list[tuple[int, int]](), 0, 0, 0
    for before, after in [*cuts, (len(text), len(text))]:
        if end > start and width(text[start:before]) > limit:
            lines.append((start, end))
            start = following
        end, following = before, after
    return [*lines, (start, len(text))]


def _cut(
    text: str, cuts: Sequence[tuple[int, int]], shares: Sequence[float], limit: int | None
) -> list[tuple[int, int]] | None:
    """The best cut into as many parts as there are shares, by dynamic programming; None if a part must be too wide.

    Each part may end at one of the cuts nearest to where its share ends.
    """
    ends = [(0, 0), *cuts, (len(text), len(text))]
    parts = (text[start:end] for start, end in pairwise([0, *(at for end in ends[1:] for at in end)]))
    widths = list(accumulate(map(width, parts)))
    until, behind = [0, *widths[::2]], [0, *widths[1::2]]  # what stands before a cut, and with the space there
    total = max(1, until[-1])
    best, done = {0: (0.0, [0])}, 0.0  # by the number of the last cut: the cost, and all cuts up to it
    for number, share in enumerate(shares, start=1):
        done += share
        near = bisect(until, done * total)
        possible = (
            range(max(1, near - _NEAR), min(len(ends), near + _NEAR)) if number < len(shares) else [len(ends) - 1]
        )
        following = dict[int, tuple[float, list[int]]]()
        for cut in possible:
            penalty = _penalty(text, ends[cut][0]) / len(shares) if number < len(shares) else 0.0
            for last, (cost, path) in best.items():
                wide = until[cut] - behind[last]
                if last < cut and (limit is None or wide <= limit or cut == last + 1):
                    new = cost + (wide / total - share) ** 2 + penalty
                    if cut not in following or new < following[cut][0]:
                        following[cut] = new, [*path, cut]
        best = following
    if len(ends) - 1 not in best:
        return None
    path = best[len(ends) - 1][1]
    return [(ends[first][1], ends[last][0]) for first, last in pairwise(path)]

"""Tag schemes for spans of words: IOB1, IOB2 and BIOES; checked, converted, and kept to in decoding.

A tag is `O`, outside of all spans, or a prefix and a type, such as `B-PER`:

    IOB1     I-X inside; B-X only where a span begins right behind another one of its type (Ramshaw & Marcus, 1995)
    IOB2     B-X begins every span, I-X continues it
    BIOES    S-X is a span of one word; longer ones are B-X, I-X ..., E-X
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

SchemeName = Literal["none", "IOB1", "IOB2", "BIOES"]
OUTSIDE = "O"
_PREFIXES = {"IOB1": "IB", "IOB2": "BI", "BIOES": "BIES"}


class Span(NamedTuple):
    """Words `start` to `end` (exclusive) of a sentence, counted from 0, and what they are."""

    kind: str
    start: int
    end: int


class SchemeError(ValueError):
    """A tag does not follow the scheme.

    Attributes:
        position: of the tag in its sentence, from 0
    """

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


def spans_of(tags: Sequence[str], scheme: SchemeName) -> list[Span]:
    """The spans that tags of a scheme describe.

    Raises:
        SchemeError: they do not follow it.
    """
    check_tags(tags, scheme)
    spans, start = list[Span](), 0
    for position, (tag, following) in enumerate(zip(tags, [*tags[1:], OUTSIDE])):
        kind = tag[2:]
        if tag == OUTSIDE:
            start = position + 1
        elif _ends(tag, following, scheme):
            spans.append(Span(kind, start, position + 1))
            start = position + 1
    return spans


def tags_of(spans: Iterable[Span], length: int, scheme: SchemeName) -> list[str]:
    """The tags of a sentence of `length` words with these spans, which do not overlap."""
    tags = [OUTSIDE] * length
    last = Span("", -1, -1)
    for span in sorted(spans, key=lambda each: each.start):
        inside = [f"I-{span.kind}"] * (span.end - span.start)
        if scheme == "BIOES":
            inside[0], inside[-1] = f"B-{span.kind}", f"E-{span.kind}"
            inside = [f"S-{span.kind}"] if len(inside) == 1 else inside
        elif scheme == "IOB2" or (last.end == span.start and last.kind == span.kind):
            inside[0] = f"B-{span.kind}"
        tags[span.start : span.end] = inside
        last = span
    return tags


def converted(tags: Sequence[str], source: SchemeName, target: SchemeName) -> list[str]:
    """The same spans in another scheme; without a scheme the tags stay as they are.

    Raises:
        SchemeError: the tags do not follow `source`.
    """
    if "none" in (source, target):
        return list(tags)
    return tags_of(spans_of(tags, source), len(tags), target)


def check_tags(tags: Sequence[str], scheme: SchemeName) -> None:
    """Raise a SchemeError at the first tag that does not follow the scheme."""
    for position, tag in enumerate(tags):
        if not _is_tag(tag, scheme):
            prefixes = ", ".join(f"{prefix}-TYPE" for prefix in _PREFIXES[scheme])
            raise SchemeError(position, f"the tag {tag!r} is none of {scheme}, whose tags are O, {prefixes}")
    for position, (before, tag) in enumerate(zip([OUTSIDE, *tags], tags)):
        if not follows(before, tag, scheme):
            where = "at the beginning of a sentence" if position == 0 else f"behind {before}"
            raise SchemeError(position, f"the tag {tag} cannot stand {where} in {scheme}")
    if tags and not follows(tags[-1], OUTSIDE, scheme):
        raise SchemeError(len(tags) - 1, f"the tag {tags[-1]} cannot stand at the end of a sentence in {scheme}")


def follows(before: str, tag: str, scheme: SchemeName) -> bool:
    """Whether a tag may stand behind another one; at both ends of a sentence as behind and before `O`."""
    if scheme == "none":
        return True
    same = before[2:] == tag[2:] and OUTSIDE not in (before, tag)
    if scheme == "IOB1":
        return not tag.startswith("B-") or same
    if scheme == "IOB2":
        return not tag.startswith("I-") or same
    open_span = before.startswith(("B-", "I-"))
    return (same and open_span) if tag.startswith(("I-", "E-")) else not open_span


def all_tags(tags: Iterable[str], scheme: SchemeName) -> list[str]:
    """These tags, sorted, and in a scheme every tag for the types of their spans, and `O`."""
    if scheme == "none":
        return sorted(set(tags))
    kinds = {tag[2:] for tag in tags if tag != OUTSIDE}
    return [OUTSIDE, *sorted(f"{prefix}-{kind}" for prefix in _PREFIXES[scheme] for kind in kinds)]


class BestTags:
    """Finds the likeliest tags that follow a scheme, by the Viterbi algorithm with transitions of 0 and minus infinity.

    Args:
        labels: in the order of the scores
        scheme: without one, the likeliest label of each word
    """

    def __init__(self, labels: Sequence[str], scheme: SchemeName) -> None:
        self._scheme = scheme
        allowed = [[follows(before, tag, scheme) for tag in labels] for before in labels]
        self._moves = np.where(np.array(allowed), 0.0, -np.inf)  # (before, tag)
        self._first = np.where([follows(OUTSIDE, tag, scheme) for tag in labels], 0.0, -np.inf)
        self._last = np.where([follows(tag, OUTSIDE, scheme) for tag in labels], 0.0, -np.inf)

    def __call__(self, scores: NDArray[np.float32]) -> list[int]:
        """(words, labels) log-probabilities -> a label for each word."""
        likeliest = scores.argmax(1).tolist()
        if self._scheme == "none" or not len(scores):
            return likeliest
        best, parents = self._first + scores[0], list[NDArray[np.int64]]()
        for row in scores[1:]:
            paths = best[:, None] + self._moves
            parents.append(paths.argmax(0))
            best = paths.max(0) + row
        best = best + self._last
        if not np.isfinite(best.max()):  # as where a model knows no `O`
            return likeliest
        found = [int(best.argmax())]
        for parent in reversed(parents):
            found.append(int(parent[found[-1]]))
        return found[::-1]


def _is_tag(tag: str, scheme: SchemeName) -> bool:
    return scheme == "none" or tag == OUTSIDE or (tag[:1] in _PREFIXES[scheme] and tag[1:2] == "-" and len(tag) > 2)


def _ends(tag: str, following: str, scheme: SchemeName) -> bool:
    """Whether a span ends with the tag."""
    if scheme == "BIOES":
        return tag.startswith(("E-", "S-"))
    return not (following.startswith("I-") and following[2:] == tag[2:])

"""Terms of a glossary in the way of a sentence: found for the reader, written by search, and looked for at the end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from s2s.decoding.results import WrittenTerm
from s2s.text.casing import Case
from s2s.text.languages import IDEOGRAPHS
from s2s.text.spans import Span
from s2s.text.tokens import UNK
from s2s.text.vocabulary import Vocabulary
from translation.piece import PAIRED, Piece

if TYPE_CHECKING:
    from translation.glossary import Entry, Glossary

_FINAL = ".!?…"
_WORD_CHARACTER = rf"(?![{IDEOGRAPHS}])\w"  # compiled where a glossary is used


@dataclass(frozen=True)
class FoundTerm:
    """A term in a text, at the offsets [start, end); see `PieceTerm`."""

    start: int
    end: int
    target: str
    copied: bool


class TermFinder:
    """Finds the terms of a glossary, and decides for each whether the model writes its target.

    Args:
        glossary: of terms and of what is kept
        target: the vocabulary of the translation
        known: characters that the model reads; a term of others is copied

    Attributes:
        unwritable: the entries whose targets the model cannot write
    """

    def __init__(self, glossary: Glossary, target: Vocabulary, known: Iterable[str]) -> None:
        self._glossary, self._known = glossary, frozenset(known)
        self.unwritable = [each for each in glossary.entries if each.target and not _is_writable(each.target, target)]
        self._copied = {id(each) for each in self.unwritable}

    def find(self, text: str, case: Case) -> list[FoundTerm]:
        """The terms in a sentence, from left to right."""
        found = self._glossary.find(text, any_case=case is not Case.MIXED)
        whole = len(found) == 1 and not any(map(str.isalnum, text[: found[0].start] + text[found[0].end :]))
        return [
            FoundTerm(match.start, match.end, match.written(text), whole or self._is_copied(match.entry))
            for match in found
        ]

    def _is_copied(self, entry: Entry) -> bool:
        """Whether a placeholder is read for a term: the model cannot read it, or cannot write what it becomes."""
        unread = any(c.isdecimal() or (not c.isspace() and c not in self._known) for c in entry.source)
        return entry.target is None or unread or id(entry) in self._copied


def without_overlaps(spans: Sequence[Span | FoundTerm]) -> list[Span | FoundTerm]:
    """The spans in order. What lies inside another one is left out, and so is a term that overlaps a protected span."""
    kept = list[Span | FoundTerm]()
    for span in sorted(spans, key=lambda each: (each.start, -each.end, isinstance(each, Span))):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
        elif span.end > kept[-1].end and isinstance(span, Span):
            kept[-1] = span
    return kept


def _is_writable(target: str, vocabulary: Vocabulary) -> bool:
    """Whether the model can write a text and nothing that is made of a translation afterwards changes it."""
    ids = vocabulary.encode(target)
    known = UNK not in ids and all(i < vocabulary.first_placeholder for i in ids)
    return known and vocabulary.decode(ids) == target and PAIRED.isdisjoint(target) and target[-1] not in _FINAL


def occurrences(text: str, term: str) -> int:
    """How often a term stands in a text as whole words."""
    before = r"(?<!\w)" if re.match(_WORD_CHARACTER, term[:1]) else ""
    after = r"(?!\w)" if re.match(_WORD_CHARACTER, term[-1:]) else ""
    return len(re.findall(before + re.escape(term) + after, text))


def needed(targets: Iterable[str]) -> dict[str, int]:
    """How often each target has to stand in a text; one that is a part of another stands there once more."""
    counts = Counter(targets)
    return {
        term: times + sum(counts[other] * occurrences(other, term) for other in counts if other != term)
        for term, times in counts.items()
    }


def lacks_terms(text: str, piece: Piece) -> bool:
    """Whether a translation of a piece lacks a term that the model has to write."""
    wanted = needed(term.target for term in piece.terms if not term.copied)
    return any(_count(text, target) < times for target, times in wanted.items())


def with_capital(target: str) -> str:
    """The target with a capital, if its first word is in lower case; "iPhone" stays."""
    first = re.match(r"\w*", target)
    return target[:1].upper() + target[1:] if first and first[0].islower() else target


def _count(text: str, target: str) -> int:
    """How often a target stands in a text, at the start of a sentence also with a capital."""
    capital = with_capital(target)
    return occurrences(text, target) + (occurrences(text, capital) if capital != target else 0)


def written_terms(text: str, pieces: Sequence[Piece]) -> tuple[WrittenTerm, ...]:
    """The terms of the pieces of a line, each with whether it stands in the translation of the line."""
    terms = [WrittenTerm(term.source, term.target, written=False) for piece in pieces for term in piece.terms]
    any_case = any(piece.case is not Case.MIXED or piece.capitals for piece in pieces)
    return checked_terms(text, terms, any_case=any_case)


def checked_terms(text: str, terms: Sequence[WrittenTerm], *, any_case: bool) -> tuple[WrittenTerm, ...]:
    """The terms of a line, each with whether it stands in this translation, where case may not count."""
    fold = str.casefold if any_case else str
    targets = [fold(term.target) for term in terms]
    counts, wanted = Counter(targets), needed(targets)
    # What stands in a longer term as well does not count for the shorter one.
    left = {target: _count(fold(text), target) - wanted[target] + counts[target] for target in counts}
    checked = []
    for term, target in zip(terms, targets):
        left[target] -= 1
        checked.append(replace(term, written=left[target] >= 0))
    return tuple(checked)

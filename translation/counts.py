"""Counts: how many lines of an output are doubtful, long, or lack what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from s2s.decoding.results import Translation


@dataclass(frozen=True)
class Counts:
    """What is counted of lines.

    Attributes:
        doubtful: lines whose translation is
        long: lines that were cut because a sentence is longer than those of the training text
        without_prefix: lines whose translation does not begin with its prefix
        terms: of a glossary, in all lines
        missing: terms that their translation lacks
        lacking: lines that lack a term
    """

    doubtful: int = 0
    long: int = 0
    without_prefix: int = 0
    terms: int = 0
    missing: int = 0
    lacking: int = 0

    @classmethod
    def of(cls, translations: Sequence[Translation]) -> Self:
        """Those of some lines."""
        missing = [sum(not term.written for term in each.terms) for each in translations]
        return cls(
            doubtful=sum(each.doubtful for each in translations),
            long=sum(each.is_long for each in translations),
            without_prefix=sum(not each.prefix_kept for each in translations),
            terms=sum(len(each.terms) for each in translations),
            missing=sum(missing),
            lacking=sum(count > 0 for count in missing),
        )

    def __add__(self, other: Counts) -> Counts:
        """The counts of both."""
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def missing_terms(self, advice: str) -> str:
        """A line that says how many terms are missing; empty if none is. `advice` is what to do next."""
        if not self.missing:
            return ""
        lines = f"{self.lacking:,} line{'s' * (self.lacking != 1)}"
        terms = f"{self.missing:,} of {self.terms:,} terms {'is' if self.missing == 1 else 'are'}"
        return f"{terms} missing in the translations, in {lines}{advice}"

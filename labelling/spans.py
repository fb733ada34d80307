"""Scores of spans, by seqeval: precision, recall and F1 of whole spans with their types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labelling.schemes import SchemeError, SchemeName, converted


@dataclass(frozen=True)
class SpanScores:
    """Shares, 0 to 1, of spans whose bounds and type are both right.

    Attributes:
        precision: of the spans that were found
        recall: of those that were to be found
        f1: their harmonic mean
        spans: how many were to be found
    """

    precision: float
    recall: float
    f1: float
    spans: int

    def __str__(self) -> str:
        shares = f"F1 {100 * self.f1:.2f} %, precision {100 * self.precision:.2f} %, recall {100 * self.recall:.2f} %"
        return f"{shares} of {self.spans:,} spans"


def span_scores(truth: Sequence[Sequence[str]], found: Sequence[Sequence[str]], scheme: SchemeName) -> SpanScores:
    """The scores of tags in a scheme.

    Raises:
        ModuleNotFoundError: seqeval is not installed (the extra `spans`).
    """
    from seqeval.metrics import f1_score, precision_score, recall_score
    from seqeval.metrics.sequence_labeling import get_entities
    from seqeval.scheme import IOB2

    one, other = ([_in_iob2(tags, scheme) for tags in side] for side in (truth, found))
    options = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    found_shares: list[Any] = [score(one, other, **options) for score in (precision_score, recall_score, f1_score)]
    shares = [float(share) for share in found_shares]  # NumPy's numbers are not written as JSON
    return SpanScores(*shares, spans=len(get_entities(one)))


def check_seqeval() -> None:
    """Raise a ModuleNotFoundError unless seqeval is installed; asked before a long text is tagged."""
    import seqeval  # noqa: F401


def _in_iob2(tags: Sequence[str], scheme: SchemeName) -> list[str]:
    try:
        return converted(tags, scheme, "IOB2")
    except SchemeError:  # the labels of the model allow no tags that follow the scheme
        return list(tags)

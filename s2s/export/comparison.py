"""The check of a light form: both engines write what they make of the same inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from s2s.errors import check, first_few
from s2s.export.contracts import Written

SCORE_TOLERANCE = 1e-3  # of the mean log-probability of a token; rounding makes about 1e-6 of it
NEAR_TIES = 0.01  # the share of inputs for which two hypotheses may be so close that rounding chooses


@dataclass(frozen=True)
class Comparison:
    """What two engines wrote for the same inputs.

    Attributes:
        count: how many inputs there are
        different: the numbers of those for which the texts differ, from 1
        widest: the largest difference of two scores of the same text
    """

    count: int
    different: list[int]
    widest: float

    @classmethod
    def of(cls, expected: Sequence[Written], found: Sequence[Written]) -> Comparison:
        """Compare, input by input."""
        pairs = list(zip(expected, found, strict=True))
        different = [number for number, (one, other) in enumerate(pairs, start=1) if one.text != other.text]
        gaps = [
            abs(one.score - other.score) if one.score != other.score else 0.0  # those of two blank lines are infinite
            for one, other in pairs
            if one.text == other.text
        ]
        return cls(len(pairs), different, max(gaps, default=0.0))

    def verify(self, unit: str) -> None:
        """Raise a UserError unless both engines compute the same up to the rounding of float32.

        The texts must be equal, except for near-ties: rounding decides between hypotheses of almost the same score.
        """
        few = len(self.different) <= max(1, NEAR_TIES * self.count)
        check(
            few and self.widest <= SCORE_TOLERANCE,
            f"nothing was written, because the light form differs from the model: in float32 it writes {unit} "
            f"{first_few(self.different) or 'none'} of {self.count} otherwise than PyTorch, and scores differ by "
            f"{self.widest:.2g}; please report this with the model's config.json",
        )

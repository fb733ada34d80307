"""The engine of a translator: a model that is ready to be searched with, by PyTorch or by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from s2s.errors import check
from s2s.models.contracts import Network
from translation.assets import Assets

if TYPE_CHECKING:
    from translation.pictures import PictureSource


@dataclass(frozen=True)
class TranslationEngine(Assets):
    """A model that is ready to be searched with.

    Attributes:
        network: computes the steps
        precision: of its matrix products, for reports: "int8", "float16", "bfloat16" or "float32"
        batch_tokens: the best size of a batch, in padded source tokens times hypotheses
        look: what a model that sees pictures makes of one (`Features` of one picture); None for any other model
    """

    network: Network
    precision: str
    batch_tokens: int
    look: Callable[[PictureSource], Any] | None = None

    def check_fits(self, other: TranslationEngine, names: str) -> None:
        """Raise a UserError unless both can translate together. `names` are theirs, that of `other` first."""
        directions = [f"{each.config.source_language} to {each.config.target_language}" for each in (other, self)]
        check(
            directions[0] == directions[1],
            f"{names}: they cannot translate together, because one translates {directions[0]} and the other "
            f"{directions[1]}; choose models of one direction",
        )
        check(
            [(side.to_bytes(), side.placeholders) for side in (self.source, self.target)]
            == [(side.to_bytes(), side.placeholders) for side in (other.source, other.target)],
            f"{names}: they cannot translate together, because their vocabularies differ; train both on the same text, "
            "or start the training of one from the other",
        )

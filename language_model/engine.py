"""The engine of a language model: a model that is ready to write, by PyTorch or by ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from language_model.assets import Assets
from s2s.models.contracts import Network


@dataclass(frozen=True)
class LanguageEngine(Assets):
    """A model that is ready to write.

    Attributes:
        network: computes the steps
        beginning: what `Search.start` takes for one text without a past
        precision: of the products, for reports: "int8", "float16", "bfloat16" or "float32"
    """

    network: Network
    beginning: Any
    precision: str

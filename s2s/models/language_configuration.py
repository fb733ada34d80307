"""Configuration of language models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from s2s.config import option
from s2s.nn.configuration import MAX_LAYERS, MAX_UNITS, CellConfig, LSTMConfig


@dataclass(frozen=True)
class LanguageModelDropout:
    """Where and how much a language model drops in training; each 0 <= rate < 1.

    All masks but that of words hold for all steps of a chunk (Gal & Ghahramani, 2016; Merity et al., 2018).
    """

    word: float = option(0.0, low=0, below=1, help="whole tokens that are read")
    embedding: float = option(0.2, low=0, below=1, help="elements of the embeddings")
    hidden: float = option(0.2, low=0, below=1, help="between recurrent layers")
    output: float = option(0.3, low=0, below=1, help="before the output layer")
    weight: float = option(0.3, low=0, below=1, help="recurrent weights (DropConnect: Merity et al., 2018)")


@dataclass(frozen=True)
class RecurrentLanguageModelConfig:
    """`RecurrentLanguageModel`: recurrent layers that read a text and predict its next token."""

    kind: ClassVar[str] = "recurrent"
    cell: CellConfig = option(LSTMConfig())
    embedding_dim: int = option(256, low=1, high=MAX_UNITS)
    dim: int = option(512, low=1, high=MAX_UNITS, help="units of a recurrent layer")
    layers: int = option(2, low=1, high=MAX_LAYERS)
    tie_embeddings: bool = option(
        True, help="output layer and embeddings share their weights; the last layer has embedding_dim units then"
    )
    dropout: LanguageModelDropout = LanguageModelDropout()

    @property
    def widths(self) -> tuple[int, ...]:
        """The units of each recurrent layer, from the bottom."""
        return (*[self.dim] * (self.layers - 1), self.embedding_dim if self.tie_embeddings else self.dim)

    @property
    def states(self) -> dict[str, int]:
        """The widths of the arrays of the state by name: `hidden.I` of layer I, and `cell.I` if it is an LSTM."""
        names = ("hidden", "cell") if self.cell.kind == "lstm" else ("hidden",)
        return {f"{name}.{layer}": width for layer, width in enumerate(self.widths) for name in names}

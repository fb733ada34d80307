"""Configuration of encoders and decoders: their kinds and shapes, as a recipe and a model directory name them.

A kind is a dataclass; a network is built by the type of its configuration (`DECODERS` in s2s/models/decoders.py,
`TEXT_ENCODERS` in s2s/models/text_encoder.py, `IMAGE_ENCODERS` in s2s/models/image_encoder.py). Nothing here needs
torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from s2s.config import option
from s2s.nn.configuration import MAX_LAYERS, MAX_UNITS, AdditiveConfig, AttentionConfig, CellConfig, LSTMConfig


@dataclass(frozen=True)
class RecurrentEncoderConfig:
    """Recurrent layers over a source sentence."""

    kind: ClassVar[str] = "recurrent"
    cell: CellConfig = option(LSTMConfig())
    dim: int = option(256, low=1, high=MAX_UNITS, help="units of a layer, in each direction")
    layers: int = option(1, low=1, high=MAX_LAYERS)
    bidirectional: bool = option(True)
    residual: bool = option(False, help="add a layer's input to its output where the shapes agree")
    word_dropout: float = option(0.0, low=0, below=1, help="whole source words")
    embedding_dropout: float = option(0.3, low=0, below=1)
    hidden_dropout: float = option(0.3, low=0, below=1, help="between layers")

    @property
    def output_dim(self) -> int:
        """Width of the grid's vectors and of the summary."""
        return self.dim * (2 if self.bidirectional else 1)


TextEncoderConfig = RecurrentEncoderConfig


@dataclass(frozen=True)
class SpellingConfig:
    """A bidirectional recurrent layer over the characters of a word (Ling et al., 2015)."""

    cell: CellConfig = option(LSTMConfig())
    embedding_dim: int = option(32, low=1, high=MAX_UNITS, help="of a character")
    dim: int = option(64, low=1, high=MAX_UNITS, help="units in each direction")

    @property
    def output_dim(self) -> int:
        """Width of what is added to the embedding of a word."""
        return 2 * self.dim


@dataclass(frozen=True)
class LastReadingConfig:
    """The last state of each direction."""

    kind: ClassVar[str] = "last"


@dataclass(frozen=True)
class MeanReadingConfig:
    """The mean over the positions."""

    kind: ClassVar[str] = "mean"


@dataclass(frozen=True)
class MaxReadingConfig:
    """The largest value of each feature over the positions (Conneau et al., 2017)."""

    kind: ClassVar[str] = "max"


@dataclass(frozen=True)
class AttentionReadingConfig:
    """The mean over the positions, weighted by attention from a query that is learned (Yang et al., 2016)."""

    kind: ClassVar[str] = "attention"
    attention: AttentionConfig = option(AdditiveConfig(128))


ReadingConfig = LastReadingConfig | MeanReadingConfig | MaxReadingConfig | AttentionReadingConfig


@dataclass(frozen=True)
class ClassifierHeadConfig:
    """One label a sentence."""

    kind: ClassVar[str] = "classifier"
    reading: ReadingConfig = option(AttentionReadingConfig(), help="how positions become one vector")
    dropout: float = option(0.5, low=0, below=1, help="of that vector")


@dataclass(frozen=True)
class TaggerHeadConfig:
    """One label a word."""

    kind: ClassVar[str] = "tagger"
    dropout: float = option(0.5, low=0, below=1, help="of the vector of each word")


HeadConfig = ClassifierHeadConfig | TaggerHeadConfig


@dataclass(frozen=True)
class GridEncoderConfig:
    """A projection of the cells of a CNN's feature map."""

    kind: ClassVar[str] = "grid"
    dim: int = option(512, low=1, high=MAX_UNITS, help="of the grid that the decoder looks at")


ImageEncoderConfig = GridEncoderConfig


@dataclass(frozen=True)
class DropoutRates:
    """Where and how much a decoder drops in training; each 0 <= rate < 1."""

    word: float = option(0.0, low=0, below=1, help="whole input words (Sennrich & Zhang, 2019)")
    embedding: float = option(0.3, low=0, below=1, help="elements of the embeddings")
    hidden: float = option(0.3, low=0, below=1, help="between recurrent layers")
    context: float = option(0.3, low=0, below=1, help="the vectors of the grid")
    output: float = option(0.3, low=0, below=1, help="before the read-out")
    variational: bool = option(
        False, help="one mask for all steps (Gal & Ghahramani, 2016), save between the layers of sequential decoders"
    )


@dataclass(frozen=True)
class RecurrentDecoderConfig:
    """What all kinds of recurrent decoders have in common.

    Attributes:
        sequential: whether a step waits for the one before in training too, which scheduled sampling needs
        attends: whether the decoder looks at the grid
    """

    kind: ClassVar[str]
    sequential: ClassVar[bool] = True
    attends: ClassVar[bool] = True
    cell: CellConfig = option(LSTMConfig())
    embedding_dim: int = option(256, low=1, high=MAX_UNITS)
    dim: int = option(512, low=1, high=MAX_UNITS, help="units of a recurrent layer")
    layers: int = option(
        1, low=1, high=MAX_LAYERS, help="recurrent layers above the attention (parallel, top_down), or in all"
    )
    attention: AttentionConfig = option(AdditiveConfig())
    tie_output: bool = option(True, help="read-out and embeddings share their weights (Press & Wolf, 2017)")
    dropout: DropoutRates = DropoutRates()

    @staticmethod
    def upgraded(table: Mapping[str, Any]) -> Mapping[str, Any]:
        """Rename the keys of earlier versions: `wiring` to `kind`, `attention_dim` to the `dim` of the attention."""
        table = dict(table)
        if "wiring" in table and "kind" not in table:
            table["kind"] = table.pop("wiring")
        attention = table.get("attention", AdditiveConfig.kind)
        if "attention_dim" in table and isinstance(attention, str):
            dim = table.pop("attention_dim")  # recipes gave it to every kind, and only additive attention read it
            table["attention"] = {"kind": attention, "dim": dim} if attention == AdditiveConfig.kind else attention
        return table


@dataclass(frozen=True)
class ParallelConfig(RecurrentDecoderConfig):
    """`ParallelDecoder`: attention between a lower and an upper recurrent layer."""

    kind: ClassVar[str] = "parallel"
    sequential: ClassVar[bool] = False


@dataclass(frozen=True)
class InputFeedingConfig(RecurrentDecoderConfig):
    """`InputFeedingDecoder` (Luong et al., 2015)."""

    kind: ClassVar[str] = "input_feeding"


@dataclass(frozen=True)
class ShowAndTellConfig(RecurrentDecoderConfig):
    """`ShowAndTellDecoder` (Vinyals et al., 2015)."""

    kind: ClassVar[str] = "show_and_tell"
    attends: ClassVar[bool] = False


@dataclass(frozen=True)
class ShowAttendTellConfig(RecurrentDecoderConfig):
    """`ShowAttendTellDecoder` (Xu et al., 2015)."""

    kind: ClassVar[str] = "show_attend_tell"


@dataclass(frozen=True)
class TopDownConfig(RecurrentDecoderConfig):
    """`TopDownDecoder` (Anderson et al., 2018)."""

    kind: ClassVar[str] = "top_down"


DecoderConfig = ParallelConfig | InputFeedingConfig | ShowAndTellConfig | ShowAttendTellConfig | TopDownConfig


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

"""Configuration of encoders and decoders: their kinds and shapes, as a recipe and a model directory name them.

That of classifiers and taggers is in label_configuration.py, that of language models in language_configuration.py.

A kind is a dataclass; a network is built by the type of its configuration (`DECODERS` in s2s/models/decoders.py,
`TEXT_ENCODERS` in s2s/models/text_encoder.py, `IMAGE_ENCODERS` in s2s/models/image_encoder.py). Nothing here needs
torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from s2s.config import option
from s2s.nn.configuration import (
    MAX_HEADS,
    MAX_LAYERS,
    MAX_UNITS,
    AdditiveConfig,
    AttentionConfig,
    CellConfig,
    EstimatorConfig,
    HardConfig,
    LSTMConfig,
    MarginalConfig,
    NormKind,
    PositionConfig,
    SinusoidalConfig,
)


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


@dataclass(frozen=True)
class TransformerDropout:
    """Where and how much the layers of a Transformer drop in training; each 0 <= rate < 1."""

    word: float = option(0.0, low=0, below=1, help="whole words that are read")
    embedding: float = option(0.1, low=0, below=1, help="elements of the sums of embeddings and positions")
    residual: float = option(0.1, low=0, below=1, help="what a sublayer adds to its input")
    feedforward: float = option(0.0, low=0, below=1, help="between the two products of a feed-forward sublayer")
    attention: float = option(0.0, low=0, below=1, help="weights of attention; above 0 it is slower on a CPU")


@dataclass(frozen=True)
class TransformerShape:
    """What encoders and decoders with multi-head attention have in common (Vaswani et al., 2017)."""

    kind: ClassVar[str] = "transformer"
    dim: int = option(256, low=2, high=MAX_UNITS, help="width of all layers; of a decoder also of its embeddings")
    layers: int = option(4, low=1, high=MAX_LAYERS)
    heads: int = option(4, low=1, high=MAX_HEADS, help="of each attention; divides dim")
    feedforward_dim: int = option(1024, low=1, high=MAX_UNITS, help="units between the products of a feed-forward part")
    norm: NormKind = option("pre", help="layer normalisation before each sublayer (pre) or after the sum (post)")
    positions: PositionConfig = option(SinusoidalConfig(), help="sinusoidal or learned")

    def problems(self) -> Iterator[str]:
        """Report heads that do not divide the width, and an odd width."""
        if self.dim % self.heads:
            yield f"heads = {self.heads} does not divide dim = {self.dim}"
        if self.dim % 2:
            yield f"dim = {self.dim} is odd, but positions need an even one"


@dataclass(frozen=True)
class TransformerEncoderConfig(TransformerShape):
    """`TransformerEncoder`: self-attention over a source sentence."""

    dropout: TransformerDropout = TransformerDropout()

    @property
    def output_dim(self) -> int:
        """Width of the grid's vectors and of the summary."""
        return self.dim


TextEncoderConfig = RecurrentEncoderConfig | TransformerEncoderConfig


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
        reads_own_words: whether scheduled sampling can feed back the words that the decoder itself writes
        attends: whether the decoder looks at the grid
    """

    kind: ClassVar[str]
    reads_own_words: ClassVar[bool] = True
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
    reads_own_words: ClassVar[bool] = False


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


@dataclass(frozen=True)
class TransformerDecoderDropout(TransformerDropout):
    """As in all Transformers, and of the grid that the decoder looks at."""

    context: float = option(0.0, low=0, below=1, help="the vectors of the grid")


@dataclass(frozen=True)
class TransformerDecoderConfig(TransformerShape):
    """`TransformerDecoder`: self-attention over the words written so far, and attention over the grid."""

    reads_own_words: ClassVar[bool] = True
    attends: ClassVar[bool] = True
    tie_output: bool = option(True, help="read-out and embeddings share their weights (Press & Wolf, 2017)")
    dropout: TransformerDecoderDropout = TransformerDecoderDropout()

    @property
    def embedding_dim(self) -> int:
        """Width of the embeddings."""
        return self.dim


DecoderConfig = (
    ParallelConfig
    | InputFeedingConfig
    | ShowAndTellConfig
    | ShowAttendTellConfig
    | TopDownConfig
    | TransformerDecoderConfig
)


def hard_estimator(decoder: DecoderConfig) -> EstimatorConfig | None:
    """How a decoder's hard attention is trained; None where it looks softly, or not at all."""
    attention = decoder.attention if isinstance(decoder, RecurrentDecoderConfig) and decoder.attends else None
    return attention.estimator if isinstance(attention, HardConfig) else None


def hard_attention_problems(decoder: DecoderConfig, *, rewards: str | None, scheduled_sampling: float) -> Iterator[str]:
    """Report what cannot be combined with hard attention.

    Args:
        decoder: of the recipe
        rewards: the recipe's section that trains by rewards of whole sentences, if it has one
        scheduled_sampling: of the recipe
    """
    estimator = hard_estimator(decoder)
    if estimator is not None and rewards:
        yield f"{rewards} gives hard attention no gradient: remove one of them"
    if isinstance(estimator, MarginalConfig) and scheduled_sampling:
        yield "scheduled_sampling cannot be combined with the estimator 'marginal': remove one of them"
    if isinstance(estimator, MarginalConfig) and not decoder.reads_own_words:
        yield (
            f"the estimator 'marginal' needs another decoder.kind, such as show_attend_tell: {decoder.kind} reads all "
            "words at once"
        )

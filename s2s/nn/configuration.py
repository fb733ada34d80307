"""Configuration of layers, as a recipe names them: kinds of recurrent cells, of attention and of positions, precision.

A kind is a dataclass; a layer is built by the type of its configuration (`CELLS` in s2s/nn/cells.py, `ATTENTIONS` in
s2s/nn/attentions.py, `POSITIONS` in s2s/nn/positions.py). Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from s2s.config import option

# Upper bounds for recipes and for models from strangers: a huge layer is refused before memory is allocated for it.
MAX_UNITS, MAX_LAYERS, MAX_HEADS, MAX_POSITIONS = 65_536, 64, 1024, 65_536

Precision = Literal["auto", "bfloat16", "float32"]  # of matrix products, see s2s/nn/precision.py
DecodingPrecision = Literal["auto", "int8", "bfloat16", "float32"]  # see s2s/models/quantisation.py
NormKind = Literal["pre", "post"]  # where a Transformer's layers normalise, see s2s/nn/transformer_layers.py


@dataclass(frozen=True)
class LSTMConfig:
    """Long short-term memory (Hochreiter & Schmidhuber, 1997; Gers et al., 2000)."""

    kind: ClassVar[str] = "lstm"


@dataclass(frozen=True)
class GRUConfig:
    """Gated recurrent unit (Cho et al., 2014)."""

    kind: ClassVar[str] = "gru"


@dataclass(frozen=True)
class RNNConfig:
    """Vanilla recurrent network (Elman, 1990)."""

    kind: ClassVar[str] = "rnn"


CellConfig = LSTMConfig | GRUConfig | RNNConfig


@dataclass(frozen=True)
class AdditiveConfig:
    """Additive attention (Bahdanau et al., 2015)."""

    kind: ClassVar[str] = "additive"
    dim: int = option(256, low=1, high=MAX_UNITS, help="units of the layer that scores a position")


@dataclass(frozen=True)
class DotConfig:
    """Dot-product attention (Luong et al., 2015)."""

    kind: ClassVar[str] = "dot"


@dataclass(frozen=True)
class ScaledDotConfig:
    """Scaled dot-product attention (Vaswani et al., 2017)."""

    kind: ClassVar[str] = "scaled_dot"


@dataclass(frozen=True)
class GeneralConfig:
    """Bilinear attention (Luong et al., 2015, "general")."""

    kind: ClassVar[str] = "general"


SoftAttentionConfig = AdditiveConfig | DotConfig | ScaledDotConfig | GeneralConfig


@dataclass(frozen=True)
class MovingBaselineConfig:
    """REINFORCE with a moving mean as the baseline, and half of the looks soft (Xu et al., 2015, section 4.1)."""

    kind: ClassVar[str] = "moving_baseline"
    samples: ClassVar[int] = 1
    decay: float = option(0.9, low=0, below=1, help="of the moving mean")
    expectation: float = option(0.5, low=0, below=1, help="share of the looks in training that are soft")
    reward: float = option(1.0, above=0, help="weight of the gradient through the sampled positions")
    entropy: float = option(0.002, low=0, help="weight of the entropy bonus, which keeps attention from settling early")


@dataclass(frozen=True)
class LeaveOneOutConfig:
    """REINFORCE with several samples; the baseline of each is the mean of the others (Kool et al., 2019)."""

    kind: ClassVar[str] = "leave_one_out"
    samples: int = option(4, low=2, high=64, help="ways of looking for each sentence")
    expectation: float = option(0.0, low=0, below=1, help="share of the looks in training that are soft")
    reward: float = option(1.0, above=0, help="weight of the gradient through the sampled positions")
    entropy: float = option(0.002, low=0, help="weight of the entropy bonus, which keeps attention from settling early")


@dataclass(frozen=True)
class MarginalConfig:
    """The next word's probability as its mean over all positions, after positions that were sampled.

    It approximates the likelihood: the context feeds the recurrence, and the positions of the earlier steps are
    sampled. Every step is computed for every position.
    """

    kind: ClassVar[str] = "marginal"


EstimatorConfig = MovingBaselineConfig | LeaveOneOutConfig | MarginalConfig


@dataclass(frozen=True)
class HardConfig:
    """Hard attention: it looks at one position, drawn from the weights of soft attention (Xu et al., 2015)."""

    kind: ClassVar[str] = "hard"
    score: SoftAttentionConfig = option(AdditiveConfig(), help="how a position is scored")
    estimator: EstimatorConfig = option(MovingBaselineConfig(), help="how the choice of positions is trained")


AttentionConfig = SoftAttentionConfig | HardConfig


@dataclass(frozen=True)
class SinusoidalConfig:
    """Sines and cosines of the position (Vaswani et al., 2017, 3.5)."""

    kind: ClassVar[str] = "sinusoidal"


@dataclass(frozen=True)
class LearnedConfig:
    """A vector that is learned for each position (Gehring et al., 2017)."""

    kind: ClassVar[str] = "learned"
    count: int = option(
        512, low=1, high=MAX_POSITIONS, help="how many vectors there are; all later positions share the last one"
    )


PositionConfig = SinusoidalConfig | LearnedConfig

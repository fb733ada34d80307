"""Configuration of layers: the kinds of recurrent cells and of attention, and the precision, as a recipe names them.

A kind is a dataclass; a layer is built by the type of its configuration (`CELLS` in s2s/nn/cells.py, `ATTENTIONS` in
s2s/nn/attention.py). Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from s2s.config import option

# Upper bounds for recipes and for models from strangers: a huge layer is refused before memory is allocated for it.
MAX_UNITS, MAX_LAYERS = 65_536, 64

Precision = Literal["auto", "bfloat16", "float32"]  # of matrix products, see s2s/nn/precision.py
DecodingPrecision = Literal["auto", "int8", "bfloat16", "float32"]  # see s2s/models/quantisation.py


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


AttentionConfig = AdditiveConfig | DotConfig | ScaledDotConfig | GeneralConfig

"""The engine of a captioner: a model that is ready to be searched with, by PyTorch or by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from captioning.assets import Assets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from s2s.models.contracts import Network
    from s2s.vision.batches import PixelBatch


@dataclass(frozen=True, eq=False)
class EncodedPictures:
    """What the CNN makes of a batch of pictures.

    Attributes:
        inputs: what the search of the engine's network starts with
        grid: rows and columns of the positions that the decoder looks at
        summaries: (pictures, dim) float32, the mean of the CNN's cells that show a part of the photograph
    """

    inputs: Any
    grid: tuple[int, int]
    summaries: NDArray[np.float32]


@dataclass(frozen=True)
class CaptioningEngine(Assets):
    """A model that is ready to be searched with.

    Attributes:
        encode: computes what the CNN makes of pictures
        network: computes the steps
        precision: of its matrix products, for reports: "int8", "float16", "bfloat16" or "float32"
    """

    encode: Callable[[PixelBatch], EncodedPictures]
    network: Network
    precision: str

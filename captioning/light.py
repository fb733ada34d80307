"""The light engine of a captioner: ONNX Runtime, without torch."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from captioning.assets import Assets
from captioning.engine import CaptioningEngine, EncodedPictures
from s2s.errors import check
from s2s.runtime.graph import Graph, OnnxGraph
from s2s.runtime.loading import ENCODER, STEP
from s2s.runtime.network import LightNetwork, first_state
from s2s.storage.light_form import LightModel
from s2s.vision.batches import PixelBatch

_PART = 4  # pictures in the CNN at a time: more take more memory and hardly less time
_SUMMARY = "summary"


def light_engine(form: LightModel, threads: int) -> CaptioningEngine:
    """The engine of a model's light form, on so many processor cores.

    Raises:
        UserError: the model cannot be built from its files, or ONNX Runtime is not installed.
    """
    directory = form.record.directory
    check(find_spec("onnxruntime"), f"{directory}: a captioner needs ONNX Runtime; install it, or use --engine torch")
    check(form.grid, f"{form.record.path}: 'light' has no grid, which a captioner needs; run `s2s export` again")
    assert form.grid is not None
    with form.record.building():
        assets = Assets.read(form.record)
        encoder, step = (OnnxGraph(form.file(name), threads=threads) for name in (ENCODER, STEP))
        assets.check_dim(encoder.widths[_SUMMARY], directory)
        return CaptioningEngine(
            **vars(assets),
            encode=LightEncoder(encoder, form.grid),
            network=LightNetwork(encoder, step),
            precision=form.precision,
        )


class LightEncoder:
    """Pictures to the decoder's first state and the mean of the CNN's cells.

    Args:
        graph: `encoder.onnx`
        grid: rows and columns of the CNN's feature map
    """

    def __init__(self, graph: Graph, grid: tuple[int, int]) -> None:
        self._graph, self._grid = graph, grid

    def __call__(self, pictures: PixelBatch) -> EncodedPictures:
        """Encode a batch of pictures."""
        count = len(pictures.values)
        parts = [self._encode(pictures, slice(first, first + _PART)) for first in range(0, count, _PART)]
        outputs = {name: np.concatenate(values) for name, *values in zip(self._graph.outputs, *parts)}
        return EncodedPictures(first_state(outputs), self._grid, outputs[_SUMMARY])

    def _encode(self, pictures: PixelBatch, part: slice) -> list[NDArray[Any]]:
        inputs: dict[str, NDArray[Any]] = {"pixels": pictures.values[part]}
        if pictures.extent is not None:
            inputs["extent"] = pictures.extent[part]
        return self._graph.run(inputs, self._graph.outputs)

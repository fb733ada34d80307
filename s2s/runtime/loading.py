"""Loading the graphs of a light form."""

from __future__ import annotations

from s2s.runtime.graph import open_graph
from s2s.runtime.network import LightNetwork
from s2s.storage.light_form import LightModel

ENCODER, STEP = "encoder.onnx", "step.onnx"


def load_network(form: LightModel, threads: int) -> LightNetwork:
    """The network of a light form, which uses so many processor cores: one for each batch in work."""
    encoder, step = (open_graph(form.file(name)) for name in (ENCODER, STEP))
    return LightNetwork(encoder, step, workers=threads)

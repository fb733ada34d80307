"""The light engine of a language model: ONNX Runtime, without torch."""

from __future__ import annotations

import numpy as np

from language_model.assets import Assets
from language_model.engine import LanguageEngine
from s2s.runtime.graph import open_graph
from s2s.runtime.loading import STEP
from s2s.runtime.network import LightNetwork, LightState
from s2s.storage.light_form import LightModel


def light_engine(form: LightModel, threads: int) -> LanguageEngine:
    """The engine of a model's light form, on so many processor cores.

    Raises:
        UserError: the model cannot be built from its files.
    """
    with form.record.building():
        assets = Assets.read(form.record)
        graph = open_graph(form.file(STEP), threads=threads)
        widths = assets.config.model.states
        zeros = {f"rows.{name}": np.zeros((1, width), np.float32) for name, width in widths.items()}
        network = LightNetwork(None, graph)
        return LanguageEngine(assets.config, assets.vocabulary, network, LightState(1, zeros, {}), form.precision)

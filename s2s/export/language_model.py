"""The step of a recurrent language model in a graph. It has no encoder: its first state is zeros.

Names of a state's values are those of decoders (s2s/export/decoders.py): `rows.hidden.I` and `rows.cell.I`.
"""

from __future__ import annotations

from s2s.export.builder import FLOAT, INT64, WEIGHTS_FILE, WeightFile
from s2s.export.cells import CELLS, Part, step_layer
from s2s.export.contracts import Storage
from s2s.export.decoders import add_answer
from s2s.export.graphs import STEP, look_up
from s2s.export.matrices import NetworkGraph, array_of
from s2s.models.language_configuration import RecurrentLanguageModelConfig
from s2s.models.language_model import RecurrentLanguageModel


def build_step(
    config: RecurrentLanguageModelConfig, decoder: RecurrentLanguageModel, precision: Storage
) -> dict[str, bytes]:
    """Return the files `step.onnx` and `light.weights` of a language model.

    Args:
        config: of the model
        decoder: the trained model
        precision: of the stored weights

    Raises:
        UserError: its cell cannot be exported.
    """
    look_up(CELLS, config.cell, "model.cell")
    weights = WeightFile()
    graph = NetworkGraph("step", weights, precision, integer_products=True)
    tokens, count = graph.input("tokens", INT64, ["rows"]), graph.input("count", INT64, [1])
    signal = graph.rows(decoder.embedding.weight, tokens)
    after = list[tuple[str, str, int]]()
    for number, layer in enumerate(decoder.layers):
        names = [f"rows.{name}.{number}" for name in ("hidden", "cell")[: layer.cell.states]]
        states = [graph.input(name, FLOAT, ["rows", layer.dim]) for name in names]
        graph.bounded(states[0], 1)
        following = step_layer(graph, config.cell, layer, [Part(signal, array_of(layer.weight_input))], states)
        after += [(name, value, layer.dim) for name, value in zip(names, following)]
        signal = following[0]
    add_answer(graph, decoder.projection, signal, count)
    for name, value, dim in after:
        graph.output(f"next.{name}", value, FLOAT, ["rows", dim])
    return {STEP: graph.model(), WEIGHTS_FILE: weights.content()}

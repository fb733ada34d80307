"""The light engine of a classifier or tagger: ONNX Runtime, without torch."""

from __future__ import annotations

from labelling.assets import Assets
from labelling.engine import LabellingEngine, SentenceScores
from s2s.runtime.graph import Graph, open_graph
from s2s.storage.light_form import LightModel
from s2s.text.padding import Padded

LABELS = "labels.onnx"


class LightScorer:
    """See `Scorer`.

    Args:
        graph: `labels.onnx`
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._outputs = ["log_probabilities", *(["attention"] if "attention" in graph.outputs else [])]

    def __call__(self, batch: Padded) -> list[SentenceScores]:
        """See `Scorer`."""
        scores, *attention = self._graph.run(dict(vars(batch)), self._outputs)
        lengths = batch.lengths.tolist()
        if scores.ndim == 3:
            return [SentenceScores(row[:length]) for row, length in zip(scores, lengths)]
        if not attention:
            return [SentenceScores(row) for row in scores]
        return [SentenceScores(row, look[:length]) for row, look, length in zip(scores, attention[0], lengths)]


def light_engine(form: LightModel, threads: int) -> LabellingEngine:
    """The engine of a model's light form, on so many processor cores.

    Raises:
        UserError: the model cannot be built from its files.
    """
    with form.record.building():
        assets = Assets.read(form.record)
        graph = open_graph(form.file(LABELS), threads=threads)
        return LabellingEngine(assets, LightScorer(graph), form.precision)

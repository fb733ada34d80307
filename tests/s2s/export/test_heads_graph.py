"""The graph of a classifier or tagger computes what the network does in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from labelling.model import LabellingModel
from s2s.export.heads import LABELS, READINGS, build_label_graph
from s2s.models.label_configuration import (
    AttentionReadingConfig,
    ClassifierHeadConfig,
    LastReadingConfig,
    MaxReadingConfig,
    MeanReadingConfig,
)
from s2s.nn.configuration import AdditiveConfig, DotConfig, GeneralConfig, ScaledDotConfig
from s2s.runtime.graph import Graph, OnnxGraph
from s2s.runtime.numpy_graph import NumpyGraph
from tests.labelling_fixtures import SENTENCES, classifier, tagger

ATTENTIONS = [AdditiveConfig(4), DotConfig(), ScaledDotConfig(), GeneralConfig()]
MODELS = {
    **{reading.kind: classifier(reading) for reading in (LastReadingConfig(), MeanReadingConfig(), MaxReadingConfig())},
    **{attention.kind: classifier(AttentionReadingConfig(attention)) for attention in ATTENTIONS},
    "spelling": classifier(LastReadingConfig(), spelling=True),
    "tagger": tagger(),
    "tagger with spelling": tagger(spelling=True),
}


def test_every_reading_has_a_graph() -> None:
    heads = [model.config.head for model in MODELS.values()]
    assert {type(head.reading) for head in heads if isinstance(head, ClassifierHeadConfig)} == set(READINGS)


@pytest.mark.parametrize("engine", [OnnxGraph, NumpyGraph])
@pytest.mark.parametrize("name", MODELS)
def test_the_graph_of_each_head(name: str, engine: type[Graph], tmp_path: Path) -> None:
    model: LabellingModel = MODELS[name]
    head, config = model.config.head, model.config
    reading = head.reading if isinstance(head, ClassifierHeadConfig) else None
    files = build_label_graph(model.network, config.encoder, config.spelling, reading, "float32")
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    graph = engine(tmp_path / LABELS)  # type: ignore[call-arg]
    batch = model.assets.batch(SENTENCES, model.assets.ids(SENTENCES))
    found = dict(zip(graph.outputs, graph.run(dict(vars(batch)), graph.outputs)))
    with torch.no_grad():
        expected = model.network(batch.moved(torch.from_numpy))
    scores = found["log_probabilities"]
    flat = scores if reading else scores[batch.mask]
    np.testing.assert_allclose(flat, expected.logits.log_softmax(-1), atol=3e-6)
    assert ("attention" in found) == (expected.attention is not None)
    if expected.attention is not None:
        np.testing.assert_allclose(found["attention"], expected.attention, atol=1e-6)

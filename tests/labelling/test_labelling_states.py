"""The states of a labeller's encoder over sentences are those that its head reads."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from labelling_fixtures import SENTENCES, classifier, tagger

from labelling.model import LabellingModel
from labelling.states import sentence_states
from s2s.models.label_configuration import LastReadingConfig


@pytest.mark.parametrize("model", [classifier(LastReadingConfig()), tagger(spelling=True)], ids=["plain", "spelling"])
def test_states_are_the_grid_of_each_sentence(model: LabellingModel) -> None:
    found = sentence_states(model, SENTENCES)
    ahead, back = found.layers
    assert ahead.cell is not None
    assert np.abs(ahead.cell).max() > np.abs(ahead.hidden).max()
    lines = found.lines()
    for words, ids, line in zip(SENTENCES, model.assets.ids(SENTENCES), lines, strict=True):
        with torch.no_grad():
            grid = model.network.encoder(model.assets.batch([words], [ids]).moved(torch.from_numpy)).grid[0]
        hidden = np.concatenate([each.hidden[line.start : line.stop] for each in (ahead, back)], 1)
        np.testing.assert_allclose(hidden, grid.numpy(), atol=1e-6)


def test_words_are_pieces_of_their_lines_and_unknown_ones_are_named() -> None:
    found = sentence_states(tagger(), [["The", "zebra", "sleeps"], ["zebra"]])
    assert found.pieces == ["The", " zebra", " sleeps", "zebra"]
    assert (list(found.starts), list(found.unknown)) == ([0, 3], [1, 3])

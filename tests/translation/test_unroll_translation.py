"""A translation unrolled: the numbers of the steps are those of the model's own forward pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from model_fixtures import recurrent
from translation_fixtures import tiny_model

from s2s.arrays import to_numpy
from s2s.errors import UserError
from s2s.text.padding import pad
from s2s.text.tokens import START
from translation.model import TranslationModel
from translation.recorded import Pair, Recorder
from translation.unroll import unroll_pair

UNITS = 5


@pytest.fixture(scope="module")
def model() -> TranslationModel:
    model = tiny_model()
    model.network.eval()
    return model


def test_the_numbers_of_each_step_are_those_of_the_model(model: TranslationModel) -> None:
    recorder = Recorder(model, 1)
    (pair,) = recorder.pairs(["A man in the park"])
    unrolled = unroll_pair(recorder, pair, UNITS)
    encoder = [step for step in unrolled.steps if step.part.startswith("encoder")]
    decoder = [step for step in unrolled.steps if step.part == "decoder"]
    assert unrolled.steps == [*encoder, *decoder]
    assert len(encoder) == 2 * len(pair.source)
    assert [step.position for step in encoder] == [*range(len(pair.source)), *reversed(range(len(pair.source)))]

    network = recurrent(model.network)
    with torch.no_grad():
        memory = recorder.encoder(pad([pair.source]).moved(torch.from_numpy))
        width = memory.grid.shape[-1] // 2
        for step in encoder:
            first = width if "right to left" in step.part else 0
            expected = memory.grid[0, step.position, first : first + UNITS]
            np.testing.assert_allclose(step.layers[0].after[0], expected.numpy(), atol=1e-5)
            assert step.layers[0].dim == width
        state: Any = network.start(memory)
        token = START
        for step, following in zip(decoder, pair.target):
            assert step.embedding is not None
            np.testing.assert_allclose(step.embedding, network.embedding.weight[token, :UNITS].numpy())
            found: Any = network.step(torch.tensor([token]), state)
            for layer, before, after in zip(step.layers, state.layers, found.state.layers, strict=True):
                np.testing.assert_allclose(layer.before, [each[0, :UNITS].numpy() for each in before], atol=1e-4)
                np.testing.assert_allclose(layer.after, [each[0, :UNITS].numpy() for each in after], atol=1e-4)
                gates = {letter: np.array(values) for letter, values in layer.gates.items()}
                cell = gates["f"] * np.array(layer.before[1]) + gates["i"] * gates["g"]
                np.testing.assert_allclose(layer.after, [gates["o"] * np.tanh(cell), cell], atol=1e-5)
            np.testing.assert_allclose(step.attention or [], to_numpy(found.attention)[0], atol=1e-4)
            best = torch.as_tensor(found.log_probabilities)[0].exp().topk(5)
            np.testing.assert_allclose([each for _, each in step.likeliest], best.values.numpy(), atol=1e-4)
            state, token = found.state, following
    assert [step.token for step in decoder[1:]] == [step.following for step in decoder[:-1]]
    assert len(unrolled.source) == len(pair.source)


def test_a_long_sentence_is_refused(model: TranslationModel) -> None:
    with pytest.raises(UserError, match="the source has 201 tokens; give a sentence of at most 200"):
        unroll_pair(Recorder(model, 1), Pair([5] * 201, [5], [], []), UNITS)

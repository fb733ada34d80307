"""A text unrolled: the numbers of the steps are those of the language model's own steps, for each kind of cell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from language_fixtures import tiny_language_model
from model_fixtures import CELL_KINDS

from language_model.unroll import unroll_text
from s2s.errors import UserError
from s2s.text.tokens import END

UNITS = 4


@pytest.mark.parametrize("kind", list(CELL_KINDS))
def test_the_numbers_of_each_step_are_those_of_the_model(kind: str) -> None:
    model = tiny_language_model(cell=CELL_KINDS[kind]())
    decoder, text = model.decoder, "A man é"
    unrolled = unroll_text(model, text, UNITS)
    assert [step.token for step in unrolled.steps] == ["↵", "A", "␣", "m", "a", "n", "␣", "é"]
    assert [step.following for step in unrolled.steps] == ["A", "␣", "m", "a", "n", "␣", "é", None]
    with torch.no_grad():
        state: Any = decoder.start(None, sentences=1)
        for step, token in zip(unrolled.steps, [END, *model.vocabulary.encode(text)], strict=True):
            assert step.embedding is not None
            np.testing.assert_allclose(step.embedding, decoder.embedding.weight[token, :UNITS].numpy())
            found: Any = decoder.step(torch.tensor([token]), state)
            for layer, before, after in zip(step.layers, state.layers, found.state.layers, strict=True):
                np.testing.assert_allclose(layer.before, [each[0, :UNITS].numpy() for each in before], atol=1e-4)
                np.testing.assert_allclose(layer.after, [each[0, :UNITS].numpy() for each in after], atol=1e-4)
            best = torch.as_tensor(found.log_probabilities)[0].exp().topk(5).values
            np.testing.assert_allclose([each for _, each in step.likeliest], best.numpy(), atol=1e-4)
            state = found.state


def test_what_cannot_be_shown_is_refused() -> None:
    model = tiny_language_model()
    for text, message in [
        ("", "the text is empty"),
        ("a" * 200, "the text has 200 tokens; give one of fewer than 200"),
    ]:
        with pytest.raises(UserError, match=message):
            unroll_text(model, text, UNITS)

"""The states over a text are those of the model's own steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from language_fixtures import tiny_language_model
from model_fixtures import CELL_KINDS

from language_model import states
from language_model.states import text_states
from s2s.errors import UserError
from s2s.text.tokens import END

TEXT = "A man in a red hat\n\nTwo dogs"


@pytest.mark.parametrize("kind", list(CELL_KINDS))
def test_states_are_those_of_one_step_after_the_other(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "_CHUNK", 7)
    model = tiny_language_model(cell=CELL_KINDS[kind]())
    found = text_states(model, TEXT)
    assert found.pieces == list(TEXT)
    assert [range(len(TEXT))] == found.lines()
    assert len(found.layers) == 2
    with torch.no_grad():
        step: Any = model.decoder.step(torch.tensor([END]), model.decoder.start(None, sentences=1))
        for place, character in enumerate(TEXT):
            (token,) = [END] if character == "\n" else model.vocabulary.encode(character)
            step = model.decoder.step(torch.tensor([token]), step.state)
            for layer, (hidden, *cell) in zip(found.layers, step.state.layers):
                np.testing.assert_allclose(layer.hidden[place], hidden[0].numpy(), atol=1e-4)
                assert (layer.cell is None) == (not cell)
                if layer.cell is not None:
                    np.testing.assert_allclose(layer.cell[place], cell[0][0].numpy(), atol=1e-4)


def test_unknown_characters_are_shown_and_named() -> None:
    found = text_states(tiny_language_model(), "A mañ\né")
    assert "".join(found.pieces) == "A mañ\né"
    assert found.unknown == [4, 6]


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(UserError, match="the text is empty"):
        text_states(tiny_language_model(), "")

"""The recurrent language model: steps against chunks, chunks against whole texts, and what is cut between them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from model_fixtures import CELL_KINDS
from torch import Tensor

from s2s.models.language_configuration import LanguageModelDropout, RecurrentLanguageModelConfig
from s2s.models.language_model import ChunkPredictor, RecurrentLanguageModel
from s2s.models.quantisation import quantise

VOCABULARY, ROWS, TIME = 11, 3, 7
each_cell = pytest.mark.parametrize("cell", CELL_KINDS)
each_tie = pytest.mark.parametrize("tied", [True, False])


def model_of(
    cell: str = "lstm", *, tied: bool = True, layers: int = 3, dropout: LanguageModelDropout | None = None
) -> RecurrentLanguageModel:
    torch.manual_seed(1)
    dropout = dropout or LanguageModelDropout()
    shape = RecurrentLanguageModelConfig(CELL_KINDS[cell](), 6, 8, layers, tied, dropout)
    model = RecurrentLanguageModel(shape, VOCABULARY)
    for parameter in model.parameters():
        parameter.data += torch.randn_like(parameter) / 4
    return model.double().eval()


def some_tokens(rows: int = ROWS, time: int = TIME) -> Tensor:
    return torch.randint(VOCABULARY, (rows, time), generator=torch.Generator().manual_seed(3))


@each_cell
@each_tie
def test_steps_repeat_a_chunk(cell: str, tied: bool) -> None:
    model, tokens = model_of(cell, tied=tied), some_tokens()
    assert (model.projection.weight is model.embedding.weight) == tied
    state: Any = model.start(None, sentences=ROWS)
    output = model(tokens, state)
    log_probabilities = model.readout(output.features).log_softmax(-1)
    for time in range(TIME):
        step = model.step(tokens[:, time], state)
        torch.testing.assert_close(step.log_probabilities.double(), log_probabilities[:, time], atol=1e-5, rtol=0)
        state = step.state
    for ours, theirs in zip(state.layers, output.state.layers):
        torch.testing.assert_close(ours, theirs)


@each_cell
def test_two_chunks_are_one_text(cell: str) -> None:
    model, tokens = model_of(cell), some_tokens()
    predict = ChunkPredictor(model)
    whole = predict(tokens, model.start(None, sentences=ROWS))
    first = predict(tokens[:, :4], model.start(None, sentences=ROWS))
    second = predict(tokens[:, 4:], first.state)
    torch.testing.assert_close(torch.cat([first.logits, second.logits]), whole.logits)
    forgetful = predict(tokens[:, 4:], model.start(None, sentences=ROWS))
    assert (forgetful.logits - second.logits).abs().max() > 1e-3


def test_detach_cuts_the_gradient_between_chunks() -> None:
    model, tokens = model_of(), some_tokens()
    embedded: list[Tensor] = []

    def keep(_module: object, _inputs: object, output: Tensor) -> None:
        output.retain_grad()
        embedded.append(output)

    model.embedding.register_forward_hook(keep)
    predict = ChunkPredictor(model)
    for cut in (False, True):
        embedded.clear()
        state = predict(tokens[:, :4], model.start(None, sentences=ROWS)).state
        predict(tokens[:, 4:], state.detach() if cut else state).logits.square().sum().backward()
        assert (embedded[0].grad is None) == cut


def test_masks_hold_for_all_steps_of_a_chunk() -> None:
    """So a token that is read again and again gives the same signal at every step of the lowest layer's input."""
    model = model_of(dropout=LanguageModelDropout(embedding=0.5, hidden=0, output=0, weight=0)).train()
    read = model.drop_embedding(model.embedding(torch.full((TIME, ROWS), 5)))
    assert bool((read == read[0]).all())
    assert not bool((read[0, 0] == read[0, 1]).all())


def test_dropout_is_off_in_evaluation() -> None:
    model = model_of(dropout=LanguageModelDropout(0.5, 0.5, 0.5, 0.5, 0.5))
    predict, state = ChunkPredictor(model), model.start(None, sentences=ROWS)
    found = [predict(some_tokens(), state).logits for _ in range(2)]
    assert torch.equal(*found)
    predict.train()
    assert not torch.equal(found[0], predict(some_tokens(), state).logits)


@each_tie
def test_only_a_tied_model_has_a_narrow_last_layer(tied: bool) -> None:
    assert [layer.dim for layer in model_of(tied=tied).layers] == [8, 8, 6 if tied else 8]


def test_it_needs_the_number_of_texts() -> None:
    with pytest.raises(TypeError, match="number of texts"):
        model_of().start(None)


@each_cell
def test_in_eight_bits_it_is_close(cell: str) -> None:
    model, tokens = model_of(cell).float(), some_tokens()[:, 0]
    with torch.no_grad():
        exact = model.step(tokens, model.start(None, sentences=ROWS)).log_probabilities
        quantise(model)
        rough = model.step(tokens, model.start(None, sentences=ROWS)).log_probabilities
    assert 0 < (rough - exact).abs().max() < 0.2

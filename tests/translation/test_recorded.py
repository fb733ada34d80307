"""What is recorded of a translator is what its encoder and its decoder compute, for each kind of decoder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from model_fixtures import DECODER_KINDS, as_kind, recurrent
from translation_fixtures import LINES, SHAPE, SOURCE, TARGET, tiny_model

from s2s.decoding.search import BeamOptions
from s2s.errors import UserError
from s2s.text.padding import pad
from s2s.text.tokens import END, START
from s2s.text.vocabulary import WordVocabulary
from translation.model import TranslationModel
from translation.recorded import Recorder
from translation.states import pair_states
from translation.translator import Translator


def word_model(kind: str = "parallel", layers: int = 1) -> TranslationModel:
    """Of random weights, with a vocabulary of words."""
    vocabulary = WordVocabulary.from_lines([*SOURCE, *TARGET])
    encoder = replace(SHAPE.encoder, layers=layers)
    torch.manual_seed(11)
    shape = replace(SHAPE, encoder=encoder, decoder=as_kind(SHAPE.decoder, kind))
    model = TranslationModel.fresh(shape, vocabulary, vocabulary)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.normal_(std=0.7)
    model.network.eval()
    return model


@pytest.mark.parametrize("kind", list(DECODER_KINDS))
def test_the_decoder_is_recorded_as_it_steps(kind: str) -> None:
    model = word_model(kind)
    recorder = Recorder(model, 1)
    (pair,) = recorder.pairs(SOURCE[1:2], TARGET[1:2])
    recording = recorder.record(pair)
    assert recording.read == [START, *model.target.encode(TARGET[1])]
    assert pair.target == [*recording.read[1:], END]
    with torch.no_grad():
        memory = recorder.encoder(pad([pair.source]).moved(torch.from_numpy))
        state: Any = recurrent(model.network).start(memory)
        for t, token in enumerate(recording.read):
            step = recurrent(model.network).step(torch.tensor([token]), state)
            state = step.state
            torch.testing.assert_close(recording.log_probabilities[t], step.log_probabilities[0])
            for run, expected in zip(recording.decoder.values(), state.layers, strict=True):
                torch.testing.assert_close(tuple(each[t] for each in run.states), expected)
            if step.attention is not None:
                assert recording.attention is not None
                torch.testing.assert_close(recording.attention[t], step.attention[0])
    assert (recording.attention is None) == (kind == "show_and_tell")


@pytest.mark.parametrize("layers", [1, 2])
def test_the_encoder_is_recorded_in_the_order_of_the_sentence(layers: int) -> None:
    model = word_model(layers=layers)
    recorder = Recorder(model, 1)
    (pair,) = recorder.pairs(SOURCE[1:2])
    recording = recorder.record(pair)
    with torch.no_grad():
        memory = recorder.encoder(pad([pair.source]).moved(torch.from_numpy))
    names = list(recording.encoder)
    assert names[-2:] == [f"layer {layers}, left to right", f"layer {layers}, right to left"]
    ahead, back = (recording.encoder[name] for name in names[-2:])
    torch.testing.assert_close(torch.cat([ahead.states[0], back.states[0]], -1)[:, 0], memory.grid[0])
    assert back.before[0][-1].abs().max() == 0  # it begins at the right end
    torch.testing.assert_close(back.before[0][:-1], back.states[0][1:])
    assert recording.embedded.shape == (len(pair.source), 8)


def test_the_own_translation_is_that_of_the_translator() -> None:
    model = tiny_model()
    model.network.eval()
    pairs = Recorder(model, 3).pairs([*LINES, ""])
    assert len(pairs) == 2
    translations = Translator(model.engine("float32"), BeamOptions(width=3, stop_early=True)).translate(LINES)
    for pair, translation in zip(pairs, translations):
        assert len(pair.source_pieces) == len(translation.source_tokens)
        assert len(pair.target_pieces) == len(translation.n_best[0].tokens)
        assert len(pair.target) == len(pair.target_pieces)


def test_states_of_several_sentences_stand_one_after_the_other() -> None:
    model = word_model()
    recorder = Recorder(model, 1)
    lines, targets = [SOURCE[0], "a zebra sleeps", "dogs"], [TARGET[0], "ein zebra", ""]
    encoder, decoder = pair_states(recorder, recorder.pairs(lines, targets), given=True)
    assert "".join(encoder.pieces) == "a man sleepsa zebra sleeps"
    assert encoder.starts == [0, 4]
    assert [encoder.pieces[i] for i in encoder.unknown] == [" zebra"]
    assert decoder.pieces == ["", "ein", " mann", " schläft", "", "ein", " zebra"]
    assert [list(line) for line in decoder.lines()] == [[0, 1, 2, 3], [4, 5, 6]]
    assert [layer.name for layer in decoder.layers] == ["layer 1", "layer 2"]
    for text in (encoder, decoder):
        for layer in text.layers:
            assert layer.hidden.shape == (len(text.pieces), 8)
            assert layer.cell is not None
            assert np.abs(layer.hidden).max() <= 1


def test_a_text_without_a_sentence_is_refused() -> None:
    for lines, targets in [([""], None), (["...", "3"], None), (["a man"], [" "])]:
        with pytest.raises(UserError, match="holds nothing to translate"):
            Recorder(tiny_model(), 1).pairs(lines, targets)

"""Drawing the positions of hard attention while decoding: by a seed, on PyTorch, and only where attention is hard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from translation_fixtures import LINES, SHAPE, tiny_model

from s2s.decoding.drawn_positions import draw_positions
from s2s.decoding.search import BeamOptions
from s2s.errors import UserError
from s2s.nn.configuration import AdditiveConfig, HardConfig
from translation.model import TranslationModel
from translation.translate import translate
from translation.translator import Translator


def hard_translator() -> Translator:
    """Of random weights, so that other positions lead to other words."""
    soft = tiny_model()
    shape = replace(soft.config, decoder=replace(SHAPE.decoder, dim=16, attention=HardConfig(AdditiveConfig(8))))
    torch.manual_seed(3)
    model = TranslationModel.fresh(shape, soft.source, soft.target)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.normal_()
    model.network.eval()
    return Translator(model.engine("float32"), BeamOptions(1, guard_loops=False))


def texts(translator: Translator) -> list[str]:
    return [each.text for each in translator.translate(LINES)]


def test_a_seed_draws_the_same_again() -> None:
    translator = hard_translator()
    likeliest = texts(translator)
    assert texts(translator) == likeliest
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = []
        for seed in (1, 1, 2):
            draw_positions(translator.searcher.network, seed)
            found.append(texts(translator))
    finally:
        torch.set_num_threads(threads)
    assert found[0] == found[1]
    assert found[0] != found[2]
    assert found[0] != likeliest


def test_soft_attention_draws_nothing() -> None:
    translator = Translator(tiny_model().engine("float32"))
    with pytest.raises(UserError, match="no hard attention"):
        draw_positions(translator.searcher.network, 1)


def test_the_command_says_why_the_light_form_draws_nothing(tmp_path: Path) -> None:
    text = tmp_path / "text.en"
    text.write_text("A dog.\n")
    with pytest.raises(UserError, match="use --engine torch"):
        translate([str(text), "--draw-positions", "1"])

"""Models that write together: the mean of their probabilities, each with a state of its own."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from model_fixtures import decoder_of
from network_fixtures import Plain
from search_fixtures import Library, TableNetwork, check_same, random_tables
from translation_fixtures import SHAPE, tiny_model

from s2s.arrays import Array
from s2s.decoding.ensemble import Ensemble, EnsembleSearch, EnsembleState
from s2s.decoding.generation import generate
from s2s.decoding.search import BeamOptions
from s2s.decoding.torch_network import TorchNetwork
from s2s.errors import UserError
from s2s.models.configuration import InputFeedingConfig, ParallelConfig
from s2s.models.contracts import DecoderStep
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.quantisation import is_quantised
from s2s.nn.configuration import DecodingPrecision
from s2s.text.vocabulary import WordVocabulary
from translation.model import TranslationModel
from translation.translator import Translator

WORDS, GRID = 12, 5
LINES = ["A man in a red hat .", "", "Two dogs play with a ball in the snow !"]


def network(seed: int, wiring: str = "parallel", dim: int = 8) -> EncoderDecoder:
    torch.manual_seed(seed)
    made = EncoderDecoder(Plain(), decoder_of(wiring, ParallelConfig(embedding_dim=8, dim=dim), WORDS, GRID)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_()
    return made


def searchable(network: EncoderDecoder) -> TorchNetwork:
    return TorchNetwork(network, "float32")


@torch.no_grad()
def test_a_step_is_the_mean_of_probabilities_and_of_looks() -> None:
    networks = [network(1), network(2, "input_feeding", 16)]
    grids, tokens = torch.randn(3, 6, GRID), torch.tensor([4, 5, 6])
    ensemble = EnsembleSearch(tuple(networks))
    found = ensemble.step(tokens, ensemble.start(grids))
    alone = [each.step(tokens, each.start(grids)) for each in networks]
    mean = sum(step.log_probabilities.exp() for step in alone) / 2
    torch.testing.assert_close(found.log_probabilities.exp(), mean)
    assert alone[0].attention is not None
    assert alone[1].attention is not None
    torch.testing.assert_close(found.attention, (alone[0].attention + alone[1].attention) / 2)


@torch.no_grad()
def test_what_does_not_look_has_no_part_in_the_looks() -> None:
    networks, grids, tokens = [network(1), network(2, "show_and_tell")], torch.randn(2, 6, GRID), torch.tensor([4, 5])
    ensemble = EnsembleSearch(tuple(networks))
    found = ensemble.step(tokens, ensemble.start(grids))
    torch.testing.assert_close(found.attention, networks[0].step(tokens, networks[0].start(grids)).attention)
    blind = EnsembleSearch((networks[1],))
    assert blind.step(tokens, blind.start(grids)).attention is None


@pytest.mark.parametrize("width", [1, 3])
def test_a_model_twice_is_that_model(width: int) -> None:
    one, grids, limits = searchable(network(1)), torch.randn(5, 6, GRID), np.array([3, 9, 9, 9, 9])
    for single, double in zip(
        *(generate(each, grids, limits, BeamOptions(width, width)) for each in (one, Ensemble([one, one])))
    ):
        assert [each.tokens for each in double] == [each.tokens for each in single]
        assert [each.score for each in double] == pytest.approx([each.score for each in single], rel=1e-5)


def test_states_stay_with_their_sentences() -> None:
    """Some sentences end early and leave, hypotheses change places: each still finds what it finds alone."""
    networks, grids = [network(1), network(2), network(3, "input_feeding")], torch.randn(9, 6, GRID)
    ensemble, limits, options = Ensemble([*map(searchable, networks)]), np.arange(1, 10), BeamOptions(4, 4)
    together = generate(ensemble, grids, limits, options)
    for row, found in enumerate(together):
        (alone,) = generate(ensemble, grids[row : row + 1], limits[row : row + 1], options)
        assert [each.tokens for each in found] == [each.tokens for each in alone]


def test_the_mean_is_of_probabilities_however_small(library: Library) -> None:
    """One model is sure of what the other thinks impossible: half of it is left."""

    class Sure:
        def __init__(self, token: int) -> None:
            self.answer = library(torch.full((1, WORDS), -1000.0).index_fill(1, torch.tensor([token]), 0.0))

        def step(self, tokens: Array, state: object) -> object:
            return DecoderStep(self.answer, state)  # type: ignore[arg-type]

    ensemble = EnsembleSearch((Sure(4), Sure(5)))  # type: ignore[arg-type]
    found = ensemble.step(library(torch.tensor([2])), EnsembleState((None, None)))  # type: ignore[arg-type]
    assert found.log_probabilities[0, 4:6].tolist() == pytest.approx([math.log(0.5)] * 2)
    assert found.log_probabilities[0, 6] == -1000


def test_an_ensemble_of_tables_searches_by_its_mean(library: Library) -> None:
    """Its steps need all tokens of its members, which report only the likeliest where they are asked for these."""
    tables = [random_tables(5, 9, seed) for seed in (1, 2)]
    mean = torch.stack(tables).logsumexp(0) - math.log(2)
    networks = [TableNetwork(library(each), reports=True) for each in (*tables, mean)]
    inputs, limits, options = np.arange(5), np.full(5, 9), BeamOptions(3, 3)
    together = generate(Ensemble(networks[:2]), inputs, limits, options)
    for found, expected in zip(together, generate(networks[2], inputs, limits, options)):
        check_same(found, expected)


def saved(path: Path, seed: int, **changes: object) -> Path:
    """A model directory: the tiny model's text, other weights."""
    tiny = tiny_model()
    torch.manual_seed(seed)
    model = TranslationModel.fresh(replace(tiny.config, **changes), tiny.source, tiny.target)  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.normal_()
    model.save(path, {})
    return path


def load(*paths: Path, precision: DecodingPrecision = "float32") -> Translator:
    return Translator.load(paths[0], BeamOptions(3), others=paths[1:], device="cpu", precision=precision)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_models_of_other_shapes_translate_together(tmp_path: Path, precision: DecodingPrecision) -> None:
    paths = [saved(tmp_path / "a", 1), saved(tmp_path / "b", 2, decoder=InputFeedingConfig(dim=12))]
    translator = load(*paths, precision=precision)
    found = translator.translate(LINES)
    assert [bool(each.text) for each in found] == [True, False, True]
    network = translator.searcher.network
    assert isinstance(network, Ensemble)
    for member in network.members:
        assert isinstance(member, TorchNetwork)
        assert is_quantised(member.network) == (precision == "int8")
    for path in paths:
        assert found[2].score != load(path, precision=precision).translate(LINES)[2].score


def test_a_line_is_cut_where_it_is_too_long_for_one_of_them(tmp_path: Path) -> None:
    paths = [saved(tmp_path / "a", 1), saved(tmp_path / "b", 1, max_source_length=12)]
    pieces = [[each.pieces for each in load(*models).translate(LINES)] for models in (paths[:1], paths)]
    assert pieces[0] == [1, 1, 1]
    assert max(pieces[1]) > 1


def test_models_of_other_tokens_cannot(tmp_path: Path) -> None:
    words = WordVocabulary.from_lines(LINES)
    TranslationModel.fresh(SHAPE, words, words).save(tmp_path / "words", {})
    first = saved(tmp_path / "first", 1)
    with pytest.raises(UserError, match=r"words with .*first: they cannot translate together, because their vocab"):
        load(first, tmp_path / "words")


def test_models_of_other_directions_cannot(tmp_path: Path) -> None:
    there = saved(tmp_path / "there", 1)
    back = saved(tmp_path / "back", 1, source_language="de", target_language="en")
    with pytest.raises(UserError, match=r"back with .*there: .* one translates de to en and the other en to de; "):
        load(there, back)

"""Weights in eight bits: how near they stay, that no row depends on another, and that every wiring can decode so."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from model_fixtures import CELL_KINDS, DECODER_KINDS, decoder_of
from torch import nn

from s2s.decoding.generation import generate
from s2s.decoding.search import BeamOptions
from s2s.decoding.torch_network import TorchNetwork
from s2s.errors import UserError
from s2s.models.configuration import ParallelConfig
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.memory import Memory
from s2s.models.quantisation import QuantisedWeight, is_quantised, quantise, quantise_for_decoding
from s2s.nn import eight_bit_products
from s2s.nn.configuration import AdditiveConfig
from translation.model import TranslationModel
from translation.translator import Translator

CPU = torch.device("cpu")
ROWS, INPUTS, OUTPUTS, GRID = 6, 48, 32, 20
needs_int8 = pytest.mark.skipif(
    not eight_bit_products.available(CPU), reason="needs a processor with eight-bit products"
)
linear = nn.functional.linear


class Plain(nn.Module):
    """The inputs are the grid."""

    def forward(self, inputs: torch.Tensor) -> Memory:
        return Memory(inputs, summary=inputs.mean(1))


def network(wiring: str = "parallel", **shape: object) -> EncoderDecoder:
    torch.manual_seed(5)
    config = ParallelConfig(embedding_dim=24, dim=40, attention=AdditiveConfig(16), **shape)  # type: ignore[arg-type]
    return EncoderDecoder(Plain(), decoder_of(wiring, config, 50, GRID, GRID)).eval()


def matrix() -> torch.Tensor:
    return torch.randn(OUTPUTS, INPUTS, generator=torch.Generator().manual_seed(1))


def inputs(rows: int = ROWS) -> torch.Tensor:
    return torch.randn(rows, INPUTS, generator=torch.Generator().manual_seed(2))


@needs_int8
@pytest.mark.parametrize("wide", [True, False])
def test_a_product_is_near_that_in_float32(wide: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not wide:
        monkeypatch.setattr(torch.cpu, "_is_vnni_supported", lambda: False)
    elif not (torch.cpu._is_vnni_supported() and torch.cpu._is_avx512_supported()):
        pytest.skip("needs AVX512-VNNI: other processors round inputs to seven bits")
    bias = nn.Parameter(torch.linspace(-1, 1, OUTPUTS))
    found, expected = linear(inputs(), QuantisedWeight(matrix()), bias), linear(inputs(), matrix(), bias)  # type: ignore[arg-type]
    assert found.dtype == torch.float32
    assert (found - expected).norm() < (0.012 if wide else 0.02) * expected.norm()
    assert (linear(inputs(), QuantisedWeight(matrix())) - (expected - bias)).norm() < 0.02 * expected.norm()  # type: ignore[arg-type]


@needs_int8
@pytest.mark.parametrize("levels", [127, -127])
def test_the_largest_values_do_not_overflow(levels: int) -> None:
    """Pairs of products in sixteen bits would."""
    weight = QuantisedWeight(torch.full((OUTPUTS, 512), float(levels)))
    found = linear(torch.ones(1, 512), weight)  # type: ignore[arg-type]
    torch.testing.assert_close(found, torch.full_like(found, 512.0 * levels), rtol=1e-2, atol=0)


@needs_int8
def test_no_row_depends_on_another() -> None:
    weight, rows = QuantisedWeight(matrix()), inputs()
    rows[1] *= 1e6
    together = linear(rows, weight)  # type: ignore[arg-type]
    for i, row in enumerate(rows):
        assert torch.equal(linear(row.unsqueeze(0), weight)[0], together[i])  # type: ignore[arg-type]


@needs_int8
def test_zeros_are_zeros_and_what_is_no_number_stays_none() -> None:
    bias = torch.linspace(-1, 1, OUTPUTS)
    assert torch.equal(linear(torch.zeros(1, INPUTS), QuantisedWeight(matrix()), bias)[0], bias)  # type: ignore[arg-type]
    assert not linear(inputs(), QuantisedWeight(torch.zeros(OUTPUTS, INPUTS))).any()  # type: ignore[arg-type]
    for wrong in (torch.nan, torch.inf):
        rows, weight = inputs(), matrix()
        rows[2, 3] = wrong
        weight[4, 5] = wrong
        assert not linear(rows, QuantisedWeight(matrix()))[2].isfinite().any()  # type: ignore[arg-type]
        assert not linear(inputs(), QuantisedWeight(weight))[:, 4].isfinite().any()  # type: ignore[arg-type]


@needs_int8
def test_columns_are_those_of_the_matrix_and_are_rounded_once() -> None:
    weight, part = QuantisedWeight(matrix()), (slice(None), slice(8, 24))
    expected = linear(inputs()[:, 8:24], matrix()[part])
    assert (linear(inputs()[:, 8:24], weight[part]) - expected).norm() < 0.02 * expected.norm()  # type: ignore[arg-type]
    assert weight[part] is weight[part]


@needs_int8
def test_threads_that_ask_for_columns_at_once_leave_warnings_as_they_were() -> None:
    before = list(warnings.filters)
    for _ in range(20):
        weights = [QuantisedWeight(matrix()) for _ in range(2)]
        parts = [(slice(None), slice(first, first + 12)) for first in range(0, INPUTS, 12)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(QuantisedWeight.__getitem__, 4 * weights, 2 * parts))
    assert list(warnings.filters) == before


@needs_int8
def test_nothing_but_a_linear_product_is_understood() -> None:
    with pytest.raises(TypeError):
        torch.matmul(inputs(), QuantisedWeight(matrix()))  # type: ignore[arg-type]


@needs_int8
@pytest.mark.parametrize("wiring", DECODER_KINDS)
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_every_wiring_decodes_so(wiring: str, cell: str) -> None:
    plain, quantised = (network(wiring, cell=CELL_KINDS[cell](), layers=2) for _ in range(2))
    quantise(quantised.decoder)
    assert is_quantised(quantised.decoder)
    assert not is_quantised(plain.decoder)
    embedding = quantised.decoder.embedding.weight
    assert [p for p in quantised.decoder.parameters() if p.dim() == 2] == [embedding]
    grids, words = torch.randn(ROWS, 7, GRID), torch.arange(4, 4 + ROWS)
    with torch.no_grad():
        expected, found = (model.decoder.step(words, model.start(grids)) for model in (plain, quantised))
        expected, found = (
            model.decoder.step(words, step.state) for model, step in ((plain, expected), (quantised, found))
        )
    torch.testing.assert_close(found.log_probabilities, expected.log_probabilities, rtol=0, atol=0.05)


@needs_int8
@pytest.mark.parametrize("width", [1, 4])
def test_neither_company_nor_order_changes_a_result(width: int) -> None:
    model = TorchNetwork(network())
    quantise(model.network.decoder)
    grids, limits = torch.randn(9, 7, GRID), np.full(9, 12)
    order = torch.randperm(9)
    together = generate(model, grids, limits, BeamOptions(width))
    mixed = generate(model, grids[order], limits, BeamOptions(width))
    alone = [generate(model, grid.unsqueeze(0), limits[:1], BeamOptions(width))[0] for grid in grids]
    for i, place in enumerate(order.tolist()):
        assert [h.tokens for h in mixed[i]] == [h.tokens for h in together[place]]
        assert [h.tokens for h in mixed[i]] == [h.tokens for h in alone[place]]
        assert mixed[i][0].score == pytest.approx(alone[place][0].score, abs=1e-4)


@needs_int8
def test_auto_quantises_where_it_can_and_the_others_leave_the_decoder_alone() -> None:
    for precision in ("auto", "int8"):
        decoder = network().decoder
        assert quantise_for_decoding(decoder, precision, CPU) == "auto"
        assert is_quantised(decoder)
    for precision in ("bfloat16", "float32"):
        decoder = network().decoder
        assert quantise_for_decoding(decoder, precision, CPU) == precision
        assert not is_quantised(decoder)


def test_a_machine_without_such_products_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("s2s.nn.eight_bit_products.available", lambda device: False)
    decoder = network().decoder
    assert quantise_for_decoding(decoder, "auto", CPU) == "auto"
    assert not is_quantised(decoder)
    with pytest.raises(UserError, match="--precision int8: not available on this cpu device: choose auto"):
        quantise_for_decoding(decoder, "int8", CPU)


@needs_int8
def test_all_other_products_are_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    model, seen = network(), list[torch.dtype]()
    quantise(model.decoder)
    step = model.decoder.step

    def looked_at(tokens: torch.Tensor, state: object) -> object:
        seen.append((torch.ones(2, 2) @ torch.ones(2, 2)).dtype)
        return step(tokens, state)  # type: ignore[arg-type]

    monkeypatch.setattr(model.decoder, "step", looked_at)
    generate(TorchNetwork(model), torch.randn(2, 7, GRID), np.array([3, 3]), BeamOptions(1))
    assert set(seen) == {torch.float32}


@needs_int8
def test_a_quantised_model_is_not_saved_as_if_it_were_whole(tiny_model: Path, tmp_path: Path) -> None:
    model = TranslationModel.load(tiny_model)
    assert model.engine("float32").precision == "float32"
    model.save(tmp_path / "whole", {})
    precision = quantise_for_decoding(model.network.decoder, "int8", CPU)
    assert model.engine(precision).precision == "int8"
    with pytest.raises(UserError, match="a quantised model cannot be saved: load it with precision='float32'"):
        model.save(tmp_path / "copy", {})
    assert not (tmp_path / "copy").exists()


@needs_int8
def test_a_translator_reports_the_precision_of_its_products(tiny_model: Path) -> None:
    assert Translator.load(tiny_model, device="cpu", precision="int8").engine.precision == "int8"
    assert Translator.load(tiny_model, device="cpu", precision="float32").engine.precision == "float32"


def test_a_search_cannot_quantise_by_itself() -> None:
    with pytest.raises(AssertionError, match=r"see s2s/models/quantisation\.py"):
        generate(TorchNetwork(network(), "int8"), torch.randn(1, 7, GRID), np.array([2]), BeamOptions(1))  # type: ignore[arg-type]

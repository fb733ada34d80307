"""A layer in one call against the layer step by step: on a CPU, where PyTorch has the same calls as on a GPU."""

from __future__ import annotations

import pytest
import torch
from model_fixtures import CELL_KINDS
from torch import Tensor

from s2s.nn.fused_layer import FUSED, Reading, read_fused
from s2s.nn.recurrent import RecurrentLayer

LENGTHS = torch.tensor([5, 2, 7, 1])
each_cell = pytest.mark.parametrize("kind", list(CELL_KINDS))


def layer_of(kind: str, *, weight_dropout: float = 0.0) -> RecurrentLayer:
    torch.manual_seed(1)
    layer = RecurrentLayer(CELL_KINDS[kind](), 5, 4, weight_dropout=weight_dropout).double()
    torch.nn.init.normal_(layer.bias)
    return layer


def both(layer: RecurrentLayer, inputs: Tensor, initial: tuple[Tensor, ...], lengths: Tensor | None) -> list[Reading]:
    weights = [layer.weight_input, layer.weight_hidden, layer.bias]
    return [layer.read(inputs, initial, lengths), read_fused(layer.cell, inputs, weights, initial, lengths)]


def test_every_cell_has_its_call() -> None:
    assert {type(layer_of(kind).cell) for kind in CELL_KINDS} == set(FUSED)


@each_cell
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["whole rows", "rows of different lengths"])
def test_values_and_gradients_are_those_of_the_loop(kind: str, lengths: Tensor | None) -> None:
    layer = layer_of(kind)
    inputs = torch.randn(7, 4, 5, dtype=torch.float64, requires_grad=True)
    initial = tuple(torch.randn(4, 4, dtype=torch.float64, requires_grad=True) for _ in range(layer.cell.states))
    real = torch.arange(7)[:, None] < (torch.full((4,), 7) if lengths is None else lengths)
    gradients = []
    for read in both(layer, inputs, initial, lengths):
        total = (read.hidden[real] * torch.arange(1, 5)).square().sum() + sum(state.sin().sum() for state in read.last)
        assert isinstance(total, Tensor)
        gradients.append(torch.autograd.grad(total, [inputs, *initial, *layer.parameters()]))
    looped, fused = both(layer, inputs, initial, lengths)
    torch.testing.assert_close(fused.hidden[real], looped.hidden[real])
    torch.testing.assert_close(fused.last, looped.last)
    torch.testing.assert_close(gradients[1], gradients[0])


@each_cell
def test_under_autocast_the_products_stay_in_float32(kind: str) -> None:
    """Only what is handed on is rounded, as in the loop."""
    layer, inputs = layer_of(kind).float(), torch.randn(7, 4, 5)
    initial = layer.initial(inputs[0])
    exact = layer.read(inputs, initial)
    with torch.autocast("cpu", torch.bfloat16):
        looped, fused = both(layer, inputs, initial, None)
    assert fused.hidden.dtype == looped.hidden.dtype == torch.bfloat16
    assert all(state.dtype == torch.float32 for state in (*looped.last, *fused.last))
    torch.testing.assert_close(fused.hidden, exact.hidden.bfloat16())
    torch.testing.assert_close(fused.last, exact.last)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@each_cell
def test_on_a_gpu_a_layer_reads_as_on_a_cpu(kind: str) -> None:
    layer, inputs = layer_of(kind), torch.randn(7, 4, 5, dtype=torch.float64)
    expected = layer.read(inputs, layer.initial(inputs[0]), LENGTHS)
    layer, inputs = layer.cuda(), inputs.cuda()
    found = layer.read(inputs, layer.initial(inputs[0]), LENGTHS.cuda())
    torch.testing.assert_close([state.cpu() for state in found.last], list(expected.last))

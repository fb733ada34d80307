"""Recurrent layers: against finite differences, against torch's own, and against themselves in other batches."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from model_fixtures import CELL_KINDS
from torch import Tensor, nn

from s2s.nn.cells import CELLS
from s2s.nn.configuration import GRUConfig, LSTMConfig
from s2s.nn.recurrent import RecurrentEncoder, RecurrentLayer, Reverse, Scan, reversal

TORCH: dict[str, Callable[..., nn.Module]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
LENGTHS = torch.tensor([5, 2, 7, 1])
MASK = torch.arange(7) < LENGTHS[:, None]  # (batch, time)
each_cell = pytest.mark.parametrize("kind", list(CELL_KINDS))
each_stack = pytest.mark.parametrize(("bidirectional", "residual"), [(False, False), (True, False), (True, True)])


def doubles(*shape: int, scale: float = 1.0) -> Tensor:
    return (torch.randn(*shape, dtype=torch.float64) * scale).requires_grad_()


def stack(kind: str, *, bidirectional: bool = False, residual: bool = False) -> RecurrentEncoder:
    torch.manual_seed(1)
    encoder = RecurrentEncoder(
        CELL_KINDS[kind](), 6, 3, layers=3, bidirectional=bidirectional, residual=residual, dropout=0.5
    )
    return encoder.double().eval()


def copy_weights(layer: RecurrentLayer, reference: nn.Module, suffix: str) -> None:
    """Torch has a second bias, of the hidden state's part; it is left at zero."""
    with torch.no_grad():
        layer.bias.normal_()
        reference.get_parameter(f"weight_ih_{suffix}").copy_(layer.weight_input)
        reference.get_parameter(f"weight_hh_{suffix}").copy_(layer.weight_hidden)
        reference.get_parameter(f"bias_ih_{suffix}").copy_(layer.bias)
        reference.get_parameter(f"bias_hh_{suffix}").zero_()


# ------------------------------------------------------------------------------------------------------------ Scan


@each_cell
def test_the_gradients_of_scan_are_those_of_finite_differences(kind: str) -> None:
    torch.manual_seed(1)
    cell = CELLS[CELL_KINDS[kind]]
    initial = [doubles(2, 3) for _ in range(cell.states)]
    inputs = (doubles(4, 2, cell.gates * 3), doubles(cell.gates * 3, 3, scale=0.5), *initial)
    assert torch.autograd.gradcheck(lambda *tensors: Scan.apply(cell, *tensors), inputs)


def test_a_state_that_nothing_reads_needs_no_gradient() -> None:
    """Only the last cell state counts: no gradient comes for the hidden one."""
    torch.manual_seed(1)
    inputs = (doubles(4, 2, 12), doubles(12, 3), doubles(2, 3), doubles(2, 3))
    assert torch.autograd.gradcheck(lambda *tensors: Scan.apply(CELLS[LSTMConfig], *tensors)[1][-1], inputs)


@each_cell
def test_a_layer_is_that_of_torch(kind: str) -> None:
    torch.manual_seed(1)
    layer, reference = RecurrentLayer(CELL_KINDS[kind](), 5, 4).double(), TORCH[kind](5, 4).double()
    copy_weights(layer, reference, "l0")
    inputs, initial = doubles(6, 3, 5), [doubles(3, 4) for _ in range(layer.cell.states)]
    ours = layer(inputs, tuple(initial))[0]
    starts = [start.unsqueeze(0) for start in initial]
    theirs = reference(inputs, tuple(starts) if len(starts) > 1 else starts[0])[0]
    torch.testing.assert_close(ours, theirs)
    upstream = torch.randn_like(ours)
    leaves = [inputs, *initial]
    parameters = [layer.weight_input, layer.weight_hidden, layer.bias]
    references = [reference.get_parameter(f"{name}_l0") for name in ("weight_ih", "weight_hh", "bias_ih")]
    torch.testing.assert_close(
        torch.autograd.grad(ours, [*leaves, *parameters], upstream),
        torch.autograd.grad(theirs, [*leaves, *references], upstream),
    )


@each_cell
def test_steps_repeat_what_a_layer_does_at_once(kind: str) -> None:
    torch.manual_seed(1)
    layer = RecurrentLayer(CELL_KINDS[kind](), 5, 4).double()
    inputs = doubles(6, 3, 5)
    states = layer.initial(inputs[0])
    at_once = layer(inputs, states)
    for t in range(6):
        states = layer.step(inputs[t], states)
        torch.testing.assert_close(states, tuple(steps[t] for steps in at_once))


@each_cell
def test_bfloat16_products_stay_near_float32(kind: str) -> None:
    torch.manual_seed(1)
    layer, inputs = RecurrentLayer(CELL_KINDS[kind](), 32, 32), torch.randn(12, 4, 32)
    initial = layer.initial(inputs[0])
    exact = layer(inputs, initial)
    exact_gradients = torch.autograd.grad(exact[0].sum(), list(layer.parameters()))
    with torch.autocast("cpu", torch.bfloat16):
        rough = layer(inputs, initial)
    assert rough[0].dtype == torch.bfloat16
    assert all(states.dtype == torch.float32 for states in (*rough[1:], *initial))
    torch.testing.assert_close(rough[0].float(), exact[0], atol=0.03, rtol=0)
    for found, expected in zip(torch.autograd.grad(rough[0].float().sum(), list(layer.parameters())), exact_gradients):
        assert found.dtype == torch.float32
        assert (found - expected).norm() < 0.03 * expected.norm()


@each_cell
def test_fresh_weights_are_orthogonal_and_the_forget_gate_is_open(kind: str) -> None:
    layer = RecurrentLayer(CELL_KINDS[kind](), 5, 8)
    for gate in layer.weight_hidden.detach().chunk(layer.cell.gates):
        torch.testing.assert_close(gate @ gate.t(), torch.eye(8))
    biases = layer.bias.detach().view(layer.cell.gates, 8).mean(1).tolist()
    assert biases == ([0, 1, 0, 0] if kind == "lstm" else [0] * layer.cell.gates)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_the_first_state_is_zero_and_float32_at_least(dtype: torch.dtype) -> None:
    for state in RecurrentLayer(LSTMConfig(), 5, 4).initial(torch.ones(3, 5, dtype=dtype)):
        assert state.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert torch.equal(state, torch.zeros_like(state))
        assert state.shape == (3, 4)


@each_cell
def test_weight_dropout_drops_recurrent_weights_for_all_steps_alike(kind: str) -> None:
    """Merity et al., 2018: the layer with dropped weights is a layer with other weights, and they get no gradient."""
    torch.manual_seed(1)
    layer = RecurrentLayer(CELL_KINDS[kind](), 5, 4, weight_dropout=0.5).double()
    inputs = doubles(6, 3, 5)
    torch.manual_seed(2)
    dropped = layer.drop_weight(layer.weight_hidden).detach()
    assert 0.2 < (dropped == 0).double().mean() < 0.8
    torch.manual_seed(2)
    found = layer(inputs, layer.initial(inputs[0]))[0]
    gradient = torch.autograd.grad(found.square().sum(), layer.weight_hidden)[0]
    assert bool((gradient[dropped == 0] == 0).all())
    assert bool((gradient[dropped != 0] != 0).any())
    other = RecurrentLayer(CELL_KINDS[kind](), 5, 4).double()
    other.load_state_dict(layer.state_dict() | {"weight_hidden": dropped})
    torch.testing.assert_close(found, other(inputs, other.initial(inputs[0]))[0])
    torch.testing.assert_close(
        layer.eval()(inputs, layer.initial(inputs[0]))[0][0], layer.step(inputs[0], layer.initial(inputs[0]))[0]
    )


# --------------------------------------------------------------------------------------------------------- reversal


def test_every_row_is_reversed_within_its_own_length() -> None:
    rows = torch.tensor([[1.0, 2, 3, 0], [4, 0, 0, 0], [5, 6, 7, 8]])
    order = reversal(torch.tensor([3, 1, 4]), 4)
    mirrored = Reverse.apply(rows.t().unsqueeze(-1), order).squeeze(-1).t()
    assert mirrored.tolist() == [[3, 2, 1, 0], [4, 0, 0, 0], [8, 7, 6, 5]]


def test_reversal_is_its_own_inverse_and_its_gradient_is_exact() -> None:
    torch.manual_seed(1)
    inputs, order = doubles(7, 4, 2), reversal(LENGTHS, 7)
    assert torch.equal(Reverse.apply(Reverse.apply(inputs, order), order), inputs)
    assert torch.autograd.gradcheck(lambda tensor: Reverse.apply(tensor, order), inputs)


# ---------------------------------------------------------------------------------------------------------- encoder


@each_cell
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_stack_is_that_of_torch_over_packed_rows(kind: str, bidirectional: bool) -> None:
    encoder = stack(kind, bidirectional=bidirectional)
    reference = TORCH[kind](6, 3, 3, bidirectional=bidirectional, batch_first=True).double()
    for i in range(3):
        copy_weights(encoder.ahead[i], reference, f"l{i}")
        if bidirectional:
            copy_weights(encoder.back[i], reference, f"l{i}_reverse")
    inputs = doubles(4, 7, 6)
    packed = nn.utils.rnn.pack_padded_sequence(inputs, LENGTHS, batch_first=True, enforce_sorted=False)
    outputs, last = reference(packed)
    expected, _ = nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
    encoded = encoder(inputs, LENGTHS)
    found = encoded.outputs
    for i, state in enumerate(last if isinstance(last, tuple) else [last]):  # (layers * directions, batch, dim)
        sides = state.unflatten(0, (3, -1)).unbind(1)
        torch.testing.assert_close(torch.stack([states[i] for states in encoded.ahead]), sides[0])
        if bidirectional:
            torch.testing.assert_close(torch.stack([states[i] for states in encoded.back]), sides[1])
    torch.testing.assert_close(found[MASK], expected[MASK])
    upstream = torch.randn_like(expected) * MASK.unsqueeze(-1)
    torch.testing.assert_close(
        torch.autograd.grad(found, inputs, upstream), torch.autograd.grad(expected, inputs, upstream)
    )


@each_cell
@each_stack
def test_a_line_alone_equals_the_line_in_a_batch(kind: str, bidirectional: bool, residual: bool) -> None:
    encoder = stack(kind, bidirectional=bidirectional, residual=residual)
    inputs = doubles(4, 7, 6)
    together = encoder(inputs, LENGTHS).outputs
    for row, length in enumerate(LENGTHS.tolist()):
        alone = encoder(inputs[row : row + 1, :length], LENGTHS[row : row + 1]).outputs
        torch.testing.assert_close(together[row, :length], alone[0])


@each_cell
@each_stack
def test_padding_is_not_read(kind: str, bidirectional: bool, residual: bool) -> None:
    encoder = stack(kind, bidirectional=bidirectional, residual=residual)
    inputs = doubles(4, 7, 6)
    outputs = encoder(inputs, LENGTHS).outputs[MASK]
    (gradient,) = torch.autograd.grad(outputs.square().sum(), inputs)
    assert gradient[MASK].abs().min() > 0
    assert gradient[~MASK].abs().max() == 0
    other = torch.where(MASK.unsqueeze(-1), inputs, 1e3)
    assert torch.equal(encoder(other, LENGTHS).outputs[MASK], outputs)


def test_a_residual_layer_adds_its_input_where_the_shapes_agree() -> None:
    """An LSTM without weights says nothing: what is left is what the residual lets through."""
    torch.manual_seed(1)
    encoder = RecurrentEncoder(LSTMConfig(), 4, 6, layers=3, residual=True)
    for layer in list(encoder.ahead)[1:]:
        for parameter in layer.parameters():
            nn.init.zeros_(parameter)
    inputs, lengths = torch.randn(2, 3, 4), torch.tensor([3, 3])
    first = encoder.ahead[0](inputs.transpose(0, 1), encoder.ahead[0].initial(inputs))[0].transpose(0, 1)
    assert torch.equal(encoder(inputs, lengths).outputs, first)  # which had 4 in and 6 out: nothing to add
    encoder.residual = False
    assert encoder(inputs, lengths).outputs.abs().max() == 0


def test_a_residual_goes_around_the_dropout() -> None:
    torch.manual_seed(1)
    encoder = RecurrentEncoder(LSTMConfig(), 6, 6, layers=2, residual=True, dropout=0.5).train()
    for parameter in encoder.parameters():
        nn.init.zeros_(parameter)
    inputs = torch.randn(2, 3, 6)
    assert torch.equal(encoder(inputs, torch.tensor([3, 3])).outputs, inputs)


def test_dropout_falls_between_layers_only() -> None:
    torch.manual_seed(1)
    inputs, lengths = torch.randn(2, 3, 4), torch.tensor([3, 2])
    for layers, changes in ((1, False), (2, True)):
        encoder = RecurrentEncoder(GRUConfig(), 4, 6, layers=layers, bidirectional=True, dropout=0.5)
        dropped = encoder.train()(inputs, lengths).outputs
        assert dropped.shape == (2, 3, encoder.output_dim)
        assert torch.equal(dropped, encoder.eval()(inputs, lengths).outputs) != changes


# ------------------------------------------------------------------------------------------------- states carried on


@each_cell
def test_a_sequence_read_in_two_pieces_is_the_whole_one(kind: str) -> None:
    encoder = stack(kind).eval()
    inputs = doubles(4, 7, 6)
    whole = encoder(inputs, torch.full((4,), 7))
    first = encoder(inputs[:, :3], torch.full((4,), 3))
    second = encoder(inputs[:, 3:], torch.full((4,), 4), first.ahead)
    torch.testing.assert_close(torch.cat([first.outputs, second.outputs], 1), whole.outputs)
    torch.testing.assert_close(second.ahead, whole.ahead)


@each_cell
def test_a_final_state_passes_its_gradient_on(kind: str) -> None:
    """Of the real steps alone, for each of the states."""
    encoder, inputs = stack(kind, bidirectional=True).eval(), doubles(4, 7, 6)
    encoded = encoder(inputs, LENGTHS)
    for states in (*encoded.ahead, *encoded.back):
        for state in states:
            (gradient,) = torch.autograd.grad(state.sum(), inputs, retain_graph=True)
            assert gradient[MASK].abs().sum() > 0
            assert not gradient[~MASK].any()

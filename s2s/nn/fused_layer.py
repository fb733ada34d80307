"""A recurrent layer as one call of PyTorch's own, which is one call of cuDNN on a GPU.

A loop over time in Python starts a dozen small kernels a step, and a GPU waits for Python between them. cuDNN has the
whole loop, forward and backward, behind one call. It does not give the cell's state of every step, only the last one
of each row, which is what encoders and decoders need.

The products run in float32, whatever autocast says: cuDNN has no bfloat16 here before version 9.13. On GPUs since
Ampere they are done in TF32 (`torch.backends.cudnn.allow_tf32`, which is on by default).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from s2s.nn.cells import GRU, LSTM, RNN, Cell, CellStates

FUSED: dict[type[Cell], Callable[..., Any]] = {LSTM: torch.lstm, GRU: torch.gru, RNN: torch.rnn_tanh}

# Layers, dropout between them, whether training, whether in both directions.
_ONE_LAYER = (1, 0.0, True, False)


class Reading(NamedTuple):
    """What a layer makes of a batch of sequences.

    Attributes:
        hidden: (time, batch, dim), after every step, in the products' precision; values on padding have no meaning
        last: the states after the last real step of each row, each (batch, dim)
    """

    hidden: Tensor
    last: CellStates


def read_fused(
    cell: Cell, inputs: Tensor, weights: Sequence[Tensor], initial: CellStates, lengths: Tensor | None
) -> Reading:
    """Run a layer over time in one call; see `RecurrentLayer.read`.

    Args:
        cell: of a type in `FUSED`
        inputs: (time, batch, input_dim)
        weights: of the input, of the hidden state, and the bias; the weights that the call may drop are dropped already
        initial: the state before the first step
        lengths: (batch,), or None where all rows are whole
    """
    precision, kind = initial[0].dtype, inputs.device.type
    shown = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else precision
    with torch.autocast(kind, enabled=False), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous chunk")
        of_input, of_hidden, bias = (weight.to(precision) for weight in weights)
        parameters = [of_input, of_hidden, bias, torch.zeros_like(bias)]  # torch's layers have a second bias
        run = FUSED[type(cell)]
        if lengths is None:
            outputs, *last = run(inputs.to(precision), _stacked(initial), parameters, True, *_ONE_LAYER, False)
            return Reading(outputs.to(shown), tuple(state.squeeze(0) for state in last))
        packed = pack_padded_sequence(inputs.to(precision), lengths.cpu(), enforce_sorted=False)
        order, back = packed.sorted_indices, packed.unsorted_indices
        assert order is not None
        assert back is not None
        start = _stacked(tuple(state.index_select(0, order) for state in initial))
        outputs, *last = run(packed.data, packed.batch_sizes, start, parameters, True, *_ONE_LAYER)
        hidden, _ = pad_packed_sequence(
            PackedSequence(outputs, packed.batch_sizes, order, back), total_length=inputs.shape[0]
        )
        return Reading(hidden.to(shown), tuple(state.squeeze(0).index_select(0, back) for state in last))


def _stacked(states: CellStates) -> Tensor | tuple[Tensor, ...]:
    """As torch's calls take a state: with a dimension for layers, and a tuple only where it has two parts."""
    hidden, *others = (state.unsqueeze(0).contiguous() for state in states)
    return (hidden, *others) if others else hidden

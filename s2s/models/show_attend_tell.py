"""The Show, Attend and Tell decoder: soft attention from the state before the word."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from s2s.models.configuration import RecurrentDecoderConfig
from s2s.models.memory import Memory, summary_of
from s2s.models.recurrent_decoder import RecurrentState
from s2s.models.sequential_decoder import Advance, SequentialDecoder
from s2s.nn.recurrent import glorot_gates


class ShowAttendTellDecoder(SequentialDecoder):
    """Soft attention from the state before the word (Xu et al., 2015, sections 3.1.2 and 4.2.1).

    z_t = beta_t * attend(h_{t-1}),   beta_t = sigmoid(f(h_{t-1})),   h_t = LSTM([e_t; z_t], h_{t-1})
    p_t = softmax(L_o tanh(L [z_t; h_t; e_t])),   h_0 = tanh(W_h summary),   c_0 = tanh(W_c summary)

    The gate beta is a vector with an element for each element of the context, as in the well-known implementations; the
    paper's is a scalar. With several layers attention looks from the uppermost one, and the lowest reads the context.
    """

    def __init__(
        self, config: RecurrentDecoderConfig, vocabulary: int, memory_dim: int | None, summary_dim: int | None = None
    ) -> None:
        summary_dim = summary_dim or memory_dim
        super().__init__(config, vocabulary, memory_dim, summary_dim)
        cell = self.layers[0].cell
        self.bridge_cell = self.gate = self.context = None
        if summary_dim is not None and cell.states > 1:
            self.bridge_cell = nn.Linear(summary_dim, config.dim * len(self.layers))
        if memory_dim is not None:
            self.gate = nn.Linear(config.dim, memory_dim)
            self.context = glorot_gates(nn.Linear(memory_dim, cell.gates * config.dim, bias=False), cell.gates)

    @staticmethod
    def layer_inputs(config: RecurrentDecoderConfig, memory_dim: int) -> list[int]:
        """The first layer reads embeddings (and the context, by weights of its own), the others the layer below."""
        return [config.embedding_dim] + [config.dim] * (config.layers - 1)

    def start(self, memory: Memory | None, *, sentences: int | None = None) -> RecurrentState:
        """As in all recurrent decoders, except that the LSTM's cell starts from the summary too (before equation 7)."""
        if memory is None:
            return super().start(None, sentences=sentences)
        summary = summary_of(memory)
        state = super().start(replace(memory, summary=summary))
        if self.bridge_cell is None:
            return state
        cells = self.bridge_cell(summary).to(state.layers[0][1].dtype).tanh().chunk(len(self.layers), -1)
        return replace(state, layers=tuple((hidden, cell) for (hidden, _), cell in zip(state.layers, cells)))

    def advance(self, embedded: Tensor, projected: Tensor, state: RecurrentState) -> Advance:
        """See `SequentialDecoder.advance`."""
        above, context = state.layers[-1][0], None
        look = self.look(above, state)
        if look is not None and self.gate is not None and self.context is not None:
            context = torch.sigmoid(self.gate(above)).to(look.context.dtype) * look.context
            projected = projected + self.context(context)
        layers = self.climb(projected, state)
        return Advance(layers[-1][0], context, replace(state, layers=layers), look)

    def finish(self, hidden: Tensor, context: Tensor | None, embedded: Tensor) -> Tensor:
        """Deep output of the gated context, the state and the word just read (equation 7)."""
        return self.features(context, hidden, embedded)

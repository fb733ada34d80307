"""The top-down decoder: an LSTM that steers attention below an LSTM that writes."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from s2s.models.configuration import RecurrentDecoderConfig
from s2s.models.memory import Memory, summary_of
from s2s.models.recurrent_decoder import RecurrentState
from s2s.models.sequential_decoder import Advance, SequentialDecoder
from s2s.nn.recurrent import glorot_gates


class TopDownDecoder(SequentialDecoder):
    """An LSTM that steers attention below one that writes (Anderson et al., 2018, section 3.2).

    h1_t = LSTM([h2_{t-1}; summary; e_t], h1_{t-1}),   c_t = attend(h1_t),   h2_t = LSTM([c_t; h1_t], h2_{t-1})
    p_t = softmax(W_p h2_t)

    All states start from zero: the picture's summary is read at every step. W_p is a product of two matrices, the
    second as wide as an embedding, so that it may be tied. Further layers stand above the second.
    """

    def __init__(
        self, config: RecurrentDecoderConfig, vocabulary: int, memory_dim: int | None, summary_dim: int | None = None
    ) -> None:
        super().__init__(config, vocabulary, memory_dim)
        gates, width = self.layers[0].cell.gates, summary_dim or memory_dim
        self.feedback = glorot_gates(nn.Linear(config.dim, gates * config.dim, bias=False), gates)
        self.picture = None
        if width is not None:
            self.picture = glorot_gates(nn.Linear(width, gates * config.dim, bias=False), gates)

    @staticmethod
    def layer_inputs(config: RecurrentDecoderConfig, memory_dim: int) -> list[int]:
        """The first layer reads embeddings (h2 and the summary by weights of their own), the second [context; h1]."""
        return [config.embedding_dim, memory_dim + config.dim] + [config.dim] * (config.layers - 1)

    @staticmethod
    def output_inputs(config: RecurrentDecoderConfig, memory_dim: int) -> int:
        """The state alone."""
        return config.dim

    def start(self, memory: Memory | None, *, sentences: int | None = None) -> RecurrentState:
        """As in all recurrent decoders, from zero; `fixed` is the summary's part of the first layer's gates."""
        state = super().start(memory, sentences=sentences)
        if memory is None or self.picture is None:
            return state
        return replace(state, fixed=self.picture(self.drop_context(summary_of(memory))))

    def project(self, embedded: Tensor, state: RecurrentState) -> Tensor:
        """The words' and the summary's part of the first layer's gates."""
        words = super().project(embedded, state)
        if state.fixed is None:
            return words
        picture = state.fixed.repeat_interleave(len(words) // state.sentences, 0)  # (rows, gates * dim)
        return words + (picture if words.dim() == 2 else picture.unsqueeze(1))

    def advance(self, embedded: Tensor, projected: Tensor, state: RecurrentState) -> Advance:
        """See `SequentialDecoder.advance`."""
        first, before = self.layers[0], state.layers
        layers = [first.cell.step(projected + self.feedback(before[-1][0]), first.weight_hidden, before[0])]
        signal = layers[0][0]
        look = self.look(signal, state)
        if look is not None:
            signal = torch.cat([look.context, signal.to(look.context.dtype)], -1)  # (rows, memory_dim + dim)
        for layer, states in zip(self.layers[1:], before[1:]):
            layers.append(layer.step(self.drop_hidden.step(signal), states))
            signal = layers[-1][0]
        return Advance(signal, None, replace(state, layers=tuple(layers)), look)

    def finish(self, hidden: Tensor, context: Tensor | None, embedded: Tensor) -> Tensor:
        """A projection of the uppermost state, as wide as an embedding."""
        return self.deep_output(hidden)

"""The wirings of the captioning papers, and the names by which recipes choose among all.

Show and Tell, Show, Attend and Tell, and the top-down LSTM pair, each a class behind the decoder's contract. They start
from the memory's summary; where it has none, from the mean of its grid. What waits for the step before has weights of
its own, so that all else (the words' and the picture's part of the gates) leaves the loop over time.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from s2s.models.memory import Memory, masked_mean
from s2s.models.recurrent_decoder import Decoder, DecoderConfig, DecoderState, Output, ParallelDecoder
from s2s.models.sequential import Found, InputFeedingDecoder, SequentialDecoder


def _summary(memory: Memory) -> Tensor:
    """(sentences, dim)"""
    return masked_mean(memory.grid, memory.mask) if memory.summary is None else memory.summary


def _widths(config: DecoderConfig) -> list[int]:
    """Of a stack of layers, the first of which reads words."""
    return [config.embedding_dim] + [config.dim] * (config.layers - 1)


def _glorot(linear: nn.Linear, gates: int) -> nn.Linear:
    """As `RecurrentLayer` does: each gate is a matrix of its own."""
    for gate in linear.weight.data.chunk(gates):
        nn.init.xavier_uniform_(gate)
    return linear


class ShowAndTellDecoder(SequentialDecoder):
    """The picture is seen once, in the first state (Vinyals et al., 2015); the grid is not looked at.

    h_0 = tanh(W summary),   h_t = LSTM(e_t, h_{t-1}),   p_t = softmax(W_p h_t)

    In the paper the picture is the first word instead. W_p is a product of two, the second as wide as an embedding, so
    that it may be tied. Under teacher forcing only the cells loop over time.
    """

    def __init__(
        self, config: DecoderConfig, vocabulary: int, memory_dim: int | None, summary_dim: int | None = None
    ) -> None:
        super().__init__(config, vocabulary, None, summary_dim or memory_dim)

    @staticmethod
    def layer_inputs(config: DecoderConfig, memory_dim: int) -> list[int]:
        """The first layer reads embeddings, the others the layer below."""
        return _widths(config)

    @staticmethod
    def output_inputs(config: DecoderConfig, memory_dim: int) -> int:
        """The state alone."""
        return config.dim

    def start(self, memory: Memory | None, *, rows: int | None = None) -> DecoderState:
        """As in all decoders."""
        return super().start(memory and replace(memory, summary=self.drop_context(_summary(memory))), rows=rows)

    def advance(
        self, embedded: Tensor, projected: Tensor, state: DecoderState
    ) -> tuple[Found, DecoderState, Tensor | None]:
        """See `SequentialDecoder.advance`."""
        states = self._climb(projected, state)
        return (states[-1][0],), replace(state, layers=states), None

    def forward(self, tokens: Tensor, state: DecoderState) -> Output:
        """See `Decoder.forward`: layer by layer, each over all steps."""
        embedded = self.embed(tokens)
        signal, lasts = embedded, []
        for i, (layer, before) in enumerate(zip(self.layers, state.layers)):
            signal = self.drop_hidden(signal) if i else signal
            states = layer(signal.transpose(0, 1), before)
            signal = states[0].transpose(0, 1)  # (batch, time, dim)
            lasts.append(tuple(steps[-1].to(start.dtype) for steps, start in zip(states, before)))
        features = self.finish((signal,), embedded)
        return Output(self.drop_output(features), None, replace(state, layers=tuple(lasts)))

    def finish(self, found: Found, embedded: Tensor) -> Tensor:
        """The state, as wide as an embedding."""
        return self.deep_output(found[0])


class ShowAttendTellDecoder(SequentialDecoder):
    """Soft attention from the state before the word (Xu et al., 2015, sections 3.1.2 and 4.2.1).

    z_t = beta_t * attend(h_{t-1}),   beta_t = sigmoid(f(h_{t-1})),   h_t = LSTM([e_t; z_t], h_{t-1})
    p_t = softmax(L_o tanh(L [z_t; h_t; e_t])),   h_0 = tanh(W_h summary),   c_0 = tanh(W_c summary)

    The gate beta is a vector, an element for each of the context's, as in the well-known implementations; the paper's
    is a scalar. With several layers attention looks from the uppermost one, and the lowest reads the context.
    """

    def __init__(
        self, config: DecoderConfig, vocabulary: int, memory_dim: int | None, summary_dim: int | None = None
    ) -> None:
        summary_dim = summary_dim or memory_dim
        super().__init__(config, vocabulary, memory_dim, summary_dim)
        cell = self.layers[0].cell
        self.bridge_cell = self.gate = self.context = None
        if summary_dim is not None and cell.states > 1:
            self.bridge_cell = nn.Linear(summary_dim, config.dim * len(self.layers))
        if memory_dim is not None:
            self.gate = nn.Linear(config.dim, memory_dim)
            self.context = _glorot(nn.Linear(memory_dim, cell.gates * config.dim, bias=False), cell.gates)

    @staticmethod
    def layer_inputs(config: DecoderConfig, memory_dim: int) -> list[int]:
        """The first layer reads embeddings (and the context, through weights of its own), the others that below."""
        return _widths(config)

    def start(self, memory: Memory | None, *, rows: int | None = None) -> DecoderState:
        """As in all decoders, but that the LSTM's cell too starts from the summary (the equations before (7))."""
        if memory is None:
            return super().start(None, rows=rows)
        summary = _summary(memory)
        state = super().start(replace(memory, summary=summary))
        if self.bridge_cell is None:
            return state
        cells = self.bridge_cell(summary).to(state.layers[0][1].dtype).tanh().chunk(len(self.layers), -1)
        return replace(state, layers=tuple((hidden, cell) for (hidden, _), cell in zip(state.layers, cells)))

    def advance(
        self, embedded: Tensor, projected: Tensor, state: DecoderState
    ) -> tuple[Found, DecoderState, Tensor | None]:
        """See `SequentialDecoder.advance`."""
        found, weights = (), None
        if self.gate is not None and self.context is not None:
            above = state.layers[-1][0]
            context, weights = self.look(above, state)
            context = torch.sigmoid(self.gate(above)).to(context.dtype) * context
            projected, found = projected + self.context(context), (context,)
        states = self._climb(projected, state)
        return (*found, states[-1][0]), replace(state, layers=states), weights

    def finish(self, found: Found, embedded: Tensor) -> Tensor:
        """Deep output of the gated context, the state and the word just read (equation 7)."""
        context, hidden = found if len(found) > 1 else (None, *found)
        return self._features(context, hidden, embedded)


class TopDownDecoder(SequentialDecoder):
    """An LSTM that steers attention below one that writes (Anderson et al., 2018, section 3.2).

    h1_t = LSTM([h2_{t-1}; summary; e_t], h1_{t-1}),   c_t = attend(h1_t),   h2_t = LSTM([c_t; h1_t], h2_{t-1})
    p_t = softmax(W_p h2_t)

    All states start from zero: the picture's summary is read at every step. W_p is a product of two, the second as wide
    as an embedding, so that it may be tied. More layers stand above the second.
    """

    def __init__(
        self, config: DecoderConfig, vocabulary: int, memory_dim: int | None, summary_dim: int | None = None
    ) -> None:
        super().__init__(config, vocabulary, memory_dim)
        gates, width = self.layers[0].cell.gates, summary_dim or memory_dim
        self.feedback = _glorot(nn.Linear(config.dim, gates * config.dim, bias=False), gates)
        self.picture = None
        if width is not None:
            self.picture = _glorot(nn.Linear(width, gates * config.dim, bias=False), gates)

    @staticmethod
    def layer_inputs(config: DecoderConfig, memory_dim: int) -> list[int]:
        """The first layer reads embeddings (and h2 and the picture, by weights of their own), the second [c; h1]."""
        return [config.embedding_dim, memory_dim + config.dim] + [config.dim] * (config.layers - 1)

    @staticmethod
    def output_inputs(config: DecoderConfig, memory_dim: int) -> int:
        """The state alone."""
        return config.dim

    def start(self, memory: Memory | None, *, rows: int | None = None) -> DecoderState:
        """As in all decoders, from zero; with the picture's part of the gates, which is the same at all steps."""
        state = super().start(memory, rows=rows)
        if memory is None or self.picture is None:
            return state
        return replace(state, fixed=self.picture(self.drop_context(_summary(memory))))

    def project(self, embedded: Tensor, state: DecoderState) -> Tensor:
        """The words' and the picture's part of the first layer's gates."""
        words = super().project(embedded, state)
        if state.fixed is None:
            return words
        picture = state.fixed.repeat_interleave(len(words) // state.sentences, 0)
        return words + (picture if words.dim() == 2 else picture.unsqueeze(1))

    def advance(
        self, embedded: Tensor, projected: Tensor, state: DecoderState
    ) -> tuple[Found, DecoderState, Tensor | None]:
        """See `SequentialDecoder.advance`."""
        first, before = self.layers[0], state.layers
        states = [first.cell.step(projected + self.feedback(before[-1][0]), first.weight_hidden, before[0])]
        signal, weights = states[0][0], None
        if self.attention is not None:
            context, weights = self.look(signal, state)
            signal = torch.cat([context, signal.to(context.dtype)], -1)
        for layer, own in zip(self.layers[1:], before[1:]):
            states.append(layer.step(self.drop_hidden.step(signal), own))
            signal = states[-1][0]
        return (signal,), replace(state, layers=tuple(states)), weights

    def finish(self, found: Found, embedded: Tensor) -> Tensor:
        """The uppermost state, as wide as an embedding."""
        return self.deep_output(found[0])


DECODERS: dict[str, type[Decoder]] = {
    "parallel": ParallelDecoder,
    "input_feeding": InputFeedingDecoder,
    "show_and_tell": ShowAndTellDecoder,
    "show_attend_tell": ShowAttendTellDecoder,
    "top_down": TopDownDecoder,
}

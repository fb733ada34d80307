"""The parallel decoder: attention between a lower and an upper recurrent layer, for all steps at once in training."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from s2s.models.configuration import RecurrentDecoderConfig
from s2s.models.contracts import DecoderStep, Output
from s2s.models.recurrent_decoder import RecurrentDecoder, RecurrentState, sampled_of


class ParallelDecoder(RecurrentDecoder):
    """A lower layer reads the words, attention looks from its states, and upper layers read [lower; context].

    h1_t = cell(e_t, h1_{t-1}),   c_t = attend(h1_t),   h2_t = cell([h1_t; c_t], h2_{t-1})
    p_t = softmax(W_o tanh(W [c_t; h2_t; e_t]))

    The context does not enter the lower layer. So under teacher forcing only the cells loop over time, and attention is
    computed for all steps at once. It is the conditional GRU of Sennrich et al. (2017) without its feedback, or the
    top-down LSTM pair of Anderson et al. (2018) in the other order.
    """

    @staticmethod
    def layer_inputs(config: RecurrentDecoderConfig, memory_dim: int) -> list[int]:
        """The lower layer reads embeddings, the first upper one [lower; context]."""
        return [config.embedding_dim, config.dim + memory_dim] + [config.dim] * (config.layers - 1)

    def step(self, tokens: Tensor, state: RecurrentState) -> DecoderStep:
        """See `Decoder.step`."""
        embedded = self.embed_step(tokens)
        layers = [self.layers[0].step(embedded, state.layers[0])]
        signal, context = layers[0][0], None
        look = self.look(signal, state)
        if look is not None:
            context = look.context
            signal = torch.cat([signal.to(context.dtype), context], -1)  # (rows, dim + memory_dim)
        for i in range(1, len(self.layers)):
            layers.append(self.layers[i].step(self.drop_hidden.step(signal), state.layers[i]))
            signal = layers[i][0]
        return self.answer(self.features(context, signal, embedded), replace(state, layers=tuple(layers)), look)

    def forward(self, tokens: Tensor, state: RecurrentState) -> Output:
        """See `Decoder.forward`."""
        embedded = self.embed(tokens)  # (rows, time, embedding_dim)
        layers = [self.layers[0].read(embedded.transpose(0, 1), state.layers[0])]
        signal, context = layers[0].hidden.transpose(0, 1), None  # (rows, time, dim)
        look = self.look(signal, state)
        if look is not None:
            context = look.context
            signal = torch.cat([signal, context], -1)  # (rows, time, dim + memory_dim)
        for i in range(1, len(self.layers)):
            layers.append(self.layers[i].read(self.drop_hidden(signal).transpose(0, 1), state.layers[i]))
            signal = layers[i].hidden.transpose(0, 1)
        return Output(
            features=self.drop_output(self.features(context, signal, embedded)),
            attention=None if look is None else look.weights,
            state=replace(state, layers=tuple(layer.last for layer in layers)),
            sampled=sampled_of(look),
        )

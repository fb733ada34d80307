"""The Show and Tell decoder: the picture is in the initial state only."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from s2s.models.configuration import RecurrentDecoderConfig
from s2s.models.contracts import Output
from s2s.models.memory import Memory, summary_of
from s2s.models.recurrent_decoder import RecurrentState
from s2s.models.sequential_decoder import Advance, SequentialDecoder


class ShowAndTellDecoder(SequentialDecoder):
    """The picture is seen once, in the first state (Vinyals et al., 2015); the decoder does not look at the grid.

    h_0 = tanh(W summary),   h_t = LSTM(e_t, h_{t-1}),   p_t = softmax(W_p h_t)

    In the paper the picture is the first word instead. W_p is a product of two matrices, the second as wide as an
    embedding, so that it may be tied. Under teacher forcing only the cells loop over time.
    """

    def __init__(
        self, config: RecurrentDecoderConfig, vocabulary: int, memory_dim: int | None, summary_dim: int | None = None
    ) -> None:
        super().__init__(config, vocabulary, None, summary_dim or memory_dim)

    @staticmethod
    def layer_inputs(config: RecurrentDecoderConfig, memory_dim: int) -> list[int]:
        """The first layer reads embeddings, the others the layer below."""
        return [config.embedding_dim] + [config.dim] * (config.layers - 1)

    @staticmethod
    def output_inputs(config: RecurrentDecoderConfig, memory_dim: int) -> int:
        """The state alone."""
        return config.dim

    def start(self, memory: Memory | None, *, sentences: int | None = None) -> RecurrentState:
        """As in all recurrent decoders; without a summary, the mean of the grid is it."""
        if memory is not None:
            memory = replace(memory, summary=self.drop_context(summary_of(memory)))
        return super().start(memory, sentences=sentences)

    def advance(self, embedded: Tensor, projected: Tensor, state: RecurrentState) -> Advance:
        """See `SequentialDecoder.advance`."""
        layers = self.climb(projected, state)
        return Advance(layers[-1][0], None, replace(state, layers=layers), None)

    def forward(self, tokens: Tensor, state: RecurrentState) -> Output:
        """See `Decoder.forward`: layer by layer, each over all steps, since nothing that was found is fed back."""
        embedded = self.embed(tokens)
        signal, layers = embedded, []
        for i, (layer, before) in enumerate(zip(self.layers, state.layers)):
            signal = self.drop_hidden(signal) if i else signal
            layers.append(layer.read(signal.transpose(0, 1), before))
            signal = layers[-1].hidden.transpose(0, 1)  # (rows, time, dim)
        features = self.drop_output(self.finish(signal, None, embedded))
        return Output(features, None, replace(state, layers=tuple(layer.last for layer in layers)))

    def finish(self, hidden: Tensor, context: Tensor | None, embedded: Tensor) -> Tensor:
        """A projection of the state, as wide as an embedding."""
        return self.deep_output(hidden)

"""The input-feeding decoder: the attentional vector of each step enters the cell at the next one."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor
from torch.nn.functional import linear

from s2s.models.configuration import RecurrentDecoderConfig
from s2s.models.memory import Memory
from s2s.models.recurrent_decoder import RecurrentState
from s2s.models.sequential_decoder import Advance, SequentialDecoder


class InputFeedingDecoder(SequentialDecoder):
    """Input feeding (Luong et al., 2015, section 3.3).

    h_t = cell([e_t; a_{t-1}], h_{t-1}),   c_t = attend(h_t),   a_t = tanh(W [c_t; h_t; e_t]),   p_t = softmax(W_o a_t)

    Luong's a_t has no e_t; deep output adds it. The word is read from a_t with dropout, but a_t is fed back without, as
    all recurrent connections are (Zaremba et al., 2014).
    """

    @staticmethod
    def layer_inputs(config: RecurrentDecoderConfig, memory_dim: int) -> list[int]:
        """The first layer reads [embedding; attentional vector], the others the layer below."""
        return [2 * config.embedding_dim] + [config.dim] * (config.layers - 1)

    def start(self, memory: Memory | None, *, sentences: int | None = None) -> RecurrentState:
        """As in all recurrent decoders; the first attentional vector is zero."""
        state = super().start(memory, sentences=sentences)
        hidden = state.layers[0][0]
        return replace(state, feed=hidden.new_zeros(hidden.shape[0], self.embedding.embedding_dim))

    def project(self, embedded: Tensor, state: RecurrentState) -> Tensor:
        """The words' part of the first layer's gates."""
        first = self.layers[0]
        return linear(embedded, first.weight_input[:, : embedded.shape[-1]], first.bias)

    def advance(self, embedded: Tensor, projected: Tensor, state: RecurrentState) -> Advance:
        """See `SequentialDecoder.advance`."""
        assert state.feed is not None, "the state is not one of this decoder's"
        fed = linear(state.feed, self.layers[0].weight_input[:, embedded.shape[-1] :])
        layers = self.climb(projected + fed, state)
        hidden = layers[-1][0]
        look = self.look(hidden, state)
        attentional = self.features(None if look is None else look.context, hidden, embedded)
        return Advance(attentional, None, replace(state, layers=layers, feed=attentional), look)

    def finish(self, hidden: Tensor, context: Tensor | None, embedded: Tensor) -> Tensor:
        """The word is read from the attentional vector itself."""
        return hidden

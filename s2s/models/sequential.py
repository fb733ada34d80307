"""Sequential wirings of the decoder: what enters a cell waits for what the step before found.

What does not wait for it (the words' part of the gates, the read-out) leaves the loop over time all the same. Being
steps one after the other in training too, they can be trained by scheduled sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from s2s.errors import check
from s2s.models.memory import Memory
from s2s.models.recurrent_decoder import Decoder, DecoderConfig, DecoderState, Output, Step
from s2s.nn.deferred_gradients import deferred_gradients
from s2s.nn.recurrent import States
from s2s.text.tokens import PAD

Found = tuple[Tensor, ...]  # what a step's word is read from, each (rows, any)


class SequentialDecoder(Decoder):
    """What enters a cell waits for the step before, in training too; only what does not wait leaves the loop."""

    def project(self, embedded: Tensor, state: DecoderState) -> Tensor:
        """The part of the first gates that waits for nothing: (rows, ..., inputs) -> (rows, ..., gates * dim)."""
        return self.layers[0].project(embedded)

    def advance(
        self, embedded: Tensor, projected: Tensor, state: DecoderState
    ) -> tuple[Found, DecoderState, Tensor | None]:
        """One step, of words (rows, embedding_dim) -> what was found, the next state, attention (rows, positions)."""
        raise NotImplementedError

    def finish(self, found: Found, embedded: Tensor) -> Tensor:
        """Features (..., embedding_dim) of what was found and the words just read, for one step or all at once."""
        raise NotImplementedError

    def step(self, tokens: Tensor, state: DecoderState) -> Step:
        """See `Decoder.step`."""
        embedded = self._embed_step(tokens)
        found, state, weights = self.advance(embedded, self.project(embedded, state), state)
        return self._step(self.finish(found, embedded), state, weights)

    def forward(self, tokens: Tensor, state: DecoderState) -> Output:
        """See `Decoder.forward`."""
        embedded = self.embed(tokens)  # (batch, time, embedding_dim)
        projected = self.project(embedded, state)
        steps = []
        with deferred_gradients(self):
            for step in zip(embedded.unbind(1), projected.unbind(1)):
                found, state, weights = self.advance(*step, state)
                steps.append((found, weights))
        return self._output(steps, embedded, state)

    def scheduled(self, tokens: Tensor, state: DecoderState, own: float) -> Output:
        """Teacher forcing with a teacher who lets go: scheduled sampling (Bengio et al., 2015).

        Every word read after START is, with probability `own`, one drawn from what the model said at the step before,
        which gets no gradient through the choice. Random numbers come from torch's global generator. Embeddings are
        dropped step by step: a variational mask has no time to be shared over.

        Args:
            tokens: (rows, time), START first
            state: from `start`
            own: 0 <= own <= 1

        Returns:
            what `forward` does, with the tokens that were read (rows, time) as `extra`.
        """
        check(0 <= own <= 1, f"the share of the model's own words is {own}: choose 0 to 1")
        steps, read, embeddings = [], list[Tensor](), list[Tensor]()
        replaced = (torch.rand(tokens.shape, device=tokens.device) < own) & (tokens != PAD)
        for t, words in enumerate(tokens.unbind(1)):
            if t > 0:
                rows = replaced[:, t].nonzero().squeeze(1)
                words = words.index_copy(0, rows, self._draw(steps[-1][0], embeddings[-1], rows))
            embedded = self._embed_step(words)
            found, state, weights = self.advance(embedded, self.project(embedded, state), state)
            steps.append((found, weights))
            read.append(words)
            embeddings.append(embedded)
        return replace(self._output(steps, torch.stack(embeddings, 1), state), extra=torch.stack(read, 1))

    def _climb(self, projected: Tensor, state: DecoderState) -> tuple[States, ...]:
        """All layers' next states, each of which reads the one below; projected is the first one's whole input."""
        first = self.layers[0]
        states = [first.cell.step(projected, first.weight_hidden, state.layers[0])]
        for layer, before in zip(self.layers[1:], state.layers[1:]):
            states.append(layer.step(self.drop_hidden.step(states[-1][0]), before))
        return tuple(states)

    def _draw(self, found: Found, embedded: Tensor, rows: Tensor) -> Tensor:
        """A word (rows,) for each of these rows, with the probability that the model gives it."""
        if not len(rows):
            return rows
        # Not under no_grad: autocast would keep weights cast without a gradient, and the loss would use them too.
        features = self.finish(tuple(part.detach()[rows] for part in found), embedded.detach()[rows])
        return self.readout(self.drop_output.step(features)).float().softmax(-1).multinomial(1).squeeze(1)

    def _output(self, steps: Sequence[tuple[Found, Tensor | None]], embedded: Tensor, state: DecoderState) -> Output:
        found = tuple(torch.stack(parts, 1) for parts in zip(*(found for found, _ in steps)))
        looked = [weights for _, weights in steps if weights is not None]
        features = self.finish(found, embedded)
        return Output(self.drop_output(features), torch.stack(looked, 1) if looked else None, state)


class InputFeedingDecoder(SequentialDecoder):
    """The attentional vector of each step enters the cell at the next one (Luong et al., 2015, section 3.3).

    h_t = cell([e_t; a_{t-1}], h_{t-1}),   c_t = attend(h_t),   a_t = tanh(W [c_t; h_t; e_t])

    Luong's a_t has no e_t, which deep output adds. The word is read from a_t, with dropout; what is fed back is whole,
    as all that recurs (Zaremba et al., 2014).
    """

    @staticmethod
    def layer_inputs(config: DecoderConfig, memory_dim: int) -> list[int]:
        """The first layer reads [embedding; attentional vector], the others the layer below."""
        return [2 * config.embedding_dim] + [config.dim] * (config.layers - 1)

    def start(self, memory: Memory | None, *, rows: int | None = None) -> DecoderState:
        """As in all decoders; the first attentional vector is zero."""
        state = super().start(memory, rows=rows)
        hidden = state.layers[0][0]
        return replace(state, feed=hidden.new_zeros(hidden.shape[0], self.embedding.embedding_dim))

    def project(self, embedded: Tensor, state: DecoderState) -> Tensor:
        """The words' part of the first layer's gates."""
        first = self.layers[0]
        return nn.functional.linear(embedded, first.weight_input[:, : embedded.shape[-1]], first.bias)

    def advance(
        self, embedded: Tensor, projected: Tensor, state: DecoderState
    ) -> tuple[Found, DecoderState, Tensor | None]:
        """See `SequentialDecoder.advance`."""
        assert state.feed is not None
        first = self.layers[0]
        fed = nn.functional.linear(state.feed, first.weight_input[:, embedded.shape[-1] :])
        states = self._climb(projected + fed, state)
        signal, context, weights = states[-1][0], None, None
        if self.attention is not None:
            context, weights = self.look(signal, state)
        features = self._features(context, signal, embedded)
        return (features,), replace(state, layers=states, feed=features), weights

    def finish(self, found: Found, embedded: Tensor) -> Tensor:
        """The attentional vector is what the word is read from."""
        return found[0]

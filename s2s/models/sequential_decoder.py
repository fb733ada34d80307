"""Sequential decoders: a step needs what the step before found, in training too.

The parts that do not need it (the words' part of the gates, the read-out) are computed for all steps at once, before
and after the loop over time. Since they compute training step by step, sequential decoders allow scheduled sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from s2s.models.contracts import DecoderStep, Output
from s2s.models.decoder import check_sampling_probability
from s2s.models.recurrent_decoder import RecurrentDecoder, RecurrentState, sampled_of
from s2s.nn.attention import Look
from s2s.nn.cells import CellStates
from s2s.nn.deferred_gradients import deferred_gradients
from s2s.nn.hard_attention import HardAttention, each_in_turn
from s2s.text.tokens import PAD


class Advance(NamedTuple):
    """What one step computes.

    Attributes:
        hidden: (rows, dim), or what else `finish` makes the features of
        context: (rows, memory_dim), where `finish` reads it too; else None
        state: after the step
        look: what attention found; None where the decoder does not look
    """

    hidden: Tensor
    context: Tensor | None
    state: RecurrentState
    look: Look | None


class SequentialDecoder(RecurrentDecoder):
    """A recurrent decoder whose steps are computed one after the other.

    A kind of it defines `project` (before the loop), `advance` (one step of the loop) and `finish` (after the loop).
    """

    def project(self, embedded: Tensor, state: RecurrentState) -> Tensor:
        """The words' part of the first layer's gates: (..., embedding_dim) -> (..., gates * dim)."""
        return self.layers[0].project(embedded)

    def advance(self, embedded: Tensor, projected: Tensor, state: RecurrentState) -> Advance:
        """One step: words (rows, embedding_dim) and what `project` made of them, (rows, gates * dim)."""
        raise NotImplementedError

    def finish(self, hidden: Tensor, context: Tensor | None, embedded: Tensor) -> Tensor:
        """Features (..., embedding_dim) of one step or of all: of what `advance` found and of the words just read."""
        raise NotImplementedError

    def step(self, tokens: Tensor, state: RecurrentState) -> DecoderStep:
        """See `Decoder.step`."""
        embedded = self.embed_step(tokens)
        hidden, context, state, look = self.advance(embedded, self.project(embedded, state), state)
        return self.answer(self.finish(hidden, context, embedded), state, look)

    def forward(self, tokens: Tensor, state: RecurrentState) -> Output:
        """See `Decoder.forward`."""
        if self.training and isinstance(self.attention, HardAttention) and self.attention.marginal:
            return self._marginal(tokens, state, self.attention)
        embedded = self.embed(tokens)  # (rows, time, embedding_dim)
        projected = self.project(embedded, state)
        steps = list[Advance]()
        with deferred_gradients(self):
            for words, gates in zip(embedded.unbind(1), projected.unbind(1)):
                steps.append(self.advance(words, gates, steps[-1].state if steps else state))
        return self._output(steps, embedded, state)

    def scheduled(self, tokens: Tensor, state: RecurrentState, sampling_probability: float) -> Output:
        """Scheduled sampling (Bengio et al., 2015): some of the words that the decoder reads are its own.

        Every word after START is replaced, with the given probability, by one drawn from the model's distribution at
        the step before. No gradient flows through the choice. Random numbers come from torch's global generator.
        Embeddings are dropped step by step, so a variational mask is not shared over time here.

        Args:
            tokens: (rows, time), START first
            state: from `start`
            sampling_probability: from 0 to 1

        Returns:
            as `forward`, with the tokens that were read in `Output.tokens`

        Raises:
            UserError: the probability is not between 0 and 1
        """
        check_sampling_probability(sampling_probability)
        steps, read, embeddings = list[Advance](), list[Tensor](), list[Tensor]()
        replaced = (torch.rand(tokens.shape, device=tokens.device) < sampling_probability) & (tokens != PAD)
        for t, words in enumerate(tokens.unbind(1)):
            if t > 0:
                rows = replaced[:, t].nonzero().squeeze(1)
                words = words.index_copy(0, rows, self._draw(steps[-1], embeddings[-1], rows))
            embedded = self.embed_step(words)
            before = steps[-1].state if steps else state
            steps.append(self.advance(embedded, self.project(embedded, before), before))
            read.append(words)
            embeddings.append(embedded)
        return replace(self._output(steps, torch.stack(embeddings, 1), state), tokens=torch.stack(read, 1))

    def _marginal(self, tokens: Tensor, state: RecurrentState, attention: HardAttention) -> Output:
        """Hard attention with all positions at every step: what each of them would make of the next word.

        The next step continues from one of them, drawn from the attention's weights; no gradient flows through this
        choice. See `MarginalConfig`.
        """
        embedded = self.embed(tokens)  # (rows, time, embedding_dim)
        projected = self.project(embedded, state)
        features, mixture, weights = list[Tensor](), list[Tensor](), list[Tensor]()
        with deferred_gradients(self), attention.choosing(each_in_turn):
            for words, gates in zip(embedded.unbind(1), projected.unbind(1)):
                wide, logs = self._wide_step(words, gates, state)  # logs: (rows, positions)
                read = words.repeat_interleave(logs.shape[1], 0)
                features.append(self.finish(wide.hidden, wide.context, read).unflatten(0, logs.shape))
                chosen = logs.detach().exp().multinomial(1)  # (rows, 1)
                weights.append(torch.zeros_like(logs).scatter(1, chosen, 1))
                first = torch.arange(0, logs.numel(), logs.shape[1], device=logs.device)  # of each row
                state = wide.state.reorder(first + chosen.squeeze(1))
                mixture.append(logs)
        return Output(
            features=self.drop_output(torch.stack(features, 1)),  # (rows, time, positions, dim)
            attention=torch.stack(weights, 1),
            state=state,
            mixture=torch.stack(mixture, 1),
        )

    def _wide_step(self, words: Tensor, gates: Tensor, state: RecurrentState) -> tuple[Advance, Tensor]:
        """A step with each position of each row in turn, and the positions' log-probabilities (rows, positions)."""
        assert state.keys is not None
        positions = state.keys.shape[1]
        wide = self.advance(
            words.repeat_interleave(positions, 0), gates.repeat_interleave(positions, 0), state.repeat(positions)
        )
        assert wide.look is not None
        assert wide.look.log_probability is not None
        return wide, wide.look.log_probability.unflatten(0, (len(words), positions))

    def climb(self, gates: Tensor, state: RecurrentState) -> tuple[CellStates, ...]:
        """All layers' next states, each reading the layer below; `gates` are the whole input of the first one."""
        first = self.layers[0]
        layers = [first.cell.step(gates, first.weight_hidden, state.layers[0])]
        for layer, before in zip(self.layers[1:], state.layers[1:]):
            layers.append(layer.step(self.drop_hidden.step(layers[-1][0]), before))
        return tuple(layers)

    def _draw(self, step: Advance, embedded: Tensor, rows: Tensor) -> Tensor:
        """For each of these rows a word (n,), drawn from the model's distribution after the step."""
        if not len(rows):
            return rows
        # Not under no_grad: autocast would keep weights cast without a gradient, and the loss would use them too.
        context = None if step.context is None else step.context.detach()[rows]
        features = self.finish(step.hidden.detach()[rows], context, embedded.detach()[rows])
        return self.readout(self.drop_output.step(features)).float().softmax(-1).multinomial(1).squeeze(1)

    def _output(self, steps: Sequence[Advance], embedded: Tensor, state: RecurrentState) -> Output:
        """All steps put together; `state` is the one before them."""
        hidden = torch.stack([step.hidden for step in steps], 1)  # (rows, time, dim)
        contexts = [step.context for step in steps if step.context is not None]
        look = _stacked([step.look for step in steps if step.look is not None])
        features = self.finish(hidden, torch.stack(contexts, 1) if contexts else None, embedded)
        return Output(
            features=self.drop_output(features),
            attention=None if look is None else look.weights,
            state=steps[-1].state if steps else state,
            sampled=sampled_of(look),
        )


def _stacked(looks: Sequence[Look]) -> Look | None:
    """The looks of all steps in one, along a new dimension of time; the context is left as it was at the last step."""
    if not looks:
        return None
    weights = torch.stack([look.weights for look in looks], 1)  # (rows, time, positions)
    chances = [look.log_probability for look in looks if look.log_probability is not None]
    entropies = [look.entropy for look in looks if look.entropy is not None]
    stacked = (torch.stack(values, 1) if values else None for values in (chances, entropies))  # (rows, time)
    return Look(looks[-1].context, weights, *stacked)

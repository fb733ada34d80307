"""The parts that all recurrent decoders share: embeddings, initial state, attention, deep output and read-out.

One step reads a token, looks at the grid and returns log-probabilities of the next token: that is decoding. Training
computes all steps at once under teacher forcing. A test holds that both give the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from s2s.models.configuration import RecurrentDecoderConfig
from s2s.models.contracts import DecoderStep, Sampled
from s2s.models.decoder import Decoder
from s2s.models.memory import Memory
from s2s.nn.attention import Look
from s2s.nn.attentions import build_attention
from s2s.nn.cells import CellStates, tanh
from s2s.nn.dropout import Dropout
from s2s.nn.recurrent import recurrent_layers
from s2s.text.tokens import PAD


@dataclass(frozen=True)
class RecurrentState:
    """The `State` of a recurrent decoder (see s2s/models/contracts.py).

    Attributes:
        sentences: how many there are, each with as many rows as any other, side by side
        layers: for each recurrent layer its states, each (rows, dim): one row a hypothesis
        keys, values, mask: of the grid, one row a sentence, as attention wants them; None where there is no grid
        fixed: (sentences, gates * dim), a part of the first layer's gates that is the same at every step, or None
        feed: (rows, embedding_dim), the attentional vector that input feeding feeds back, or None
    """

    sentences: int
    layers: tuple[CellStates, ...]
    keys: Tensor | None = None
    values: Tensor | None = None
    mask: Tensor | None = None
    fixed: Tensor | None = None
    feed: Tensor | None = None

    @property
    def rows(self) -> int:
        """How many hypotheses there are, of all sentences together."""
        return len(self.layers[0][0])

    def reorder(self, parents: Tensor) -> RecurrentState:
        """See `State`. The tensors of sentences stay as they are."""
        return self._of_rows(lambda tensor: tensor.index_select(0, parents))

    def repeat(self, times: int) -> RecurrentState:
        """See `State`."""
        if times == 1:
            return self
        return self.reorder(torch.arange(self.rows, device=self.layers[0][0].device).repeat_interleave(times))

    def keep(self, sentences: Tensor) -> RecurrentState:
        """See `State`."""
        each = self.rows // self.sentences
        rows = (sentences.unsqueeze(1) * each + torch.arange(each, device=sentences.device)).flatten()
        kept = self.reorder(rows)._of_sentences(lambda tensor: tensor.index_select(0, sentences))
        return replace(kept, sentences=len(sentences))

    def detach(self) -> RecurrentState:
        """See `State`. The memory is a part of the history too: no gradient reaches the encoder any more."""
        return self._of_rows(Tensor.detach)._of_sentences(Tensor.detach)

    def _of_sentences(self, change: Callable[[Tensor], Tensor]) -> RecurrentState:
        """The state with `change` applied to every tensor that has one row a sentence."""
        tensors = {"keys": self.keys, "values": self.values, "mask": self.mask, "fixed": self.fixed}
        return replace(self, **{name: None if tensor is None else change(tensor) for name, tensor in tensors.items()})

    def _of_rows(self, change: Callable[[Tensor], Tensor]) -> RecurrentState:
        """The state with `change` applied to every tensor that has one row a hypothesis."""
        layers = tuple(tuple(map(change, states)) for states in self.layers)
        return replace(self, layers=layers, feed=None if self.feed is None else change(self.feed))


class RecurrentDecoder(Decoder):
    """Embeddings, recurrent layers, the initial state, attention, deep output and read-out.

    Args:
        config: the kind and its shape
        vocabulary: how many tokens there are
        memory_dim: width of the grid's vectors; None without a memory, as in a language model
        summary_dim: width of the memory's summary; None where there is none, and h_0 is zero
    """

    def __init__(
        self,
        config: RecurrentDecoderConfig,
        vocabulary: int,
        memory_dim: int | None,
        summary_dim: int | None = None,
    ) -> None:
        super().__init__()
        self.dim, self.memory_dim = config.dim, memory_dim
        rates, shared = config.dropout, 1 if config.dropout.variational else None  # 1: one mask for all steps
        self.embedding = nn.Embedding(vocabulary, config.embedding_dim, padding_idx=PAD)
        nn.init.normal_(self.embedding.weight, std=config.embedding_dim**-0.5)
        self.drop_word = Dropout(rates.word, shared=-1)
        self.drop_embedding = Dropout(rates.embedding, shared=shared)
        self.drop_hidden = Dropout(rates.hidden, shared=shared)
        self.drop_context = Dropout(rates.context, shared=shared)
        self.drop_output = Dropout(rates.output, shared=shared)
        self.layers = recurrent_layers(config.cell, self.layer_inputs(config, memory_dim or 0), config.dim)
        self.bridge = None if summary_dim is None else nn.Linear(summary_dim, config.dim * len(self.layers))
        self.attention = None if memory_dim is None else build_attention(config.attention, config.dim, memory_dim)
        self.deep_output = nn.Linear(self.output_inputs(config, memory_dim or 0), config.embedding_dim)
        self.projection = nn.Linear(config.embedding_dim, vocabulary)
        nn.init.zeros_(self.projection.bias)
        if config.tie_output:
            self.projection.weight = self.embedding.weight

    @staticmethod
    def layer_inputs(config: RecurrentDecoderConfig, memory_dim: int) -> list[int]:
        """The input width of every recurrent layer, from the bottom."""
        raise NotImplementedError

    @staticmethod
    def output_inputs(config: RecurrentDecoderConfig, memory_dim: int) -> int:
        """The width of what deep output reads: the context, the state and the word just read."""
        return memory_dim + config.dim + config.embedding_dim

    def start(self, memory: Memory | None, *, sentences: int | None = None) -> RecurrentState:
        """See `Decoder.start`. The memory's keys are projected here, once.

        h_0 = tanh(W summary) in every layer, where the summary is the mean of the grid, as in Nematus (Sennrich et al.,
        2017); Bahdanau et al. (2015, A.2.2) take the first backward state. The LSTM's cell starts from zero. Without a
        memory, or without a summary, all states start from zero.
        """
        if memory is None:
            if sentences is None:
                raise TypeError("without a memory, start needs the number of sentences")
            like = self.embedding.weight.new_zeros(sentences, 1)
            return RecurrentState(sentences, tuple(layer.initial(like) for layer in self.layers))
        states = [layer.initial(memory.grid) for layer in self.layers]
        if self.bridge is not None and memory.summary is not None:
            starts = self.bridge(memory.summary).to(states[0][0].dtype).tanh().chunk(len(self.layers), -1)
            states = [(start, *rest) for start, (_, *rest) in zip(starts, states)]
        state = RecurrentState(len(memory.grid), tuple(states))
        if self.attention is None:
            return state
        grid = self.drop_context(memory.grid)
        keys = self.attention.keys(grid)
        return replace(state, keys=keys, values=grid.to(keys.dtype), mask=memory.mask)

    def embed(self, tokens: Tensor) -> Tensor:
        """(..., time) -> (..., time, embedding_dim)."""
        return self.drop_embedding(self.drop_word(self.embedding(tokens)))

    def embed_step(self, tokens: Tensor) -> Tensor:
        """(rows,) -> (rows, embedding_dim)."""
        return self.embed(tokens.unsqueeze(1)).squeeze(1)

    def look(self, queries: Tensor, state: RecurrentState) -> Look | None:
        """Attend from queries (rows, time, dim), or from one step's (rows, dim); None without a memory.

        The context and the weights have the shape of the queries, but for the last dimension. The rows of a sentence
        lie side by side and look at one grid, which is not copied.
        """
        if self.attention is None or state.keys is None or state.values is None:
            return None
        by_sentence = queries.reshape(state.sentences, -1, queries.shape[-1])
        look = self.attention(by_sentence, state.keys, state.values, state.mask)
        shape = queries.shape[:-1]
        sampled = (None if value is None else value.view(shape) for value in look[2:])
        return Look(look.context.view(*shape, -1), look.weights.view(*shape, -1), *sampled)

    def readout(self, features: Tensor) -> Tensor:
        """See `Decoder.readout`."""
        return self.projection(features)

    def features(self, context: Tensor | None, hidden: Tensor, embedded: Tensor) -> Tensor:
        """Deep output (Pascanu et al., 2014): tanh(W [context; state; word just read])."""
        parts = (hidden, embedded) if context is None else (context, hidden, embedded)
        return tanh(self.deep_output(torch.cat([part.to(parts[0].dtype) for part in parts], -1)))

    def answer(self, features: Tensor, state: RecurrentState, look: Look | None) -> DecoderStep:
        """The step that follows from features (rows, embedding_dim)."""
        logits = self.readout(self.drop_output.step(features))
        return DecoderStep(logits.float().log_softmax(-1), state, None if look is None else look.weights)


def sampled_of(look: Look | None) -> Sampled | None:
    """What attention sampled at all steps, where it samples."""
    if look is None or look.log_probability is None or look.entropy is None:
        return None
    return Sampled(look.log_probability, look.entropy)

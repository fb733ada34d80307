"""The decoder: an LSTM (or GRU, or RNN) that looks at a grid of vectors and writes a sentence.

One step reads a token, looks at the grid and names the next token's probabilities: that is decoding. All steps at
once under teacher forcing are training. A test holds that both say the same. Several wirings stand behind one
interface: here `ParallelDecoder`, in which only the recurrent cells loop over time; `InputFeedingDecoder`, which is
sequential, in s2s/models/sequential.py; those of the captioning papers in s2s/models/wirings.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from s2s.config import option
from s2s.errors import UserError
from s2s.models.memory import Memory
from s2s.nn.attention import ATTENTIONS
from s2s.nn.cells import tanh
from s2s.nn.dropout import Dropout
from s2s.nn.recurrent import MAX_LAYERS, MAX_UNITS, States, recurrent_layers
from s2s.text.tokens import PAD


@dataclass(frozen=True)
class DropoutRates:
    """Where and how much the decoder drops in training; each 0 <= rate < 1."""

    word: float = option(0.0, low=0, below=1, help="whole input words (Sennrich & Zhang, 2019)")
    embedding: float = option(0.3, low=0, below=1, help="elements of the embeddings")
    hidden: float = option(0.3, low=0, below=1, help="between recurrent layers")
    context: float = option(0.3, low=0, below=1, help="the vectors of the grid")
    output: float = option(0.3, low=0, below=1, help="before the read-out")
    variational: bool = option(
        False, help="one mask for all steps (Gal & Ghahramani, 2016), save between the layers of sequential wirings"
    )

    def over_time(self, rate: float) -> Dropout:
        """Dropout for a (batch, time, dim) signal."""
        return Dropout(rate, shared=1 if self.variational else None)


@dataclass(frozen=True)
class DecoderConfig:
    """The decoder's shape."""

    wiring: Literal["parallel", "input_feeding", "show_and_tell", "show_attend_tell", "top_down"] = option(
        "parallel", help="see s2s/models/recurrent_decoder.py, s2s/models/sequential.py and s2s/models/wirings.py"
    )
    cell: Literal["lstm", "gru", "rnn"] = option("lstm")
    embedding_dim: int = option(256, low=1, high=MAX_UNITS)
    dim: int = option(512, low=1, high=MAX_UNITS, help="units of a recurrent layer")
    layers: int = option(
        1, low=1, high=MAX_LAYERS, help="recurrent layers above the attention (parallel, top_down), or in all"
    )
    attention: Literal["additive", "dot", "scaled_dot", "general"] = option("additive")
    attention_dim: int = option(256, low=1, high=MAX_UNITS, help="of additive attention")
    tie_output: bool = option(True, help="read-out and embeddings share their weights (Press & Wolf, 2017)")
    dropout: DropoutRates = DropoutRates()


@dataclass(frozen=True)
class DecoderState:
    """What the decoder knows between two steps.

    Attributes:
        sentences: how many there are, each with as many rows as any other, side by side.
        keys, values, mask: of the grid, one row a sentence, as attention wants them; None where there is none.
        layers: of each recurrent layer its states, each (rows, dim): one row a hypothesis.
        fixed: of the sentence's part of the first layer's gates, which is the same at every step, one row a sentence.
        feed: (rows, dim), the last attentional vector, for wirings that feed it back.
    """

    sentences: int
    layers: tuple[States, ...]
    keys: Tensor | None = None
    values: Tensor | None = None
    mask: Tensor | None = None
    fixed: Tensor | None = None
    feed: Tensor | None = None

    def _with_sentences(self, change: Callable[[Tensor], Tensor]) -> DecoderState:
        still = {"keys": self.keys, "values": self.values, "mask": self.mask, "fixed": self.fixed}
        return replace(self, **{name: None if tensor is None else change(tensor) for name, tensor in still.items()})

    def _move(self, change: Callable[[Tensor], Tensor]) -> DecoderState:
        layers = tuple(tuple(map(change, states)) for states in self.layers)
        return replace(self, layers=layers, feed=None if self.feed is None else change(self.feed))

    def reorder(self, parents: Tensor) -> DecoderState:
        """Row i becomes a copy of row parents[i]; any number of rows. The sentences' tensors stay."""
        return self._move(lambda tensor: tensor.index_select(0, parents))

    def repeat(self, times: int) -> DecoderState:
        """Every row `times` times, side by side."""
        if times == 1:
            return self
        rows = torch.arange(len(self.layers[0][0]), device=self.layers[0][0].device)
        return self.reorder(rows.repeat_interleave(times))

    def keep(self, sentences: Tensor) -> DecoderState:
        """Only the given sentences, with all their rows."""
        width = len(self.layers[0][0]) // self.sentences
        rows = (sentences.unsqueeze(1) * width + torch.arange(width, device=sentences.device)).flatten()
        kept = self.reorder(rows)._with_sentences(lambda tensor: tensor.index_select(0, sentences))
        return replace(kept, sentences=len(sentences))

    def detach(self) -> DecoderState:
        """The same state with no past: truncated back-propagation through time.

        The memory is of the past too: from here on no gradient reaches the encoder.
        """
        return self._move(Tensor.detach)._with_sentences(Tensor.detach)


@dataclass(frozen=True)
class Step:
    """One step's answer: log-probabilities (rows, vocabulary) in float32, attention (rows, positions) or None."""

    log_probabilities: Tensor
    state: DecoderState
    attention: Tensor | None = None
    extra: Any = None


@dataclass(frozen=True)
class Output:
    """All steps' answers: features (batch, time, dim) for `readout`, attention (batch, time, positions) or None."""

    features: Tensor
    attention: Tensor | None
    state: DecoderState
    extra: Any = None


class Decoder(nn.Module):
    """What all wirings share: embeddings, the initial state, attention, deep output and read-out.

    Args:
        config: the shape.
        vocabulary: how many tokens there are.
        memory_dim: of the grid's vectors; None for a language model, which has no memory.
        summary_dim: of the memory's summary; None where there is none, and h_0 is zero.
    """

    def __init__(
        self, config: DecoderConfig, vocabulary: int, memory_dim: int | None, summary_dim: int | None = None
    ) -> None:
        super().__init__()
        self.dim, self.memory_dim = config.dim, memory_dim
        rates = config.dropout
        self.embedding = nn.Embedding(vocabulary, config.embedding_dim, padding_idx=PAD)
        nn.init.normal_(self.embedding.weight, std=config.embedding_dim**-0.5)
        self.drop_word = Dropout(rates.word, shared=-1)
        self.drop_embedding = rates.over_time(rates.embedding)
        self.drop_hidden = rates.over_time(rates.hidden)
        self.drop_context = rates.over_time(rates.context)
        self.drop_output = rates.over_time(rates.output)
        self.layers = recurrent_layers(config.cell, self.layer_inputs(config, memory_dim or 0), config.dim)
        self.bridge = None if summary_dim is None else nn.Linear(summary_dim, config.dim * len(self.layers))
        kind = ATTENTIONS[config.attention]
        self.attention = None if memory_dim is None else kind(config.dim, memory_dim, config.attention_dim)
        self.deep_output = nn.Linear(self.output_inputs(config, memory_dim or 0), config.embedding_dim)
        self.projection = nn.Linear(config.embedding_dim, vocabulary)
        nn.init.zeros_(self.projection.bias)
        if config.tie_output:
            self.projection.weight = self.embedding.weight

    @staticmethod
    def layer_inputs(config: DecoderConfig, memory_dim: int) -> list[int]:
        """The input width of every recurrent layer, from the bottom."""
        raise NotImplementedError

    @staticmethod
    def output_inputs(config: DecoderConfig, memory_dim: int) -> int:
        """The width of what deep output reads: the context, the state and the word just read."""
        return memory_dim + config.dim + config.embedding_dim

    def step(self, tokens: Tensor, state: DecoderState) -> Step:
        """Read one token a row: tokens (rows,) -> the next token's log-probabilities."""
        raise NotImplementedError

    def forward(self, tokens: Tensor, state: DecoderState) -> Output:
        """Teacher forcing: read tokens (batch, time), START first, all at once."""
        raise NotImplementedError

    def scheduled(self, tokens: Tensor, state: DecoderState, own: float) -> Output:
        """Scheduled sampling, for sequential wirings: see `SequentialDecoder.scheduled`; else a `UserError`."""
        raise UserError(
            f"{type(self).__name__} reads all words at once, so scheduled sampling cannot feed its own ones back: "
            "choose a wiring among input_feeding, show_and_tell, show_attend_tell and top_down, or leave it out"
        )

    def start(self, memory: Memory | None, *, rows: int | None = None) -> DecoderState:
        """The state before START. The memory's keys are projected here, once.

        h_0 = tanh(W summary) in every layer, with the grid's mean for a summary as in Nematus (Sennrich et al., 2017;
        Bahdanau et al., 2015, A.2.2, take the first backward state). The LSTM's cell starts from zero.
        Without a memory all start from zero, and `rows` says how many sentences there are.
        """
        if memory is None:
            assert rows is not None, "without a memory the decoder must be told the number of rows"
            zeros = self.embedding.weight.new_zeros(rows, 1)
            return DecoderState(rows, tuple(layer.initial(zeros) for layer in self.layers))
        states = [layer.initial(memory.grid) for layer in self.layers]
        if self.bridge is not None and memory.summary is not None:
            starts = self.bridge(memory.summary).to(states[0][0].dtype).tanh().chunk(len(self.layers), -1)
            states = [(start, *rest) for start, (_, *rest) in zip(starts, states)]
        state = DecoderState(len(memory.grid), tuple(states))
        if self.attention is None:
            return state
        grid = self.drop_context(memory.grid)
        keys = self.attention.keys(grid)
        return replace(state, keys=keys, values=grid.to(keys.dtype), mask=memory.mask)

    def embed(self, tokens: Tensor) -> Tensor:
        """(..., time) -> (..., time, embedding_dim)."""
        return self.drop_embedding(self.drop_word(self.embedding(tokens)))

    def look(self, queries: Tensor, state: DecoderState) -> tuple[Tensor, Tensor]:
        """Attend from (rows, time, dim), or one step's (rows, dim); shapes as they came.

        The rows of a sentence lie side by side and look at one grid, which is never copied.
        """
        assert self.attention is not None
        assert state.keys is not None
        assert state.values is not None
        by_sentence = queries.reshape(state.sentences, -1, queries.shape[-1])
        context, weights = self.attention(by_sentence, state.keys, state.values, state.mask)
        return context.view(*queries.shape[:-1], -1), weights.view(*queries.shape[:-1], -1)

    def readout(self, features: Tensor) -> Tensor:
        """(..., dim) -> logits (..., vocabulary)."""
        return self.projection(features)

    def _embed_step(self, tokens: Tensor) -> Tensor:
        """(rows,) -> (rows, embedding_dim)."""
        return self.embed(tokens.unsqueeze(1)).squeeze(1)

    def _features(self, context: Tensor | None, hidden: Tensor, embedded: Tensor) -> Tensor:
        """Deep output (Pascanu et al., 2014): the context, the state and the word just read, through a tanh."""
        parts = (hidden, embedded) if context is None else (context, hidden, embedded)
        return tanh(self.deep_output(torch.cat([part.to(parts[0].dtype) for part in parts], -1)))

    def _step(self, features: Tensor, state: DecoderState, attention: Tensor | None) -> Step:
        logits = self.readout(self.drop_output.step(features))
        return Step(logits.float().log_softmax(-1), state, attention)


class ParallelDecoder(Decoder):
    """A lower layer reads the words, attention looks for all steps at once, upper layers read [lower; context].

    Nothing of what attention finds enters the lower layer, so that under teacher forcing only the cells loop over
    time: the conditional GRU of Sennrich et al. (2017) without its feedback; the top-down LSTM pair of Anderson et al.
    (2018) turned around.
    """

    @staticmethod
    def layer_inputs(config: DecoderConfig, memory_dim: int) -> list[int]:
        """The lower layer reads embeddings, the first upper one [lower; context]."""
        return [config.embedding_dim, config.dim + memory_dim] + [config.dim] * (config.layers - 1)

    def step(self, tokens: Tensor, state: DecoderState) -> Step:
        """See `Decoder.step`."""
        embedded = self._embed_step(tokens)
        states = [self.layers[0].step(embedded, state.layers[0])]
        signal, context, weights = states[0][0], None, None
        if self.attention is not None:
            context, weights = self.look(signal, state)
            signal = torch.cat([signal.to(context.dtype), context], -1)
        for i in range(1, len(self.layers)):
            states.append(self.layers[i].step(self.drop_hidden.step(signal), state.layers[i]))
            signal = states[i][0]
        features = self._features(context, signal, embedded)
        return self._step(features, replace(state, layers=tuple(states)), weights)

    def forward(self, tokens: Tensor, state: DecoderState) -> Output:
        """See `Decoder.forward`."""
        embedded = self.embed(tokens)  # (batch, time, embedding_dim)
        states = [self.layers[0](embedded.transpose(0, 1), state.layers[0])]
        signal, context, weights = states[0][0].transpose(0, 1), None, None  # (batch, time, dim)
        if self.attention is not None:
            context, weights = self.look(signal, state)
            signal = torch.cat([signal, context], -1)
        for i in range(1, len(self.layers)):
            states.append(self.layers[i](self.drop_hidden(signal).transpose(0, 1), state.layers[i]))
            signal = states[i][0].transpose(0, 1)
        features = self._features(context, signal, embedded)
        return Output(self.drop_output(features), weights, replace(state, layers=_last(states, state.layers)))


def _last(states: Sequence[States], initial: Sequence[States]) -> tuple[States, ...]:
    """The last of all steps' states, in the precision of the initial ones."""
    return tuple(
        tuple(steps[-1].to(start.dtype) for steps, start in zip(layer, starts))
        for layer, starts in zip(states, initial)
    )

"""The recurrent language model: a decoder without a memory, which reads a text and predicts its next token.

    e_t = E x_t,   h_t = layers(e_t, h_{t-1}),   p_t = softmax(W h_t + b)

It is the model of Merity et al. (2018), "Regularizing and optimizing LSTM language models": the recurrent weights are
dropped, all other masks of dropout hold for all steps of a chunk, and W may be the matrix of the embeddings. Under
teacher forcing only the cells loop over time; the softmax is computed once, over all steps and rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor, nn

from s2s.models.contracts import DecoderStep, Output
from s2s.models.decoder import Decoder
from s2s.models.language_configuration import RecurrentLanguageModelConfig
from s2s.models.memory import Memory
from s2s.models.recurrent_decoder import RecurrentState
from s2s.nn.cells import CellStates
from s2s.nn.dropout import Dropout
from s2s.nn.recurrent import RecurrentLayer
from s2s.nn.sampled_softmax import Sample, sampled_logits
from s2s.text.tokens import PAD

_TIME = 0  # the dimension along which a mask of dropout is shared: (time, rows, dim)


class RecurrentLanguageModel(Decoder):
    """See the module's docstring.

    Args:
        config: its shape
        vocabulary: how many tokens there are
    """

    def __init__(self, config: RecurrentLanguageModelConfig, vocabulary: int) -> None:
        super().__init__()
        rates = config.dropout
        self.embedding = nn.Embedding(vocabulary, config.embedding_dim, padding_idx=PAD)
        nn.init.normal_(self.embedding.weight, std=config.embedding_dim**-0.5)
        self.drop_word = Dropout(rates.word, shared=-1)
        self.drop_embedding = Dropout(rates.embedding, shared=_TIME)
        self.drop_hidden = Dropout(rates.hidden, shared=_TIME)
        self.drop_output = Dropout(rates.output, shared=_TIME)
        inputs = (config.embedding_dim, *config.widths)
        self.layers: Sequence[RecurrentLayer] = nn.ModuleList(  # type: ignore[assignment]
            RecurrentLayer(config.cell, width, dim, weight_dropout=rates.weight)
            for width, dim in zip(inputs, config.widths)
        )
        self.projection = nn.Linear(config.widths[-1], vocabulary)
        nn.init.zeros_(self.projection.bias)
        if config.tie_embeddings:
            self.projection.weight = self.embedding.weight

    def start(self, memory: Memory | None, *, sentences: int | None = None) -> RecurrentState:
        """See `Decoder.start`: zeros, for so many texts."""
        if memory is not None or sentences is None:
            raise TypeError("a language model starts without a memory, and needs the number of texts")
        like = self.embedding.weight.new_zeros(sentences, 1)
        return RecurrentState(sentences, tuple(layer.initial(like) for layer in self.layers))

    def step(self, tokens: Tensor, state: RecurrentState) -> DecoderStep:
        """See `Decoder.step`; without dropout."""
        signal, layers = self.embedding(tokens), list[CellStates]()
        for layer, before in zip(self.layers, state.layers):
            layers.append(layer.step(signal, before))
            signal = layers[-1][0]
        log_probabilities = self.readout(signal).float().log_softmax(-1)
        return DecoderStep(log_probabilities, replace(state, layers=tuple(layers)))

    def forward(self, tokens: Tensor, state: RecurrentState) -> Output:
        """See `Decoder.forward`."""
        signal = self.drop_embedding(self.drop_word(self.embedding(tokens.t())))  # (time, rows, embedding_dim)
        last = list[CellStates]()
        for i, (layer, before) in enumerate(zip(self.layers, state.layers)):
            signal, after = layer.read(self.drop_hidden(signal) if i else signal, before)
            last.append(after)
        return Output(self.drop_output(signal).transpose(0, 1), None, replace(state, layers=tuple(last)))

    def trace(self, tokens: Tensor, state: RecurrentState) -> tuple[list[CellStates], RecurrentState]:
        """Read tokens (rows, time) with all layers, without dropout, to look at their states.

        Returns:
            all states of all steps of each layer, each (time, rows, dim); and the state after the last step
        """
        signal, layers = self.embedding(tokens.t()), list[CellStates]()
        for layer, before in zip(self.layers, state.layers):
            layers.append(layer(signal, before))
            signal = layers[-1][0]
        return layers, replace(state, layers=tuple(tuple(steps[-1] for steps in states) for states in layers))

    def readout(self, features: Tensor) -> Tensor:
        """See `Decoder.readout`."""
        return self.projection(features)


@dataclass(frozen=True)
class Candidates:
    """The tokens whose scores a sampled softmax needs.

    Attributes:
        targets: (rows, time), the token after each
        sample: of the vocabulary
    """

    targets: Tensor
    sample: Sample


@dataclass(frozen=True)
class Continuation:
    """What a language model predicts after each token of a chunk.

    Attributes:
        logits: (time * rows, vocabulary), time by time; with candidates (time * rows, sampled + 1), the targets last
        state: after the last token; it carries gradients until `detach`
    """

    logits: Tensor
    state: RecurrentState


class ChunkPredictor(nn.Module):
    """The module that training calls: a chunk of each stream and the state before it -> logits and the state after it.

    Args:
        decoder: the language model; its parameters are the only ones
    """

    def __init__(self, decoder: RecurrentLanguageModel) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, tokens: Tensor, state: RecurrentState, candidates: Candidates | None = None) -> Continuation:
        """Read tokens (rows, time) and return the logits of the candidates, or of the whole vocabulary if None."""
        output = self.decoder(tokens, state)
        features = output.features.transpose(0, 1).flatten(0, 1)  # a view: the layers' own order is time by time
        if candidates is None:
            return Continuation(self.decoder.readout(features), output.state)
        layer, targets = self.decoder.projection, candidates.targets.t().flatten()
        logits = sampled_logits(features, targets, candidates.sample, layer.weight, layer.bias)
        return Continuation(logits, output.state)

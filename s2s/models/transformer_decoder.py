"""The Transformer decoder: self-attention over the words written so far, and attention over the grid.

Its state is the keys and values of these words in each layer, so that a step computes one word. Teacher forcing is the
same computation over all words at once: a step is `forward` of one word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from s2s.models.configuration import TransformerDecoderConfig
from s2s.models.contracts import DecoderStep, Output
from s2s.models.decoder import Decoder, check_sampling_probability
from s2s.models.memory import Memory
from s2s.models.transformer_encoder import layer_shape
from s2s.nn.dropout import Dropout
from s2s.nn.multi_head import KeysValues, MultiHeadAttention
from s2s.nn.positions import build_positions
from s2s.nn.transformer_layers import DecoderLayer, causal_mask, last_norm
from s2s.text.tokens import PAD


@dataclass(frozen=True)
class TransformerState:
    """The `State` of a Transformer decoder (see s2s/models/contracts.py): its cache of keys and values.

    Attributes:
        sentences: how many there are, each with as many rows as any other, side by side
        rows: how many hypotheses there are, of all sentences together
        past: of each layer the keys and values of the words so far, one row a hypothesis; empty before the first word
        memory: of each layer the keys and values of the grid, one row a sentence; empty where there is no grid
        mask: (sentences, positions), True at real positions of the grid; None where all are or there is none
    """

    sentences: int
    rows: int
    past: tuple[KeysValues, ...] = ()
    memory: tuple[KeysValues, ...] = ()
    mask: Tensor | None = None

    @property
    def length(self) -> int:
        """How many words were read."""
        return self.past[0].keys.shape[2] if self.past else 0

    def reorder(self, parents: Tensor) -> TransformerState:
        """See `State`. The tensors of sentences stay as they are."""
        past = _changed(self.past, lambda tensor: tensor.index_select(0, parents))
        return replace(self, rows=len(parents), past=past)

    def repeat(self, times: int) -> TransformerState:
        """See `State`."""
        if times == 1:
            return self
        past = _changed(self.past, lambda tensor: tensor.repeat_interleave(times, 0))
        return replace(self, rows=self.rows * times, past=past)

    def keep(self, sentences: Tensor) -> TransformerState:
        """See `State`."""
        each = self.rows // self.sentences
        rows = (sentences.unsqueeze(1) * each + torch.arange(each, device=sentences.device)).flatten()
        memory = _changed(self.memory, lambda tensor: tensor.index_select(0, sentences))
        mask = None if self.mask is None else self.mask.index_select(0, sentences)
        return replace(self.reorder(rows), sentences=len(sentences), memory=memory, mask=mask)

    def detach(self) -> TransformerState:
        """See `State`. The memory is a part of the history too: no gradient reaches the encoder any more."""
        return replace(self, past=_changed(self.past, Tensor.detach), memory=_changed(self.memory, Tensor.detach))


def _changed(layers: tuple[KeysValues, ...], change: Callable[[Tensor], Tensor]) -> tuple[KeysValues, ...]:
    return tuple(KeysValues(*map(change, layer)) for layer in layers)


class TransformerDecoder(Decoder):
    """Embeddings with positions, layers of attention, and the read-out (Vaswani et al., 2017).

    x_0 = dropout(sqrt(dim) E w + PE),   x_l = layer_l(x_{l-1}, grid),   p_t = softmax(W norm(x_n) + b)

    The attention that it reports, by which unknown words are copied, is the mean over the heads of the middle layer (of
    an even number, the lower one). In the Multi30k recipe's model, after 16 epochs, the likeliest position held the
    same token, where source and target share one, in 7, 53, 24 and 22 % of 423 cases, by layer from the bottom.

    Args:
        config: the shape
        vocabulary: how many tokens there are
        memory_dim: width of the grid's vectors; None without a memory, as in a language model
        summary_dim: not used: the words look at the grid itself
    """

    def __init__(
        self,
        config: TransformerDecoderConfig,
        vocabulary: int,
        memory_dim: int | None,
        summary_dim: int | None = None,
    ) -> None:
        super().__init__()
        rates, shape, self.memory_dim = config.dropout, layer_shape(config, config.dropout), memory_dim
        self.embedding = nn.Embedding(vocabulary, config.dim, padding_idx=PAD)
        nn.init.normal_(self.embedding.weight, std=config.dim**-0.5)
        self.scale, self.looking_layer = config.dim**0.5, (config.layers - 1) // 2
        self.positions = build_positions(config.positions, config.dim)
        self.drop_word = Dropout(rates.word, shared=-1)
        self.drop_embedding = Dropout(rates.embedding)
        self.drop_context = Dropout(rates.context)
        self.layers = nn.ModuleList(DecoderLayer(shape, memory_dim) for _ in range(config.layers))
        self.norm = last_norm(shape)
        self.projection = nn.Linear(config.dim, vocabulary)
        nn.init.zeros_(self.projection.bias)
        if config.tie_output:
            self.projection.weight = self.embedding.weight
        else:
            nn.init.normal_(self.projection.weight, std=config.dim**-0.5)

    def start(self, memory: Memory | None, *, sentences: int | None = None) -> TransformerState:
        """See `Decoder.start`. The memory's keys and values are projected here, once."""
        if memory is None:
            if sentences is None:
                raise TypeError("without a memory, start needs the number of sentences")
            return TransformerState(sentences, sentences)
        count, grid = len(memory.grid), self.drop_context(memory.grid)
        projected = tuple(look.project(grid) for look in self.memory_attentions)
        return TransformerState(count, count, memory=projected, mask=memory.mask if projected else None)

    @property
    def memory_attentions(self) -> list[MultiHeadAttention]:
        """The attentions over the grid, from the lowest layer; none without a memory."""
        layers: Iterable[DecoderLayer] = self.layers  # type: ignore[assignment]
        return [layer.memory_attention for layer in layers if layer.memory_attention is not None]

    def step(self, tokens: Tensor, state: TransformerState) -> DecoderStep:
        """See `Decoder.step`."""
        output = self(tokens.unsqueeze(1), state)
        log_probabilities = self.readout(output.features.squeeze(1)).float().log_softmax(-1)
        looks = None if output.attention is None else output.attention.squeeze(1)
        return DecoderStep(log_probabilities, output.state, looks)

    def forward(self, tokens: Tensor, state: TransformerState) -> Output:
        """See `Decoder.forward`."""
        words = self.drop_word(self.embedding(tokens)) * self.scale
        signal = self.drop_embedding(words + self.positions(state.length, words.shape[1], words))  # (rows, time, dim)
        causal = causal_mask(state.length, words.shape[1], words.device)
        mask = None if state.mask is None else state.mask[:, None, None, :]
        past, attention = list[KeysValues](), None
        for number, layer in enumerate(self.layers):
            before = state.past[number] if state.past else None
            memory = state.memory[number] if state.memory else None
            looking = number == self.looking_layer
            signal, own, weights = layer(signal, before, memory, causal, mask, looking=looking)
            attention = weights if looking else attention
            past.append(own)
        return Output(self.norm(signal), attention, replace(state, past=tuple(past)))

    def readout(self, features: Tensor) -> Tensor:
        """See `Decoder.readout`."""
        return self.projection(features)

    def scheduled(self, tokens: Tensor, state: TransformerState, sampling_probability: float) -> Output:
        """Scheduled sampling in two passes (Mihaylova & Martins, 2019): some of the words that are read are its own.

        The first pass reads the given words. Every word after START is then replaced, with the given probability, by
        one drawn from what the first pass gives at the step before, and the second pass reads the result. So a drawn
        word follows given words, not drawn ones, which is where this differs from the sampling of recurrent decoders.

        See `Decoder.scheduled`; random numbers come from torch's global generator, and no gradient flows through the
        first pass.
        """
        check_sampling_probability(sampling_probability)
        replaced = (torch.rand(tokens.shape, device=tokens.device) < sampling_probability) & (tokens != PAD)
        replaced[:, 0] = False
        # Not under no_grad: autocast would keep weights cast without a gradient for the second pass.
        features = self(tokens, state).features.detach()[:, :-1][replaced[:, 1:]]
        drawn = self.readout(features).detach().float().softmax(-1).multinomial(1).squeeze(1) if len(features) else PAD
        read = tokens.index_put((replaced,), torch.as_tensor(drawn, device=tokens.device))
        return replace(self(read, state), tokens=read)

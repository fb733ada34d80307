"""The arithmetic that a model cannot do without: its matrix products, and the weights that decoding reads.

Each product stands at its own shape. Weights' gradients are formed in one product over all steps of time, as they may
be; nothing is spent on padding. Element-wise work (the cube of additive attention, gates, softmax, the optimiser) is
not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from s2s.models.configuration import ParallelConfig, RecurrentDecoderConfig, RecurrentEncoderConfig
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.recurrent_decoder import RecurrentDecoder
from s2s.nn.cells import CELLS
from s2s.nn.configuration import AdditiveConfig, CellConfig, GeneralConfig
from s2s.nn.recurrent import RecurrentLayer
from translation.configuration import TranslationConfig


@dataclass(frozen=True)
class Product:
    """`times` products, of `batch` pairs each, of (rows, inner) and (inner, columns)."""

    rows: int
    inner: int
    columns: int
    batch: int = 1
    times: int = 1

    @property
    def operations(self) -> int:
        """Multiplications and additions of all of them."""
        return 2 * self.rows * self.inner * self.columns * self.batch * self.times


@dataclass(frozen=True)
class Sizes:
    """Of a batch: sentences, and tokens of a source and a target, END counted."""

    sentences: int
    source: int
    target: int


def training(config: TranslationConfig, vocabulary: int, batch: Sizes) -> Iterator[Product]:
    """All products of a step, forward and backward, of a recurrent model."""
    encoder, decoder = config.encoder, config.decoder
    assert isinstance(encoder, RecurrentEncoderConfig)
    assert isinstance(decoder, RecurrentDecoderConfig)
    directions = 2 if encoder.bidirectional else 1
    memory = encoder.dim * directions
    for layer in range(encoder.layers):
        below = memory if layer else decoder.embedding_dim
        for _ in range(directions):
            yield from _recurrent(encoder.cell, encoder.dim, below, batch.sentences, batch.source)
    upper = decoder.layers if isinstance(decoder, ParallelConfig) else decoder.layers - 1
    yield from _linear(batch.sentences, memory, decoder.dim * (upper + 1))  # the bridge
    if isinstance(decoder.attention, GeneralConfig | AdditiveConfig):
        keys = decoder.dim if isinstance(decoder.attention, GeneralConfig) else decoder.attention.dim
        yield from _linear(batch.sentences * batch.source, memory, keys)
    yield from (_parallel if isinstance(decoder, ParallelConfig) else _input_feeding)(decoder, memory, batch)
    yield from _linear(batch.sentences * batch.target, decoder.embedding_dim, vocabulary)  # the read-out


def weights_read(network: EncoderDecoder, source: int, target: int) -> int:
    """How many weights are read to translate one sentence greedily, at batch 1, where nothing is shared.

    Each step of the decoder reads all that it multiplies with; the encoder's recurrent weights are read at each word,
    all else once. Of the embeddings only a row is read.
    """
    decoder, encoder = network.decoder, network.encoder
    assert isinstance(decoder, RecurrentDecoder)
    assert encoder is not None
    attention = decoder.attention
    once = _count(decoder.bridge) + _count(getattr(attention, "key", None))
    step = _count(decoder.layers, attention, decoder.deep_output, decoder.projection)
    step -= _count(getattr(attention, "key", None))
    layers = [module for module in encoder.modules() if isinstance(module, RecurrentLayer)]
    word = sum(layer.weight_hidden.numel() for layer in layers)
    return once + sum(layer.weight_input.numel() for layer in layers) + word * source + step * target


def _count(*modules: object) -> int:
    return sum(weight.numel() for module in modules if isinstance(module, nn.Module) for weight in module.parameters())


def _parallel(decoder: RecurrentDecoderConfig, memory: int, batch: Sizes) -> Iterator[Product]:
    rows, width, dim = batch.sentences * batch.target, decoder.embedding_dim, decoder.dim
    yield from _recurrent(decoder.cell, dim, width, batch.sentences, batch.target)
    yield from _attention(decoder, memory, batch, together=batch.target)
    yield from _recurrent(decoder.cell, dim, dim + memory, batch.sentences, batch.target)
    for _ in range(decoder.layers - 1):
        yield from _recurrent(decoder.cell, dim, dim, batch.sentences, batch.target)
    yield from _linear(rows, memory + dim + width, width)  # deep output


def _input_feeding(decoder: RecurrentDecoderConfig, memory: int, batch: Sizes) -> Iterator[Product]:
    """What the attentional vector enters, or comes from, is done step by step."""
    width, dim = decoder.embedding_dim, decoder.dim
    yield from _recurrent(decoder.cell, dim, width, batch.sentences, batch.target)
    yield from _linear(batch.sentences, width, CELLS[type(decoder.cell)].gates * dim, steps=batch.target)  # what is fed
    for _ in range(decoder.layers - 1):
        yield from _linear(batch.sentences, dim, CELLS[type(decoder.cell)].gates * dim, steps=batch.target)
        yield from _linear(batch.sentences, dim, CELLS[type(decoder.cell)].gates * dim, steps=batch.target)
    yield from _attention(decoder, memory, batch, together=1)
    yield from _linear(batch.sentences, memory + dim + width, width, steps=batch.target)  # deep output


def _attention(decoder: RecurrentDecoderConfig, memory: int, batch: Sizes, *, together: int) -> Iterator[Product]:
    """So many queries of a sentence at a time; what does not depend on a query is counted elsewhere."""
    steps = batch.target // together
    if isinstance(decoder.attention, AdditiveConfig):
        yield from _linear(batch.sentences * together, decoder.dim, decoder.attention.dim, steps=steps)
    else:
        yield from _matched(together, decoder.dim, batch.source, batch=batch.sentences, steps=steps)
    yield from _matched(together, batch.source, memory, batch=batch.sentences, steps=steps)


def _recurrent(cell: CellConfig, dim: int, width: int, sentences: int, steps: int) -> Iterator[Product]:
    """The inputs' part of the gates for all steps at once, the state's step by step."""
    yield from _linear(sentences * steps, width, CELLS[type(cell)].gates * dim)
    yield from _linear(sentences, dim, CELLS[type(cell)].gates * dim, steps=steps)


def _linear(rows: int, inner: int, columns: int, *, steps: int = 1) -> Iterator[Product]:
    """A weight applied at so many steps, one after the other: forward, to the inputs' gradient, to its own."""
    yield Product(rows, inner, columns, times=steps)
    yield Product(rows, columns, inner, times=steps)
    yield Product(columns, rows * steps, inner)


def _matched(rows: int, inner: int, columns: int, *, batch: int, steps: int = 1) -> Iterator[Product]:
    """Two signals multiplied sentence by sentence: forward, and to the gradients of both."""
    yield Product(rows, inner, columns, batch, steps)
    yield Product(rows, columns, inner, batch, steps)
    yield Product(inner, rows, columns, batch, steps)

"""The counted arithmetic against what a model really computes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from model_fixtures import as_kind, attention_of, logits_of
from torch.utils.flop_counter import FlopCounterMode
from translation_fixtures import SHAPE

from s2s.models.configuration import ParallelConfig, RecurrentEncoderConfig
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.nn.configuration import AdditiveConfig
from s2s.text.padding import Padded
from tests.benchmarks.products import Product, Sizes, training, weights_read
from translation.configuration import TranslationConfig
from translation.model import build_network

WORDS, BATCH = 90, Sizes(sentences=3, source=5, target=20)


def shape(kind: str = "parallel", **changes: object) -> TranslationConfig:
    decoder = ParallelConfig(embedding_dim=24, dim=32, attention=AdditiveConfig(20), tie_output=False)
    return replace(SHAPE, encoder=RecurrentEncoderConfig(dim=16), decoder=as_kind(replace(decoder, **changes), kind))  # type: ignore[arg-type]


def counted(network: EncoderDecoder) -> int:
    """Of a step on full sentences."""
    source = torch.randint(4, WORDS, (BATCH.sentences, BATCH.source))
    target = torch.randint(4, WORDS, (BATCH.sentences, BATCH.target))
    lengths = torch.full((BATCH.sentences,), BATCH.source)
    with FlopCounterMode(display=False) as counter:
        logits_of(network, Padded(source, lengths), target).sum().backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("wiring", ["parallel", "input_feeding"])
@pytest.mark.parametrize("attention", ["general", "additive", "dot"])
@pytest.mark.parametrize("layers", [1, 2])
def test_products_are_those_of_a_training_step(wiring: str, attention: str, layers: int) -> None:
    config = shape(wiring, attention=attention_of(attention, 20), layers=layers)
    expected = sum(product.operations for product in training(config, WORDS, BATCH))
    # The first step has no gradient for what is fed to it; the last states go nowhere.
    assert counted(build_network(config, WORDS, WORDS)) == pytest.approx(expected, rel=0.02)


def test_a_product_multiplies_and_adds() -> None:
    assert Product(2, 3, 5, batch=7, times=11).operations == 2 * 2 * 3 * 5 * 7 * 11


def test_weights_are_read_once_a_step_and_embeddings_not_at_all() -> None:
    network = build_network(shape(), WORDS, WORDS)
    decoder = network.decoder
    one, two = (weights_read(network, source=1, target=steps) for steps in (1, 2))
    unread = sum(part.numel() for part in decoder.embedding.parameters())
    once = [*decoder.bridge.parameters(), *decoder.attention.key.parameters()]  # type: ignore[union-attr]
    step = sum(part.numel() for part in decoder.parameters()) - unread - sum(part.numel() for part in once)
    assert two - one == step

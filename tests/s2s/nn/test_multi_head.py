"""Multi-head attention and the layers of a Transformer: PyTorch's own layers, masks, positions, dropout."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from s2s.nn.configuration import LearnedConfig, NormKind, SinusoidalConfig
from s2s.nn.multi_head import KeysValues, MultiHeadAttention, head_weights
from s2s.nn.positions import build_positions
from s2s.nn.transformer_layers import DecoderLayer, EncoderLayer, LayerShape, causal_mask

BATCH, TIME, POSITIONS, DIM, MEMORY = 3, 4, 5, 8, 6
SHAPE = LayerShape(DIM, heads=2, feedforward_dim=12, norm="pre")
MASK = torch.arange(POSITIONS) < torch.tensor([[5], [2], [4]])
ALLOWED = MASK[:, None, None, :]
each_norm = pytest.mark.parametrize("norm", ["pre", "post"])


def randomise(module: nn.Module) -> None:
    torch.manual_seed(1)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.4)


def copy_attention(own: MultiHeadAttention, other: nn.MultiheadAttention) -> None:
    """Our weights into PyTorch's attention."""
    with torch.no_grad():
        if other.in_proj_weight is not None:
            other.in_proj_weight.copy_(torch.cat([own.query.weight, own.key_value.weight]))
        else:
            keys, values = own.key_value.weight.chunk(2)
            other.q_proj_weight.copy_(own.query.weight)
            other.k_proj_weight.copy_(keys)
            other.v_proj_weight.copy_(values)
        other.in_proj_bias.copy_(torch.cat([own.query.bias, own.key_value.bias]))
        other.out_proj.load_state_dict(own.output.state_dict())


def copy_layer(own: EncoderLayer | DecoderLayer, other: nn.Module) -> None:
    """Our weights into one of PyTorch's layers."""
    norms: list[nn.LayerNorm] = [own.around_attention.norm, own.around_feed_forward.norm]
    copy_attention(own.attention, other.self_attn)  # type: ignore[arg-type]
    if isinstance(own, DecoderLayer):
        assert own.memory_attention is not None
        copy_attention(own.memory_attention, other.multihead_attn)  # type: ignore[arg-type]
        norms.insert(1, own.around_memory_attention.norm)
    for number, norm in enumerate(norms, 1):
        getattr(other, f"norm{number}").load_state_dict(norm.state_dict())
    for number, product in enumerate((own.feed_forward.inner, own.feed_forward.outer), 1):
        getattr(other, f"linear{number}").load_state_dict(product.state_dict())


# ------------------------------------------------------------------------------------------------- PyTorch's layers


@each_norm
def test_an_encoder_layer_is_pytorchs(norm: NormKind) -> None:
    own = EncoderLayer(replace(SHAPE, norm=norm))
    randomise(own)
    other = nn.TransformerEncoderLayer(DIM, 2, 12, 0.0, batch_first=True, norm_first=norm == "pre")
    copy_layer(own, other)
    inputs = torch.randn(BATCH, POSITIONS, DIM)
    found, expected = own(inputs, ALLOWED), other(inputs, src_key_padding_mask=~MASK)
    torch.testing.assert_close(found[MASK], expected[MASK], atol=1e-5, rtol=1e-5)


@each_norm
def test_a_decoder_layer_is_pytorchs(norm: NormKind) -> None:
    own = DecoderLayer(replace(SHAPE, norm=norm), DIM)
    randomise(own)
    other = nn.TransformerDecoderLayer(DIM, 2, 12, 0.0, batch_first=True, norm_first=norm == "pre")
    copy_layer(own, other)
    inputs, grid = torch.randn(BATCH, TIME, DIM), torch.randn(BATCH, POSITIONS, DIM)
    assert own.memory_attention is not None
    found, _, _ = own(inputs, None, own.memory_attention.project(grid), causal_mask(0, TIME, grid.device), ALLOWED)
    later = nn.Transformer.generate_square_subsequent_mask(TIME)
    expected = other(inputs, grid, tgt_mask=later, tgt_is_causal=True, memory_key_padding_mask=~MASK)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_attention_to_a_memory_of_another_width_is_pytorchs_with_its_weights() -> None:
    own, other = MultiHeadAttention(DIM, MEMORY, 2), nn.MultiheadAttention(DIM, 2, kdim=MEMORY, vdim=MEMORY)
    randomise(own)
    copy_attention(own, other)
    inputs, grid = torch.randn(BATCH, TIME, DIM), torch.randn(BATCH, POSITIONS, MEMORY)
    memory = own.project(grid)
    turned = inputs.transpose(0, 1), grid.transpose(0, 1), grid.transpose(0, 1)
    expected, weights = other(*turned, key_padding_mask=~MASK)
    torch.testing.assert_close(own(inputs, memory, ALLOWED), expected.transpose(0, 1), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(own.weights(inputs, memory, ALLOWED), weights, atol=1e-5, rtol=1e-5)


# ------------------------------------------------------------------------------------------------ masks and weights


def test_weights_sum_to_1_and_are_0_where_nothing_may_be_looked_at() -> None:
    queries, keys = torch.randn(BATCH, 2, TIME, 4), torch.randn(BATCH, 2, POSITIONS, 4)
    weights = head_weights(queries, keys, ALLOWED)
    torch.testing.assert_close(weights.sum(-1), torch.ones(BATCH, 2, TIME))
    assert weights.ne(0).equal(ALLOWED.expand_as(weights))
    assert head_weights(queries, keys, torch.zeros(1, dtype=torch.bool)).eq(0).all()


def test_rows_that_share_a_memory_are_what_each_is_alone() -> None:
    attention = MultiHeadAttention(DIM, MEMORY, 2)
    randomise(attention)
    inputs, memory = torch.randn(3 * BATCH, TIME, DIM), attention.project(torch.randn(BATCH, POSITIONS, MEMORY))
    copies = KeysValues(*(part.repeat_interleave(3, 0) for part in memory))
    alone = copies, ALLOWED.repeat_interleave(3, 0)
    torch.testing.assert_close(attention(inputs, memory, ALLOWED), attention(inputs, *alone))
    torch.testing.assert_close(attention.weights(inputs, memory, ALLOWED), attention.weights(inputs, *alone))


def test_no_word_looks_at_a_later_one() -> None:
    allowed = causal_mask(2, 3, torch.device("cpu"))
    assert allowed is not None
    assert allowed.int().tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]
    assert causal_mask(7, 1, torch.device("cpu")) is None


def test_gradients_in_bfloat16_point_where_those_of_float32_do() -> None:
    """On a CPU their attention is computed in float32."""
    layer = EncoderLayer(SHAPE)
    randomise(layer)
    inputs, upstream = torch.randn(BATCH, POSITIONS, DIM), torch.randn(BATCH, POSITIONS, DIM)

    def gradients() -> list[Tensor]:
        return list(torch.autograd.grad((layer(inputs, ALLOWED) * upstream)[MASK].sum(), list(layer.parameters())))

    exact = gradients()
    with torch.autocast("cpu", torch.bfloat16):
        rough = gradients()
    for found, expected in zip(rough, exact):
        assert found.dtype == torch.float32
        if expected.norm() > 1e-4:  # the keys' bias has none: it adds the same to all scores
            assert torch.cosine_similarity(found.flatten(), expected.flatten(), dim=0) > 0.98


@pytest.mark.parametrize("place", ["residual_dropout", "feedforward_dropout", "attention_dropout"])
def test_every_rate_drops_something_in_training_only(place: str) -> None:
    layer = EncoderLayer(LayerShape(DIM, 2, 12, "pre", **{place: 0.5}))
    inputs = torch.randn(BATCH, POSITIONS, DIM)
    assert not torch.equal(layer(inputs, ALLOWED), layer(inputs, ALLOWED))
    layer.eval()
    assert torch.equal(layer(inputs, ALLOWED), layer(inputs, ALLOWED))


# --------------------------------------------------------------------------------------------------------- positions


def test_sinusoidal_positions_are_the_papers() -> None:
    found = build_positions(SinusoidalConfig(), DIM)(0, 30, torch.zeros(1))
    for position in (0, 1, 7, 29):
        for i in range(DIM // 2):
            angle = position / 10_000 ** (2 * i / DIM)
            assert found[position, i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert found[position, DIM // 2 + i].item() == pytest.approx(math.cos(angle), abs=1e-6)


@pytest.mark.parametrize("config", [SinusoidalConfig(), LearnedConfig(10)])
def test_positions_go_on_where_they_stopped(config: SinusoidalConfig | LearnedConfig) -> None:
    positions, like = build_positions(config, DIM), torch.zeros(1)
    torch.testing.assert_close(torch.cat([positions(0, 3, like), positions(3, 4, like)]), positions(0, 7, like))


def test_positions_beyond_the_learned_ones_share_the_last() -> None:
    found = build_positions(LearnedConfig(3), DIM)(1, 4, torch.zeros(1))
    assert torch.equal(found[2], found[1])
    assert torch.equal(found[3], found[1])
    assert not torch.equal(found[0], found[1])

"""Attention: a distribution over real positions, the papers' formulas, and exact gradients."""

from __future__ import annotations

import pytest
import torch
from model_fixtures import attention_of
from torch import Tensor

from s2s.errors import UserError
from s2s.nn.attention import SOFT_ATTENTIONS, AdditiveAttention, Attention, GeneralAttention, ScaledDotAttention
from s2s.nn.attentions import build_attention

WIDTH, QUERIES = 6, 4
MASK = torch.tensor([[True] * 5, [True, True, False, False, False], [True, True, True, True, False]])
each_kind = pytest.mark.parametrize("kind", [config.kind for config in SOFT_ATTENTIONS])


def random_case(kind: str) -> tuple[Attention, Tensor, Tensor]:
    """An attention, queries (batch, queries, dim) and a grid (batch, positions, dim)."""
    torch.manual_seed(1)
    attention = build_attention(attention_of(kind, 8), WIDTH, WIDTH)
    queries, grid = torch.randn(len(MASK), QUERIES, WIDTH), torch.randn(*MASK.shape, WIDTH)
    return attention, queries.requires_grad_(), grid.requires_grad_()


def look(attention: Attention, queries: Tensor, grid: Tensor, mask: Tensor | None = MASK) -> tuple[Tensor, Tensor]:
    context, weights, *_ = attention(queries, attention.keys(grid), grid, mask)
    return context, weights


def textbook(attention: Attention, queries: Tensor, grid: Tensor) -> Tensor:
    """Weights (batch, queries, positions), the score written as in the paper."""
    if isinstance(attention, AdditiveAttention):
        scores = torch.tanh(attention.query(queries).unsqueeze(2) + attention.key(grid).unsqueeze(1)) @ attention.energy
    elif isinstance(attention, GeneralAttention):
        scores = torch.einsum("bqi,ij,bpj->bqp", queries, attention.key.weight, grid)
    else:
        scale = WIDTH**-0.5 if isinstance(attention, ScaledDotAttention) else 1.0
        scores = torch.einsum("bqd,bpd->bqp", queries, grid) * scale
    return scores.masked_fill(~MASK.unsqueeze(1), -1e9).softmax(-1)


@each_kind
@pytest.mark.parametrize("training", [True, False])
def test_weights_sum_to_1_and_are_0_on_padding(kind: str, training: bool) -> None:
    attention, queries, grid = random_case(kind)
    contexts, weights = look(attention.train(training), queries, grid)
    torch.testing.assert_close(weights.sum(-1), torch.ones(len(MASK), QUERIES))
    assert (weights > 0).equal(MASK.unsqueeze(1).expand_as(weights))
    torch.testing.assert_close(contexts, torch.einsum("bqp,bpd->bqd", weights, grid))


@each_kind
def test_without_a_mask_every_position_is_real(kind: str) -> None:
    attention, queries, grid = random_case(kind)
    _, weights = look(attention, queries, grid, None)
    assert weights.min() > 0
    torch.testing.assert_close(weights, look(attention, queries, grid, torch.ones_like(MASK))[1])


@each_kind
def test_padding_is_not_read(kind: str) -> None:
    attention, queries, grid = random_case(kind)
    contexts, _ = look(attention, queries, grid)
    (gradient,) = torch.autograd.grad(contexts.square().sum(), grid)
    assert gradient[MASK].abs().max() > 0
    assert gradient[~MASK].abs().max() == 0
    other = torch.where(MASK.unsqueeze(-1), grid, 1e3)
    assert torch.equal(look(attention, queries, other)[0], contexts)


@each_kind
def test_one_query_alone_sees_what_it_sees_among_others(kind: str) -> None:
    attention, queries, grid = random_case(kind)
    contexts, weights = look(attention, queries, grid)
    for i in range(QUERIES):
        context, weight = look(attention, queries[:, i : i + 1], grid)
        torch.testing.assert_close(context[:, 0], contexts[:, i])
        torch.testing.assert_close(weight[:, 0], weights[:, i])


@each_kind
def test_weights_and_their_gradients_are_those_of_the_paper(kind: str) -> None:
    attention, queries, grid = random_case(kind)
    _, weights = look(attention, queries, grid)
    expected = textbook(attention, queries, grid)
    torch.testing.assert_close(weights, expected)
    upstream, leaves = torch.randn_like(weights), [queries, grid, *attention.parameters()]
    torch.testing.assert_close(
        torch.autograd.grad(weights, leaves, upstream), torch.autograd.grad(expected, leaves, upstream)
    )


@each_kind
def test_the_gradients_of_a_score_are_those_of_finite_differences(kind: str) -> None:
    attention, queries, grid = random_case(kind)
    attention = attention.double()
    keys = attention.keys(grid.double()).detach().requires_grad_()
    assert torch.autograd.gradcheck(attention.score, (queries.detach().double().requires_grad_(), keys))


def test_sentences_taken_block_by_block_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for elements in (2**22, 1, 2 * QUERIES * 5 * 8):  # all at once, one by one, two and the one that is left
        monkeypatch.setattr("s2s.nn.attention._CACHED", elements)
        attention, queries, grid = random_case("additive")
        _, weights = look(attention, queries, grid)
        found.append((weights, *torch.autograd.grad(weights.square().sum(), [queries, grid])))
    for others in found[1:]:
        torch.testing.assert_close(others, found[0])


@each_kind
def test_bfloat16_stays_near_float32(kind: str) -> None:
    attention, queries, grid = random_case(kind)
    contexts, weights = look(attention, queries, grid)
    with torch.autocast("cpu", torch.bfloat16):
        rough_contexts, rough_weights = look(attention, queries.bfloat16(), grid.bfloat16())
    assert rough_weights.dtype == torch.float32
    torch.testing.assert_close(rough_weights.sum(-1), torch.ones(len(MASK), QUERIES))
    torch.testing.assert_close(rough_weights, weights, atol=0.03, rtol=0)
    torch.testing.assert_close(rough_contexts.float(), contexts, atol=0.06, rtol=0)


@each_kind
def test_a_grid_of_padding_alone_gets_no_weight_and_no_gradient(kind: str) -> None:
    attention, queries, grid = random_case(kind)
    mask = MASK.clone()
    mask[1] = False
    contexts, weights = look(attention, queries, grid, mask)
    assert weights[1].eq(0).all()
    assert contexts[1].eq(0).all()
    torch.testing.assert_close(weights[::2].sum(-1), torch.ones(2, QUERIES))
    gradients = torch.autograd.grad(contexts.square().sum(), [queries, grid, *attention.parameters()])
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert gradients[0][1].eq(0).all()
    assert gradients[1][1].eq(0).all()


@each_kind
def test_the_gradients_of_the_whole_are_those_of_finite_differences(kind: str) -> None:
    """In float64 from end to end, the weights too; with several queries and with one."""
    attention, queries, grid = random_case(kind)
    attention, grid = attention.double(), grid.detach().double().requires_grad_()
    for count in (QUERIES, 1):
        several = queries[:, :count].detach().double().requires_grad_()
        assert torch.autograd.gradcheck(lambda *inputs: look(attention, *inputs), (several, grid))


@pytest.mark.parametrize("kind", ["dot", "scaled_dot"])
def test_a_dot_product_needs_equal_widths(kind: str) -> None:
    with pytest.raises(UserError, match="a decoder as wide as the memory, not 4 against 6: change the dimensions, or"):
        build_attention(attention_of(kind, 8), 4, 6)

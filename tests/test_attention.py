"""Attention: a distribution over real positions, the papers' formulas, and exact gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from s2s.attention import ATTENTIONS, AdditiveAttention, Attention, DotAttention, GeneralAttention
from s2s.errors import UserError

WIDTH, QUERIES = 6, 4
MASK = torch.tensor([[True] * 5, [True, True, False, False, False], [True, True, True, True, False]])
each_kind = pytest.mark.parametrize("kind", list(ATTENTIONS))


def random_case(kind: str) -> tuple[Attention, Tensor, Tensor]:
    """An attention, queries (batch, queries, dim) and a grid (batch, positions, dim)."""
    torch.manual_seed(1)
    attention = ATTENTIONS[kind](WIDTH, WIDTH, 8)
    queries, grid = torch.randn(len(MASK), QUERIES, WIDTH), torch.randn(*MASK.shape, WIDTH)
    return attention, queries.requires_grad_(), grid.requires_grad_()


def look(attention: Attention, queries: Tensor, grid: Tensor, mask: Tensor | None = MASK) -> tuple[Tensor, Tensor]:
    return attention(queries, attention.keys(grid), grid, mask)


def differ(kind: str) -> Tensor:
    """Weights (batch, queries, positions) by the formula of the class, written as the paper has it."""
    attention, queries, grid = random_case(kind)
    if isinstance(attention, AdditiveAttention):
        cube = torch.tanh(attention.query(queries).unsqueeze(2) + attention.key(grid).unsqueeze(1))
        scores = cube @ attention.energy
    elif isinstance(attention, GeneralAttention):
        scores = torch.einsum("bqi,ij,bpj->bqp", queries, attention.key.weight, grid)
    else:
        scores = torch.einsum("bqd,bpd->bqp", queries, grid) / (WIDTH**0.5 if kind == "scaled_dot" else 1)
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
def test_weights_are_those_of_the_paper_with_their_gradients(kind: str) -> None:
    attention, queries, grid = random_case(kind)
    _, weights = look(attention, queries, grid)
    upstream = torch.randn_like(weights)
    leaves = [queries, grid, *attention.parameters()]
    found = torch.autograd.grad(weights, leaves, upstream)

    attention, queries, grid = random_case(kind)
    expected = differ(kind)
"""

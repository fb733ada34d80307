"""Optimisers and clipping give what PyTorch's own give."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterable
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from s2s.training.configuration import OptimiserConfig
from s2s.training.optimisation import build_optimiser, optimiser_tensors, restore_optimiser, scale_and_clip
from s2s.training.optimisers import Optimiser

Name = Literal["adamw", "adam", "sgd"]
NAMES: list[Name] = ["adamw", "adam", "sgd"]


def model_with_gradients(seed: int = 1) -> nn.Sequential:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    model(3 * torch.randn(11, 5)).square().sum().backward()
    return model


def gradients(parameters: Iterable[nn.Parameter]) -> list[Tensor]:
    return [p.grad.clone() for p in parameters if p.grad is not None]


# -------------------------------------------------------------------------------------------------------- clipping


@pytest.mark.parametrize("limit", [0.1, 1e6])
def test_clipping_by_norm_is_that_of_torch(limit: float) -> None:
    ours, theirs = model_with_gradients(), model_with_gradients()
    for parameter in theirs.parameters():
        assert parameter.grad is not None
        parameter.grad /= 11
    expected = nn.utils.clip_grad_norm_(theirs.parameters(), limit)
    norm = scale_and_clip(ours.parameters(), 11, OptimiserConfig(clip_norm=limit))
    torch.testing.assert_close(norm, expected)
    torch.testing.assert_close(gradients(ours.parameters()), gradients(theirs.parameters()))


def test_clipping_by_value_is_that_of_torch() -> None:
    ours, theirs = model_with_gradients(), model_with_gradients()
    for parameter in theirs.parameters():
        assert parameter.grad is not None
        parameter.grad /= 11
    nn.utils.clip_grad_value_(theirs.parameters(), 0.05)
    scale_and_clip(ours.parameters(), 11, OptimiserConfig(clip_norm=0, clip_value=0.05))
    torch.testing.assert_close(gradients(ours.parameters()), gradients(theirs.parameters()))
    assert max(gradient.abs().max().item() for gradient in gradients(ours.parameters())) == pytest.approx(0.05)


def test_without_limits_the_sum_becomes_a_mean() -> None:
    model = model_with_gradients()
    expected = [gradient / 11 for gradient in gradients(model.parameters())]
    norm = scale_and_clip(model.parameters(), 11, OptimiserConfig(clip_norm=0))
    torch.testing.assert_close(gradients(model.parameters()), expected)
    torch.testing.assert_close(norm, torch.cat([gradient.flatten() for gradient in expected]).norm())


def test_parameters_without_a_gradient_are_left_alone() -> None:
    model = model_with_gradients()
    frozen = nn.Parameter(torch.ones(3))
    alone = scale_and_clip(model_with_gradients().parameters(), 11, OptimiserConfig())
    assert torch.equal(scale_and_clip([frozen, *model.parameters()], 11, OptimiserConfig()), alone)
    assert frozen.grad is None


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_shows_in_the_norm(bad: float) -> None:
    model = model_with_gradients()
    bias = model.get_parameter("0.bias")
    assert bias.grad is not None
    bias.grad[2] = bad
    assert not torch.isfinite(scale_and_clip(model.parameters(), 11, OptimiserConfig()))


# ------------------------------------------------------------------------------------------------------- optimisers


def by_pytorch(config: OptimiserConfig, model: nn.Module, rate: float) -> torch.optim.Optimizer:
    """What PyTorch makes of the same configuration."""
    groups = [
        {"params": [p for p in model.parameters() if (p.dim() > 1) == decayed], "weight_decay": decay}
        for decayed, decay in ((True, config.weight_decay), (False, 0.0))
    ]
    if config.name == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=config.beta1)
    kind = torch.optim.AdamW if config.name == "adamw" else torch.optim.Adam
    return kind(groups, lr=rate, betas=(config.beta1, config.beta2))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_is_pytorchs_with_decay_on_matrices_alone(name: Name) -> None:
    ours, theirs = model_with_gradients(), model_with_gradients()
    config = OptimiserConfig(name=name, weight_decay=0.3)
    optimiser, reference = build_optimiser(config, ours), by_pytorch(config, theirs, rate=0.02)
    for step in range(4):
        inputs = torch.randn(11, 5, generator=torch.Generator().manual_seed(step))
        for model in (ours, theirs):
            model.zero_grad()
            model(inputs).square().sum().backward()
        optimiser.step(0.02)
        reference.step()
    for mine, other in zip(ours.parameters(), theirs.parameters()):
        torch.testing.assert_close(mine, other)


def test_what_is_frozen_or_has_no_gradient_stays() -> None:
    model = model_with_gradients()
    frozen, idle = model.get_parameter("2.bias").requires_grad_(False), model.get_parameter("0.bias")
    before = frozen.clone(), idle.clone()
    optimiser = build_optimiser(OptimiserConfig(), model)
    assert sum(len(group.parameters) for group in optimiser.groups) == 3
    idle.grad = None
    optimiser.step(0.1)
    assert torch.equal(frozen, before[0])
    assert torch.equal(idle, before[1])


def test_pytorchs_compiler_is_not_imported() -> None:
    """It takes longer than all else that a training imports."""
    program = (
        "import sys, torch\n"
        "from s2s.training.configuration import OptimiserConfig\n"
        "from s2s.training.optimisation import build_optimiser\n"
        "model = torch.nn.Linear(2, 2); model(torch.ones(1, 2)).sum().backward()\n"
        "optimiser = build_optimiser(OptimiserConfig(), model); optimiser.step(0.1); optimiser.zero_grad()\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def train(model: nn.Module, optimiser: Optimiser, steps: Iterable[int]) -> None:
    for step in steps:
        optimiser.zero_grad()
        inputs = torch.randn(11, 5, generator=torch.Generator().manual_seed(step))
        model(inputs).square().sum().backward()
        optimiser.step(0.01)


@pytest.mark.parametrize("name", NAMES)
def test_a_restored_optimiser_goes_on_bit_for_bit(name: Name) -> None:
    config = OptimiserConfig(name=name, learning_rate=0.01)
    whole, resumed = model_with_gradients(), model_with_gradients(seed=2)
    optimiser = build_optimiser(config, whole)
    train(whole, optimiser, range(3))
    saved = {key: tensor.clone() for key, tensor in optimiser_tensors(optimiser, whole)}
    resumed.load_state_dict(whole.state_dict())
    train(whole, optimiser, range(3, 6))

    again = build_optimiser(config, resumed)
    restore_optimiser(again, resumed, saved)
    given = {key: tensor.clone() for key, tensor in saved.items()}
    train(resumed, again, range(3, 6))
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters()))
    assert all(torch.equal(saved[key], tensor) for key, tensor in given.items())  # copied: it may be a file


def test_the_state_of_tied_weights_is_there_once() -> None:
    model = nn.Sequential(nn.Linear(5, 5), nn.Linear(5, 5))
    model[1].weight = model[0].weight
    optimiser = build_optimiser(OptimiserConfig(), model)
    train(model, optimiser, range(1))
    names = {key.split("/")[1] for key, _ in optimiser_tensors(optimiser, model)}
    assert names == {"0.weight", "0.bias", "1.bias"}


def test_parameters_of_a_module_with_a_share_are_in_groups_of_that_share() -> None:
    model = model_with_gradients()
    model[0].learning_rate_share = 0.25  # type: ignore[assignment]
    optimiser = build_optimiser(OptimiserConfig(weight_decay=0.3), model)
    found = {id(p): group.share for group in optimiser.groups for p in group.parameters}
    assert [found[id(p)] for p in model.parameters()] == [0.25, 0.25, 1.0, 1.0]
    decays = {id(p): group.weight_decay for group in optimiser.groups for p in group.parameters}
    assert [decays[id(p)] for p in model.parameters()] == [0.3, 0.0, 0.3, 0.0]


def test_a_share_is_a_share_of_the_step() -> None:
    slow, fast = model_with_gradients(), model_with_gradients()
    slow.learning_rate_share = 0.25  # type: ignore[assignment]
    for model, rate in ((slow, 0.1), (fast, 0.025)):
        build_optimiser(OptimiserConfig(), model).step(rate)
    for mine, other in zip(slow.parameters(), fast.parameters()):
        torch.testing.assert_close(mine, other)

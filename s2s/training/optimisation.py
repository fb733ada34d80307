"""From an optimiser's configuration to an optimiser, clipping, and the optimiser's tensors by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import torch
from torch import Tensor, nn

from s2s.training.configuration import OptimiserConfig
from s2s.training.optimisers import Adam, AdamW, Group, Optimiser, Sgd


def build_optimiser(config: OptimiserConfig, model: nn.Module) -> Optimiser:
    """Return an optimiser of all parameters that need a gradient; weight decay is for matrices, not for vectors.

    A module whose weights were trained elsewhere, such as a CNN, may have an attribute `learning_rate_share`: the share
    of the learning rate for its parameters, and for those of the modules inside it.
    """
    shares: dict[nn.Parameter, float] = {}
    for module in model.modules():  # outer ones first, so that an inner share replaces an outer one
        if hasattr(module, "learning_rate_share"):
            shares |= dict.fromkeys(module.parameters(), float(module.learning_rate_share))  # type: ignore[arg-type]
    alike: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            decay = config.weight_decay if parameter.dim() > 1 else 0.0
            alike.setdefault((shares.get(parameter, 1.0), decay), []).append(parameter)
    groups = [Group(parameters, decay, share) for (share, decay), parameters in alike.items()]
    if config.name == "sgd":
        return Sgd(groups, config.beta1)
    kind = AdamW if config.name == "adamw" else Adam
    return kind(groups, config.beta1, config.beta2)


def scale_and_clip(parameters: Iterable[nn.Parameter], weight: float, config: OptimiserConfig) -> Tensor:
    """Divide summed gradients by `weight` and clip them, in place and in one pass over memory.

    Args:
        parameters: with the gradients of a summed loss
        weight: the divisor that makes a mean of the sum
        config: the limits of clipping

    Returns:
        the norm of the mean gradient before clipping, as a tensor (): reading its value waits for the device.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm() / weight
    scale = torch.ones_like(norm) / weight
    if config.clip_norm:
        scale = scale * (config.clip_norm / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale)
        if config.clip_value:
            gradient.clamp_(-config.clip_value, config.clip_value)
    return norm


def optimiser_tensors(optimiser: Optimiser, model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the optimiser's tensors, named after their parameters: `exp_avg/decoder.embedding.weight`."""
    for name, parameter in model.named_parameters():
        for key, value in optimiser.state.get(parameter, {}).items():
            yield f"{key}/{name}", value


def restore_optimiser(optimiser: Optimiser, model: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Copy tensors, named as by `optimiser_tensors`, into the optimiser."""
    parameters = dict(model.named_parameters())
    for key, value in tensors.items():
        kind, name = key.split("/", 1)
        parameter = parameters[name]
        optimiser.state[parameter][kind] = value.to(parameter.device, copy=True)

"""SGD, Adam and AdamW: PyTorch's functions, called without its Optimizer classes.

Constructing one of those classes imports PyTorch's compiler, which is not used here and would cost every training 4.5
seconds of a core and 180 MB (torch 2.15).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.adamw import adamw
from torch.optim.sgd import sgd

_EPSILON = 1e-8  # Adam's


@dataclass(frozen=True, eq=False)
class Group:
    """Parameters with the same weight decay and the same share of the learning rate."""

    parameters: Sequence[nn.Parameter]
    weight_decay: float
    share: float = 1.0


class Optimiser(ABC):
    """Updates parameters by their gradients.

    Attributes:
        groups: the parameters
        state: of each parameter, the tensors that one step hands to the next, by name; made in the first step
    """

    def __init__(self, groups: Sequence[Group]) -> None:
        self.groups = list(groups)
        self.state: defaultdict[Tensor, dict[str, Tensor]] = defaultdict(dict)

    def zero_grad(self) -> None:
        """Set all gradients to None."""
        for group in self.groups:
            for parameter in group.parameters:
                parameter.grad = None

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Update every parameter that has a gradient; `rate` is the learning rate."""
        for group in self.groups:
            parameters = [parameter for parameter in group.parameters if parameter.grad is not None]
            if parameters:
                gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
                self._update(parameters, gradients, rate * group.share, group.weight_decay)

    @abstractmethod
    def _update(
        self, parameters: list[nn.Parameter], gradients: list[Tensor], rate: float, weight_decay: float
    ) -> None: ...


class Sgd(Optimiser):
    """Stochastic gradient descent with momentum (Sutskever et al., 2013)."""

    def __init__(self, groups: Sequence[Group], momentum: float) -> None:
        super().__init__(groups)
        self._momentum = momentum

    def _update(
        self, parameters: list[nn.Parameter], gradients: list[Tensor], rate: float, weight_decay: float
    ) -> None:
        buffers = [self.state[parameter].get("momentum_buffer") for parameter in parameters]
        sgd(
            list(parameters),
            gradients,
            buffers,  # `sgd` replaces None by a new buffer
            lr=rate,
            weight_decay=weight_decay,
            momentum=self._momentum,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )
        for parameter, buffer in zip(parameters, buffers):
            if buffer is not None:
                self.state[parameter]["momentum_buffer"] = buffer


class Adam(Optimiser):
    """Adam (Kingma & Ba, 2015), with weight decay added to the gradient."""

    _function: Callable[..., None] = staticmethod(adam)

    def __init__(self, groups: Sequence[Group], beta1: float, beta2: float) -> None:
        super().__init__(groups)
        self._betas = {"beta1": beta1, "beta2": beta2}

    def _update(
        self, parameters: list[nn.Parameter], gradients: list[Tensor], rate: float, weight_decay: float
    ) -> None:
        states = [self.state[parameter] or self._first_state(parameter) for parameter in parameters]
        self._function(
            parameters,
            gradients,
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,  # one pass over memory
            amsgrad=False,
            lr=rate,
            weight_decay=weight_decay,
            eps=_EPSILON,
            maximize=False,
            **self._betas,
        )

    def _first_state(self, parameter: Tensor) -> dict[str, Tensor]:
        moments = {name: torch.zeros_like(parameter, requires_grad=False) for name in ("exp_avg", "exp_avg_sq")}
        self.state[parameter] = moments | {"step": torch.zeros((), device=parameter.device)}
        return self.state[parameter]


class AdamW(Adam):
    """AdamW (Loshchilov & Hutter, 2019), with weight decay applied to the weights, not to the gradient."""

    _function = staticmethod(adamw)

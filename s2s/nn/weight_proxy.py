"""Stand-ins for weight matrices that intercept `torch.nn.functional.linear`.

A stand-in takes the place of a parameter in its module. The code of the module does not change: it calls `linear` with
`self.weight` as before, and PyTorch passes the call on to the stand-in that it finds among the arguments.

    in a cell        linear(inputs, self.weight, bias)
                                         |
    self.weight is   a parameter --------+---> PyTorch computes inputs W^T + bias
                                         |
                     a WeightProxy ------+---> PyTorch calls WeightProxy.__torch_function__(linear, ...)
                                                   |
                                                   v
                                               proxy.linear(inputs, bias)
                                                   DeferredWeight    the same product; the gradient of W is computed
                                                                     after the loop over time (in training)
                                                   QuantisedWeight   the product in eight bits (in decoding)

The subclasses are in `s2s.nn.deferred_gradients` and `s2s.models.quantisation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Self

from torch import Tensor, nn

# Threads that decode batches side by side may ask for the same columns at the same time. The lock also protects
# `warnings.catch_warnings`, which subclasses use when they make columns and which changes the filters of all threads.
_columns_lock = Lock()


class WeightProxy:
    """A matrix (outputs, inputs) that supports `linear` and column slices such as `weight[:, 8:24]`, and nothing else.

    Any other PyTorch function raises a TypeError.
    """

    def __init__(self) -> None:
        self._columns: dict[str, Self] = {}

    def linear(self, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return `inputs W^T + bias`: (..., inputs) -> (..., outputs)."""
        raise NotImplementedError

    def columns(self, where: tuple[slice, slice]) -> Self:
        """Make a proxy of `W[where]`."""
        raise NotImplementedError

    def __getitem__(self, where: tuple[slice, slice]) -> Self:
        """Return the proxy of `W[where]`, which is made at the first request and then kept."""
        key = repr(where)
        with _columns_lock:
            if key not in self._columns:
                self._columns[key] = self.columns(where)
            return self._columns[key]

    @classmethod
    def __torch_function__(
        cls,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Called by PyTorch instead of `function` when a proxy is among its arguments."""
        if function is not nn.functional.linear:
            return NotImplemented
        return _multiply(*args, **(kwargs or {}))


def _multiply(inputs: Tensor, weight: WeightProxy, bias: Tensor | None = None) -> Tensor:
    """Match the arguments of `torch.nn.functional.linear`, positional or named."""
    return weight.linear(inputs, bias)


def weight_matrices(module: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Parameter]]:
    """Yield (owner, name, parameter) for each matrix of `module` except embeddings, which are looked up."""
    for owner in module.modules():
        if not isinstance(owner, nn.Embedding):
            for name, weight in owner.named_parameters(recurse=False):
                if weight.dim() == 2:
                    yield owner, name, weight

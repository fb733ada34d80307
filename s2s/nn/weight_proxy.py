"""What can take a weight's place: an object that `torch.nn.functional.linear` multiplies by, in a way of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, Self

from torch import Tensor, nn

_making = Lock()  # batches side by side may ask for the same columns; and filters of warnings belong to all threads


class WeightProxy:
    """A matrix (outputs, inputs) by which `linear` multiplies and from which columns can be taken; nothing else."""

    def __init__(self) -> None:
        self._columns: dict[str, Self] = {}

    def linear(self, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        """(..., inputs) -> inputs W^T + bias (..., outputs)."""
        raise NotImplementedError

    def columns(self, where: tuple[slice, slice]) -> Self:
        """A proxy of W[where]."""
        raise NotImplementedError

    def __getitem__(self, where: tuple[slice, slice]) -> Self:
        """Made once, and kept."""
        key = repr(where)
        with _making:
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
        """What PyTorch calls where one of these is among the arguments of one of its functions."""
        if function is not nn.functional.linear:
            return NotImplemented
        return _multiply(*args, **(kwargs or {}))


def _multiply(inputs: Tensor, weight: WeightProxy, bias: Tensor | None = None) -> Tensor:
    return weight.linear(inputs, bias)


def weight_matrices(module: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Parameter]]:
    """All weights by which `module` multiplies: whose they are, by what name, and what; embeddings are looked up."""
    for owner in module.modules():
        if not isinstance(owner, nn.Embedding):
            for name, weight in owner.named_parameters(recurse=False):
                if weight.dim() == 2:
                    yield owner, name, weight

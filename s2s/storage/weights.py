"""Weights of modules: building a module without memory, loading stored tensors into it, averaging weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from s2s.errors import check, first_few
from s2s.storage.tensors import find_ties
from s2s.storage.verified import shorten


@contextmanager
def weightless() -> Iterator[None]:
    """In this context modules are built on the meta device, without memory or initial values; see `load_weights`.

    Tensors that are not in the `state_dict`, such as non-persistent buffers, must be made with `device="cpu"`.
    """
    with torch.device("meta"), _Unfilled():
        yield


class _Unfilled(TorchFunctionMode):
    """Skips initialisation. On the meta device some initialisers make torch import 900 modules, which takes seconds."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is torch.Tensor.normal_ or getattr(function, "__module__", None) == "torch.nn.init":
            tensor = args[0] if args else kwargs.get("tensor")
            if isinstance(tensor, Tensor) and tensor.is_meta:
                return tensor
        return function(*args, **kwargs)


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], *, source: Path | str = "the weights") -> None:
    """Load `tensors` into `module`, cast to the dtypes of the module: 16-bit files become float32 parameters.

    Names and shapes are compared before memory is allocated. A module built under `weightless` gets new parameters on
    the CPU; the parameters of any other module keep their identity and get new values. In both cases the values are
    copies that do not depend on the file, and tied parameters stay tied.

    Args:
        module: the module to fill.
        tensors: exactly those of `module.state_dict()`; of tied tensors one is enough.
        source: where the tensors came from, for messages.

    Raises:
        UserError: tensors are missing, unexpected or of another shape. The message names the first of them, and both
            sizes if a vocabulary differs.
    """
    expected = module.state_dict(keep_vars=True)
    groups: dict[int, list[str]] = {}
    for name, tensor in expected.items():
        groups.setdefault(id(tensor), []).append(name)
    given = dict(tensors)
    for names in groups.values():
        present = [name for name in names if name in given]
        given |= {name: given[present[0]] for name in names if present and name not in given}
    _check_fit(module, expected, given, source)
    for first, *others in groups.values():
        for name in others:
            same = given[name] is given[first] or bool((given[name] == given[first]).all())
            check(same, f"{source}: {first} and {name} differ, but this model ties them; configure it without tying")
    if not any(tensor.is_meta for tensor in expected.values()):
        module.load_state_dict(given)
        return
    filled: dict[str, Tensor] = {}
    for first, *others in groups.values():
        # Copy even if no cast is needed: a model must depend neither on a file nor on the alignment of its tensors.
        tensor = given[first].to(expected[first].dtype, copy=True)
        if isinstance(expected[first], nn.Parameter):
            # The same Parameter under all names keeps them tied.
            tensor = nn.Parameter(tensor, requires_grad=expected[first].requires_grad)
        filled |= dict.fromkeys((first, *others), tensor)
    module.load_state_dict(filled, assign=True)


def add_rows(tensors: Mapping[str, Tensor], module: nn.Module, count: int, *, like: int) -> dict[str, Tensor]:
    """Add rows for new tokens to the tensors with one row for each token, which `module` has `count` rows more of.

    Each new row is a copy of row `like` with a little noise, so that the new tokens can be told apart; tied tensors
    stay tied. The noise comes from torch's global generator.
    """
    expected, grown = module.state_dict(), dict(tensors)
    same = dict[int, Tensor]()
    for name, tensor in tensors.items():
        shape = expected[name].shape if name in expected else tensor.shape
        if shape[:1] == (len(tensor) + count,) and shape[1:] == tensor.shape[1:]:
            if tensor.data_ptr() not in same:
                rows = tensor[like].expand(count, *tensor.shape[1:])
                noise = torch.randn(rows.shape) * tensor.std() / 2
                same[tensor.data_ptr()] = torch.cat((tensor, rows + noise.to(rows)))
            grown[name] = same[tensor.data_ptr()]
    return grown


def _check_fit(
    module: nn.Module, expected: Mapping[str, Tensor], given: Mapping[str, Tensor], source: Path | str
) -> None:
    """Raise a UserError unless `given` has the names, shapes and kinds of numbers of `expected`."""
    differing = [name for name in expected if name in given and _form(given[name]) != _form(expected[name])]
    missing = [name for name in expected if name not in given]
    unexpected = [shorten(name) for name in given if name not in expected]
    faults = []
    if differing:
        # Keyed by tensor, in reverse order: of tied names the first is reported.
        described = {
            id(expected[name]): f"{name} is {_form(given[name])} but {_form(expected[name])} here"
            for name in differing[::-1]
        }
        faults.append(first_few(list(described.values())[::-1]))
    for name in differing:
        stored, here = given[name].shape[:1], expected[name].shape[:1]
        sizes = f"vocabulary sizes {_sizes(stored)} and {_sizes(here)}"
        embeds = isinstance(module.get_submodule(name.rpartition(".")[0]), nn.Embedding)
        if embeds and stored != here and sizes not in faults:
            faults.append(sizes)
    if missing:
        faults.append(f"missing {first_few(missing)}")
    if unexpected:
        faults.append(f"unexpected {first_few(unexpected)}")
    check(not faults, f"{source}: does not fit this model: {'; '.join(faults)}; use the configuration it came with")


def average_weights(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of each tensor over `states` (checkpoint averaging: Vaswani et al., 2017, section 6.1).

    The mean is computed in float64 and returned in float32, or in the dtype of the tensors if that is wider. Integer
    and boolean tensors are taken from the last state. Tensors that are tied in all states stay tied.

    Raises:
        UserError: `states` is empty, or the states differ in names or shapes.
    """
    check(states, "no weights to average; give at least one model")
    states = [dict(state) for state in states]
    last = states[-1]
    for state in states:
        odd = sorted(state.keys() ^ last.keys()) or [name for name in last if state[name].shape != last[name].shape]
        problem = f"weights of different models cannot be averaged: they differ in {first_few(odd)}"
        check(not odd, f"{problem}; average models of one recipe")
    all_ties = [find_ties(state) for state in states]
    mean: dict[str, Tensor] = {}
    for name, tensor in last.items():
        first = all_ties[-1].get(name)
        if first is not None and all(tied.get(name) == first for tied in all_ties):
            mean[name] = mean[first]
        elif tensor.is_floating_point():
            total = torch.zeros_like(tensor, dtype=torch.float64)
            for state in states:
                total += state[name]
            mean[name] = (total / len(states)).to(torch.promote_types(tensor.dtype, torch.float32))
        else:
            mean[name] = tensor.clone()
    return mean


def _form(tensor: Tensor) -> str:
    """Return shape and kind of number for a message: `8000 x 512`."""
    return f"{_sizes(tensor.shape)}{'' if tensor.is_floating_point() else ' (integers)'}"


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "a single number"

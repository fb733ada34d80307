"""Weights in a module: built without memory, filled from stored tensors, averaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from s2s.errors import check, first_few
from s2s.storage.verified import (
    find_ties,
    shorten,
)


@contextmanager
def weightless() -> Iterator[None]:
    """Within, modules are built on the meta device, without memory or initial values, for `load_weights` to fill.

    What a `state_dict` leaves out, such as a table in a non-persistent buffer, must be made with `device="cpu"`.
    """
    with torch.device("meta"), _Unfilled():
        yield


class _Unfilled(TorchFunctionMode):
    """Leaves out initial values. On the meta device some of them would make torch import 900 modules, for seconds."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is torch.Tensor.normal_ or getattr(function, "__module__", None) == "torch.nn.init":
            tensor = args[0] if args else kwargs.get("tensor")
            if isinstance(tensor, Tensor) and tensor.is_meta:
                return tensor
        return function(*args, **kwargs)


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], *, source: Path | str = "the weights") -> None:
    """Fill `module` with `tensors`, in the module's own dtypes: a file of 16 bits becomes float32 parameters.

    The module may be `weightless`: names and shapes are compared before anything is allocated. Its parameters are then
    new ones, on the CPU; otherwise they are the same objects with new values. Either way they are independent of the
    file, and tied parameters stay tied.

    Args:
        module: what to fill.
        tensors: those of `module.state_dict()`, no more and no less, but of tied ones one will do.
        source: where the tensors came from, for the messages.

    Raises:
        UserError: naming the first tensors that are missing, unexpected or of another shape, and both vocabulary sizes.
    """
    own = module.state_dict(keep_vars=True)
    groups: dict[int, list[str]] = {}
    for name, tensor in own.items():
        groups.setdefault(id(tensor), []).append(name)
    given = dict(tensors)
    for names in groups.values():
        present = [name for name in names if name in given]
        given |= {name: given[present[0]] for name in names if present and name not in given}
    _check_fit(module, own, given, source)
    for first, *others in groups.values():
        for name in others:
            same = given[name] is given[first] or bool((given[name] == given[first]).all())
            check(same, f"{source}: {first} and {name} differ, but this model ties them; build it with both untied")
    if not any(tensor.is_meta for tensor in own.values()):
        module.load_state_dict(given)
        return
    filled: dict[str, Tensor] = {}
    for first, *others in groups.values():
        # Copied even where no cast is needed: a model must not depend on a file, nor on how it aligns its tensors.
        tensor = given[first].to(own[first].dtype, copy=True)
        if isinstance(own[first], nn.Parameter):
            # It is one Parameter under all its names that keeps them tied.
            tensor = nn.Parameter(tensor, requires_grad=own[first].requires_grad)
        filled |= dict.fromkeys((first, *others), tensor)
    module.load_state_dict(filled, assign=True)


def _check_fit(module: nn.Module, own: Mapping[str, Tensor], given: Mapping[str, Tensor], source: Path | str) -> None:
    """Raise a UserError unless `given` has the names, shapes and kinds of numbers of `own`."""
    differing = [name for name in own if name in given and _form(given[name]) != _form(own[name])]
    missing = [name for name in own if name not in given]
    unexpected = [shorten(name) for name in given if name not in own]
    faults = []
    if differing:
        # Of tied ones, which are one tensor, the first.
        told = {
            id(own[name]): f"{name} is {_form(given[name])} but {_form(own[name])} here" for name in differing[::-1]
        }
        faults.append(first_few(list(told.values())[::-1]))
    for name in differing:
        stored, here = given[name].shape[:1], own[name].shape[:1]
        sizes = f"vocabulary sizes {_sizes(stored)} and {_sizes(here)}"
        embeds = isinstance(module.get_submodule(name.rpartition(".")[0]), nn.Embedding)
        if embeds and stored != here and sizes not in faults:
            faults.append(sizes)
    if missing:
        faults.append(f"missing {first_few(missing)}")
    if unexpected:
        faults.append(f"unexpected {first_few(unexpected)}")
    check(not faults, f"{source}: not those of this model: {'; '.join(faults)}; take the configuration they came with")


def average_weights(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of each tensor over `states`, formed in float64 and returned in float32 at least.

    Tensors that are not floating are taken from the last state; tensors that are tied in all states stay tied.
    (Vaswani et al., 2017, "Attention Is All You Need", section 6.1, average the last checkpoints of a training.)

    Raises:
        UserError: there are no states, or they differ in names or shapes.
    """
    check(states, "no weights to average; give at least one set")
    states = [dict(state) for state in states]
    last = states[-1]
    for state in states:
        odd = sorted(state.keys() ^ last.keys()) or [name for name in last if state[name].shape != last[name].shape]
        check(
            not odd, f"weights of different models cannot be averaged: they differ in {first_few(odd)}; leave some out"
        )
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
    """Return shape and kind of number as a message tells them: `8000 x 512`."""
    return f"{_sizes(tensor.shape)}{'' if tensor.is_floating_point() else ' (integers)'}"


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "a single number"

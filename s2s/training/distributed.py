"""Training by several processes at once, each on its own batches: what the trainer asks of the others.

`torchrun` starts the processes and tells each its number, the rank, in the environment. A step reads as many batches as
there are ranks, one each, and DistributedDataParallel adds up their gradients: so a step of two ranks is a step of one
process with `accumulate = 2`. Where a batch has to follow the one before it, each rank reads a part of every batch: so
a step of two ranks is a step of one. Rank 0 alone locks the run, writes and validates, and tells the others what it
found.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, nn

from s2s.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

# A validation of rank 0 may take long. A process that dies is noticed at once, because its connections close.
_PATIENCE = timedelta(days=7)


@dataclass(frozen=True)
class Ranks:
    """The processes of a training; by default there is this one alone.

    Attributes:
        rank: the number of this process, from 0
        world: how many there are
    """

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> list[tuple[Item, bool]]:
        """The items of this process, as many for each, and whether each counts.

        Where the items run out, processes get the first one again, which does not count: all of them have to take part
        in a step.
        """
        if self.world == 1:
            return [(item, True) for item in items]
        rounds = -(-len(items) // self.world)
        numbers = range(self.rank, rounds * self.world, self.world)
        return [(items[i], True) if i < len(items) else (items[0], False) for i in numbers]

    def part(self, size: int) -> slice:
        """The part of this process of `size` rows, which lie in the order of the ranks."""
        return slice(size * self.rank // self.world, size * (self.rank + 1) // self.world)

    def joined_parts(self, own: Tensor, size: int) -> Tensor:
        """The rows of all processes, (size, ...), from the part of each."""
        if self.world == 1:
            return own
        whole = own.new_empty(size, *own.shape[1:])
        whole[self.part(size)] = own
        for rank in range(self.world):  # parts may differ in size by a row
            torch.distributed.broadcast(whole[replace(self, rank=rank).part(size)], src=rank)
        return whole

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The module to call in training: the model itself, or with the others' gradients added to its own.

        A module that leaves out some of its parameters for some batches has an attribute `skips_parameters`.
        """
        if self.world == 1:
            return model
        from torch.nn.parallel import DistributedDataParallel

        unused = any(getattr(module, "skips_parameters", False) for module in model.modules())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # the new name of `broadcast_buffers` is not in all versions
            return DistributedDataParallel(model, broadcast_buffers=False, find_unused_parameters=unused)

    def without_sum(self, module: nn.Module) -> AbstractContextManager[object]:
        """A context in which gradients of a wrapped module are not yet added to those of the others."""
        return module.no_sync() if self.world > 1 else nullcontext()  # type: ignore[operator]

    def total(self, values: Tensor) -> Tensor:
        """The sum of the values of all processes."""
        if self.world > 1:
            torch.distributed.all_reduce(values)
        return values

    def from_first(self, function: Callable[[], Result]) -> Result:
        """What `function` returns on rank 0, which alone calls it."""
        if self.world == 1:
            return function()
        box = [function() if self.first else None]
        torch.distributed.broadcast_object_list(box)
        return box[0]  # type: ignore[return-value]

    def wait(self) -> None:
        """Return once all processes are here."""
        if self.world > 1:
            torch.distributed.barrier()


@contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """The processes that `torchrun` has started, or this one alone.

    Raises:
        UserError: another process has ended in the meantime.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1 or "RANK" not in os.environ:
        yield Ranks()
        return
    backend = "nccl" if device.type == "cuda" else "gloo"
    torch.distributed.init_process_group(backend, timeout=_PATIENCE)
    ranks = Ranks(torch.distributed.get_rank(), world)
    try:
        yield ranks
    except RuntimeError as error:
        if not _is_of_connection(error):
            raise
        raise UserError(
            f"rank {ranks.rank}: another process of this training has ended, see its message; go on with --resume"
        ) from error
    finally:
        torch.distributed.destroy_process_group()


def process_count() -> int:
    """How many processes train together, inside `joined`."""
    return torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1


def device_of_rank(device: torch.device) -> torch.device:
    """The GPU of this process, where `torchrun` started several on one machine."""
    if device.type == "cuda" and "LOCAL_RANK" in os.environ:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    return device


def _is_of_connection(error: RuntimeError) -> bool:
    """Whether a collective operation failed, because a process is gone."""
    if isinstance(error, torch.distributed.DistError):
        return True
    text = str(error).lower()
    return any(sign in text for sign in ("connection", "gloo", "nccl", "socket", "broken pipe"))

"""The training state: all that changes while a model is trained, saved in the run directory and restored from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from s2s.errors import check
from s2s.kernels.operators import use_operators, uses_operators
from s2s.storage.run_directory import RunDirectory
from s2s.storage.training_state import read_state, write_state
from s2s.storage.weights import load_weights
from s2s.training.averaging import Average
from s2s.training.optimisation import optimiser_tensors, restore_optimiser
from s2s.training.optimisers import Optimiser
from s2s.training.progress import Means
from s2s.training.schedule import Schedule
from s2s.training.task import Mark, Task, TaskState, Validation, is_lower

VERSION = 4  # of what a recipe means: raise it when other steps follow from the same recipe


@dataclass
class Position:
    """How far a training has come.

    Attributes:
        step: updates of the weights
        epoch: epochs that are finished
        batch: of the current epoch, the next one to be read
        best: how good the best model so far is
        lowest_loss: of all validations so far
        stale: validations in a row that improved neither the primary figure nor the loss, not counting the warm-up
        seconds: spent in training and validation, in all sessions
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    best: Mark | None = None
    lowest_loss: float | None = None
    stale: int = 0
    seconds: float = 0.0

    def count(self, validation: Validation, *, improved: bool, warm: bool) -> bool:
        """Count a validation as fresh or stale; return whether it is fresh.

        Args:
            validation: its loss is compared with the lowest so far
            improved: whether it gave a new best model
            warm: whether the warm-up of the learning rate has ended; before that every validation is fresh
        """
        lower = is_lower(validation.loss, self.lowest_loss)
        if lower:
            self.lowest_loss = validation.loss
        fresh = improved or lower or not warm
        self.stale = 0 if fresh else self.stale + 1
        return fresh

    def record(self) -> dict[str, Any]:
        """Return what the training state stores; earlier versions have the same keys but `best_loss`, `lowest_loss`."""
        best = self.best
        flat = {"best": best and best.value, "best_loss": best and best.loss}
        return {**asdict(self), **flat}

    @classmethod
    def restored(cls, record: Mapping[str, Any]) -> Position:
        """Return the position that `record` returned, of this version or an earlier one."""
        others = {name: value for name, value in record.items() if name not in ("best", "best_loss")}
        value = record["best"]
        return cls(**others, best=None if value is None else Mark(value, record.get("best_loss")))


@dataclass
class TrainingState:
    """The parts of a training that change, and where they are saved.

    Attributes:
        about: its `data` and `start` name the content that is trained on and the model that training started from, and
            its `files` the SHA-256 of files that the data depend on, by their paths
        machine: on which the state was made, see `machine_of`
    """

    run: RunDirectory
    about: Mapping[str, Any]
    task: Task[Any]
    model: nn.Module
    optimiser: Optimiser
    schedule: Schedule
    average: Average
    means: Means
    machine: str
    position: Position = field(default_factory=Position)

    def save(self, carried: TaskState) -> None:
        """Write the state, replacing the one before; then delete the checkpoints that it does not mention.

        Args:
            carried: what the task carries to the next batch, in all processes
        """
        tensors = _prefixed("model/", self.model.state_dict())
        tensors |= _prefixed("average/", self.average.tensors())
        tensors |= _prefixed("optimiser/", dict(optimiser_tensors(self.optimiser, self.model)))
        tensors |= _prefixed("task/", carried.tensors)
        record = {
            "position": self.position.record(),
            "schedule": self.schedule.record(),
            "kept": self.average.record(),
            "means": self.means.record(),
            "task": carried.values,
            "data": self.about.get("data"),
            "files": self.about.get("files"),
            "start": self.about.get("start"),
            "machine": self.machine,
            "kernels": uses_operators(),
            "version": VERSION,
        }
        write_state(self.run.last, tensors, record)
        self.average.delete_old_checkpoints()

    def restore(self) -> None:
        """Take over the saved state, and cut the log back to it.

        Raises:
            UserError: a file is damaged, or the state is of another version of the toolkit, of other data or of another
                start.
        """
        tensors, record = read_state(self.run.last)
        self._check_content(record)
        load_weights(self.model, _below("model/", tensors), source=self.run.last)
        restore_optimiser(self.optimiser, self.model, _below("optimiser/", tensors))
        self.average.restore(_below("average/", tensors), record["kept"])
        self.schedule.restore(record["schedule"])
        self.means.restore(record["means"])
        carried = TaskState(_below("task/", tensors), record.get("task", {}))  # older states have none
        self.task.restore(carried.to(next(self.model.parameters()).device))
        self.position = position = Position.restored(record["position"])
        self.machine = record.get("machine", self.machine)  # older states have none
        if not record.get("kernels", False):
            use_operators(None)  # a run that began without them goes on to the bit
        # An entry of this very step is older than the state only if the state was saved at the end of an epoch.
        self.run.cut_log(position.step if position.batch == 0 else position.step - 1)

    def check_resumable(self) -> None:
        """Raise the errors of `restore` that concern the content of the state, without changing anything."""
        if self.run.has_state():
            self._check_content(read_state(self.run.last)[1])

    def _check_content(self, record: Mapping[str, Any]) -> None:
        """Check version, start and data; the start first, since the data depend on its vocabularies."""
        check(
            record.get("version", 1) == VERSION,
            f"{self.run.path}: was started with another version of this toolkit, which trains differently from the "
            "same recipe: finish it with that version, or start another --run",
        )
        files = self.about.get("files") or {}
        known = record.get("files") or {}  # older states have none
        changed = ", ".join(path for path, checksum in known.items() if files.get(path, checksum) != checksum)
        data = f"the data ({changed})" if changed else "the data or its preparation"
        for name, what in (("start", "the model in the recipe's start"), ("data", data)):
            found = self.about.get(name)
            check(
                record.get(name, found) == found,  # older states have no start
                f"{self.run.path}: {what} has changed since this run was started: "
                "restore the old files, or start another --run",
            )


def machine_of(device: torch.device) -> str:
    """Return what the last bits of a sum depend on, beside the kind of processor."""
    threads = f" with {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    operators = " and compiled operators" if uses_operators() else ""
    return f"PyTorch {torch.__version__} on {device.type}{threads}{operators}"


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}

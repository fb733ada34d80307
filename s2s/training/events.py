"""TensorBoard events of a run: the figures of its log, in the folder `tensorboard` of the run directory.

    tensorboard --logdir RUN/tensorboard

The log is the truth. When a training starts or goes on, all earlier events are declared void and those of the log are
written again, so that a resumed run goes on in the same curves, and a run that began without events gets them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from s2s.storage.run_directory import RunDirectory, read_log

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"
_NO_FIGURES = ("step", "epoch", "seconds", "mean_of")


def check_tensorboard() -> None:
    """Raise a ModuleNotFoundError if TensorBoard is not installed, which the command turns into advice."""
    import tensorboard  # noqa: F401


class EventLog:
    """Writes each entry of the log as events; called after the entry is in the log."""

    def __init__(self, run: RunDirectory) -> None:
        self._run = run
        self._writer: SummaryWriter | None = None

    def __call__(self, entry: Mapping[str, Any]) -> None:
        """Write the events of an entry, the first time also those of all entries before it."""
        entries: list[Mapping[str, Any]] = [entry]
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            # Only now: what follows the saved state was cut from the log of a run that is resumed.
            self._writer = SummaryWriter(str(self._run.path / FOLDER), purge_step=0)
            entries = [*read_log(self._run.path)]
        for each in entries:
            prefix = "mean of checkpoints/" if "mean_of" in each else ""
            for name, value in each.items():
                if name not in _NO_FIGURES:
                    self._writer.add_scalar(f"{prefix}{name}", value, each["step"])
        self._writer.flush()

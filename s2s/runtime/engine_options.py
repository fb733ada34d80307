"""The choice of an engine: PyTorch, or ONNX Runtime on the light form of a model."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from s2s.errors import check
from s2s.nn.configuration import DecodingPrecision
from s2s.storage.light_form import LightModel, has_light, read_light

EngineName = Literal["auto", "onnx", "torch"]
Engine = TypeVar("Engine")


@dataclass(frozen=True)
class EngineOptions:
    """What computes, and how.

    Attributes:
        engine: "onnx" for the light form, "torch" for PyTorch; "auto" for the light form where the model has one and
            neither the device nor the precision asks for PyTorch
        device: "auto", "cpu" or "cuda"; only PyTorch runs on "cuda"
        precision: of matrix products; "auto" for the fastest. The light form has the one that it was exported in
        threads: how many processor cores are used; None for all
    """

    engine: EngineName = "auto"
    device: str = "auto"
    precision: DecodingPrecision = "auto"
    threads: int | None = None

    def load(
        self,
        directory: Path,
        kind: str,
        light: Callable[[LightModel, int], Engine],
        torch: Callable[[Path, str, DecodingPrecision, int | None], Engine],
    ) -> Engine:
        """Load a model by the engine that these options choose.

        Args:
            directory: of the model
            kind: of the model, such as "translation"
            light: makes an engine of a light form and a number of threads
            torch: makes one of a model directory, a device, a precision and a number of threads (None for all)

        Raises:
            UserError: the engine cannot run this model, or not with these options.
        """
        if self._uses_light(directory):
            form = read_light(directory, kind)
            check(
                self.precision in ("auto", form.precision),
                f"--precision {self.precision}: the light form of {directory} is in {form.precision}; leave "
                "--precision out, or use --engine torch",
            )
            return light(form, self.threads or cores())
        return torch(directory, self.device, self.precision, self.threads)

    def _uses_light(self, directory: Path) -> bool:
        if self.engine == "onnx":
            check(self.device != "cuda", "--device cuda: the light form runs on processors only; use --engine torch")
        if self.engine != "auto":
            return self.engine == "onnx"
        return self.device != "cuda" and self.precision in ("auto", "int8") and has_light(directory)


def cores() -> int:
    """How many processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

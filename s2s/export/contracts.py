"""What export needs to know of a kind of model; each application registers it under "s2s.exporters"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

Storage = Literal["int8", "float16", "float32"]
EngineName = Literal["onnx", "torch"]


@dataclass(frozen=True)
class LightFiles:
    """The files of a light form.

    Attributes:
        files: contents by name
        grid: rows and columns of a captioner's grid; None for other kinds of models
    """

    files: Mapping[str, bytes]
    grid: tuple[int, int] | None = None


class Written(NamedTuple):
    """What a search wrote: the text, and its score."""

    text: str
    score: float


class Exporter(Protocol):
    """A model that is to be exported, and how its two engines are compared.

    Attributes:
        unit: what it reads, for reports: "lines" or "pictures"
    """

    unit: str

    def light_files(self, precision: Storage) -> LightFiles:
        """Build the light form.

        Raises:
            UserError: a part of the model cannot be exported; the message names it.
        """
        ...

    def samples(self, files: Sequence[Path]) -> list[Any]:
        """Inputs for the comparison: those in `files`, or, without any, made-up ones that are always the same.

        Raises:
            UserError: a file cannot be read.
        """
        ...

    def write(self, directory: Path, engine: EngineName, samples: Sequence[Any]) -> list[Written]:
        """What an engine writes for these inputs, in float32 where it is PyTorch, and in the light form's precision."""
        ...

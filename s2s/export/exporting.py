"""Exporting: build the light form of a model, compare it with PyTorch, and write it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from s2s.export.comparison import Comparison
from s2s.export.contracts import Exporter, Storage
from s2s.storage.light_form import write_light


@dataclass(frozen=True)
class Export:
    """What was written.

    Attributes:
        sizes: bytes of each file by name
        float32: the comparison of the light form in float32 with PyTorch
        stored: that of the light form in the precision that was written; None where that is float32
    """

    sizes: dict[str, int]
    float32: Comparison
    stored: Comparison | None


def export(exporter: Exporter, directory: Path, output: Path, precision: Storage, files: Sequence[Path] = ()) -> Export:
    """Write the light form of the model in `directory` to `output`, once it was compared with PyTorch.

    Args:
        exporter: of the model
        directory: of the model
        output: the same directory, or another one, which is replaced as a whole
        precision: of the stored weights
        files: inputs for the comparison; without any, made-up ones

    Raises:
        UserError: the model cannot be exported, or its light form does not compute the same; nothing was written.
    """
    light = exporter.light_files(precision)
    samples = exporter.samples(files)
    expected = exporter.write(directory, "torch", samples)
    comparisons = list[Comparison]()

    def compare(folder: Path) -> None:
        comparisons.append(Comparison.of(expected, exporter.write(folder, "onnx", samples)))

    with TemporaryDirectory(prefix="s2s-export-") as folder:
        exact = light if precision == "float32" else exporter.light_files("float32")
        write_light(
            directory, Path(folder, "float32"), exact.files, precision="float32", grid=exact.grid, verify=compare
        )
    comparisons[0].verify(exporter.unit)
    write_light(
        directory,
        output,
        light.files,
        precision=precision,
        grid=light.grid,
        verify=(lambda _: None) if precision == "float32" else compare,
    )
    sizes = {name: len(data) for name, data in light.files.items()}
    return Export(sizes, comparisons[0], comparisons[1] if len(comparisons) > 1 else None)

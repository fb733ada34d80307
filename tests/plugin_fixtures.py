"""Tiny distributions of third parties, as an installer would leave them on the path."""

from __future__ import annotations

from pathlib import Path


def install(folder: Path, name: str, entry_points: str, **modules: str) -> None:
    """Write the metadata of a distribution and its modules: `hello="source"` becomes hello.py."""
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(entry_points)
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(source)

"""The notebooks in docs/notebooks run without an error, and the outputs that they store are those of their code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from forked import PATIENCE

nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def outputs(notebook: Any) -> list[tuple[str, str]]:
    """Each cell of code with the text that it printed and the value that it ended with."""
    return [
        (cell.source, "".join(each.get("text") or each.data["text/plain"] for each in cell.outputs))
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_its_outputs_are_not_stale(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nbclient import NotebookClient

    for variable in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    stored = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    NotebookClient(fresh, timeout=PATIENCE, resources={"metadata": {"path": str(tmp_path)}}).execute()
    for (source, new), (_, old) in zip(outputs(fresh), outputs(stored)):
        assert new == old, source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_with_its_outputs_and_names_no_folder_of_a_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert any(text for _, text in outputs(notebook))
    text = path.read_text(encoding="utf-8")
    assert not [name for name in (str(ROOT), "/home/", "/root/", "/tmp/", "/Users/") if name in text]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS

"""The notebooks in docs/notebooks run without an error, and the outputs that they store are those of their code.

Cells with the tag "measured" train a model. Their numbers depend on the rounding of the processor, so they may differ a
little from those stored.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from forked import PATIENCE

nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
NUMBER = re.compile(r"\d+\.\d+")
CLOSE = 0.2  # more than another seed changes (about 0.1)


def outputs(notebook: Any) -> list[tuple[Any, str]]:
    """Each cell of code with the text that it printed and the value that it ended with."""
    return [
        (cell, "".join(each.get("text") or each.data["text/plain"] for each in cell.outputs))
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def agree(new: str, old: str, *, measured: bool) -> bool:
    """Whether two outputs are the same; numbers that were measured need only be close."""
    if not measured:
        return new == old
    numbers = ([float(each) for each in NUMBER.findall(text)] for text in (new, old))
    return NUMBER.sub("#", new) == NUMBER.sub("#", old) and next(numbers) == pytest.approx(next(numbers), abs=CLOSE)


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
    for (cell, new), (_, old) in zip(outputs(fresh), outputs(stored)):
        assert agree(new, old, measured="measured" in cell.metadata.get("tags", ())), f"{cell.source}\n{new}\n{old}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_with_its_outputs_and_names_no_folder_of_a_machine(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert any(text for _, text in outputs(notebook))
    text = path.read_text(encoding="utf-8")
    assert not [name for name in (str(ROOT), "/home/", "/root/", "/tmp/", "/Users/") if name in text]


def test_measured_numbers_may_differ_a_little_and_words_may_not() -> None:
    assert agree("loss 0.51", "loss 0.44", measured=True)
    assert not agree("loss 0.51", "loss 0.44", measured=False)
    assert not agree("loss 0.51", "loss 1.51", measured=True)
    assert not agree("loss 0.51", "accuracy 0.51", measured=True)
    assert not agree("loss 0.51", "loss 0.51 0.51", measured=True)


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS

"""The file of finished measurements."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from s2s.errors import UserError
from tests.benchmarks.record import Record, medians


def never() -> dict[str, float]:
    raise AssertionError("this was measured before")


def test_what_is_measured_is_not_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    first = Record(path, {"threads": 2})
    assert first.take("training/a/1", lambda: {"pairs": 3.0})
    second = Record(path, {"threads": 2})
    assert not second.take("training/a/1", never)
    assert second.take("training/a/2", lambda: {"pairs": 5.0})
    assert second.medians() == {"training/a": {"pairs": 4.0}}


def test_what_fails_is_not_stored(tmp_path: Path) -> None:
    record = Record(tmp_path / "figures.json", {})
    with pytest.raises(AssertionError):
        record.take("training/a/1", never)
    assert not (tmp_path / "figures.json").exists()


def test_figures_of_different_machines_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    Record(path, {"threads": 2, "machine": "a"}).take("x/1", lambda: {"seconds": 1.0})
    with pytest.raises(UserError, match=r"another threads.*--output"):
        Record(path, {"threads": 4, "machine": "a"})


@pytest.mark.parametrize("content", ["nonsense", "[]", "{}", json.dumps({"measurements": {}})])
def test_another_file_is_not_overwritten(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.json"
    path.write_text(content)
    with pytest.raises(UserError, match="is not a file of measurements"):
        Record(path, {})
    assert path.read_text() == content


def test_medians_are_of_each_figure() -> None:
    taken = {"a/b/1": {"x": 1.0, "y": 9.0}, "a/b/2": {"x": 7.0}, "a/b/3": {"x": 2.0, "y": 5.0}, "a/c/1": {"x": 4.0}}
    assert medians(taken) == {"a/b": {"x": 2.0, "y": 7.0}, "a/c": {"x": 4.0}}

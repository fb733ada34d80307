"""Doubtful outputs: the line that counts them, and the file that tells of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from s2s.cli.doubts import report_file, summary


def test_doubtful_outputs_are_counted() -> None:
    assert summary(0, 9, "lines") == ""
    assert summary(1, 1234, "captions") == "1 of 1,234 captions is doubtful"
    assert summary(2, 9, "lines", ", marked") == "2 of 9 lines are doubtful, marked"


def test_a_report_has_an_object_a_line_and_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    with report_file(path) as write:
        write({"text": "a\u2028b", "confidence": None})
        write({})
        assert not path.exists()
    lines = path.read_text(encoding="utf-8").split("\n")
    assert [json.loads(line) for line in lines[:-1]] == [{"text": "a\u2028b", "confidence": None}, {}]
    with pytest.raises(OSError, match="broken"), report_file(tmp_path / "other") as write:
        raise OSError("broken")
    assert not (tmp_path / "other").exists()

"""tests.benchmarks.odd_text: what its report counts."""

from __future__ import annotations

import pytest

from tests.benchmarks.odd_text import report
from tests.odd_lines import OddLine


def test_lines_with_missing_or_doubled_spans_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [OddLine("heading", "Dogs 5", ["5"]), OddLine("heading", "Cats <b>", ["<b>"]), OddLine("quoted", "“a”")]
    assert report(lines, ["Hunde", "Katzen <b> <b>", "„a a“"], examples=5) == 1
    printed = capsys.readouterr().out
    assert [line.split() for line in printed.splitlines()[1:4]] == [
        ["heading", "2", "1", "1", "0"],
        ["quoted", "1", "0", "0", "1"],
        ["all", "3", "1", "1", "1"],
    ]
    assert "5 (1)" in printed
    assert "missing ['5'], doubled []" in printed
    assert report(lines[2:], ["„a“"], examples=5) == 0

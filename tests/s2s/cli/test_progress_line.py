"""The line of progress: what it says, and that it is for terminals only."""

from __future__ import annotations

import sys

import pytest

from s2s.cli.progress_line import ProgressLine, progress_text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            (5, 1, 2.5, "pictures", 9),
            "[#############-----------] 55 % · 5 of 9 pictures, 2.0 pictures/s, 1 failed, 0:02 left",
        ),
        ((9, 0, 0.5, "pictures", 9), "[########################] 100 % · 9 of 9 pictures, 18 pictures/s"),
        ((1, 0, 0.5, "pictures", 1), "[########################] 100 % · 1 of 1 picture, 2.0 pictures/s"),
        ((0, 0, 0.0, "pictures", 9), "[------------------------] 0 % · 0 of 9 pictures, 0 pictures/s"),
        ((1200, 0, 1.0, "lines", None), "1,200 lines, 1,200 lines/s"),
        (
            (1, 0, 10.0, "pictures", 1001),
            "[------------------------] 0 % · 1 of 1,001 pictures, 0.1 pictures/s, 166:40 left",
        ),
    ],
)
def test_it_says_how_much_how_fast_and_how_long(values: tuple[int, int, float, str, int | None], text: str) -> None:
    assert progress_text(*values) == text


def test_it_is_shown_on_terminals_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        line = ProgressLine("pictures", 2)
        line.show(1)
        line.show(2, 1)
        line.end()
        line.clear()
        printed = capsys.readouterr().err
        assert ("2 of 2 pictures" in printed and "1 failed" in printed) == terminal
        assert bool(printed) == terminal

"""Odd lines through a bundled translator: protected spans come out again, each as often as it went in."""

from __future__ import annotations

import pytest

from tests.odd_lines import OddLine, doubled_spans, loops, missing_spans, odd_lines
from translation.loading import bundled
from translation.translator import Translator

LINES = 300


@pytest.fixture(scope="module")
def translated() -> list[tuple[OddLine, str]]:
    lines = list(odd_lines(LINES, seed=3))
    outputs = Translator.load(bundled("de"), device="cpu").translate([line.text for line in lines])
    return [(line, output.text) for line, output in zip(lines, outputs, strict=True)]


def test_protected_spans_survive(translated: list[tuple[OddLine, str]]) -> None:
    lost = [(line.text, text) for line, text in translated if missing_spans(line, text) or doubled_spans(line, text)]
    assert lost == []


def test_no_line_loops(translated: list[tuple[OddLine, str]]) -> None:
    found = [(line.text, text, loops(line, text)) for line, text in translated if loops(line, text)]
    assert found == []


def test_lines_without_words_come_out_as_they_went_in(translated: list[tuple[OddLine, str]]) -> None:
    changed = [(line.text, text) for line, text in translated if line.kind == "without words" and text != line.text]
    assert changed == []

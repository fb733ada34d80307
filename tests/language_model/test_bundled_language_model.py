"""The bundled language model: `s2s sample` finds it, and it writes dialogue."""

from __future__ import annotations

import re

import pytest

from language_model.generator import Generator
from language_model.loading import MODELS
from language_model.sample import sample


def test_sample_uses_it_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert sample(["--prime", "ROMEO:", "--length", "120", "--seed", "3"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("ROMEO:")
    assert 126 <= len(text) <= 127  # with the end of the line
    assert sample(["--model", "shakespeare", "--prime", "ROMEO:", "--length", "120", "--seed", "3"]) == 0
    assert capsys.readouterr().out == text


def test_it_lays_out_dialogue() -> None:
    (written,) = Generator.load(MODELS / "shakespeare").sample("ROMEO:", length=1500)
    speakers = re.findall(r"^[A-Z][A-Za-z ]+:$", written.text, flags=re.MULTILINE)
    assert len(speakers) >= 3

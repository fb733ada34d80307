"""The recipes of the tutorial: copy and reverse, learned without a mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.toy import toy
from s2s.decoding.search import BeamOptions
from translation.train import train
from translation.translator import Translator

RECIPES = Path(__file__).resolve().parents[2] / "translation" / "recipes"


@pytest.mark.parametrize("task", ["copy", "reverse"])
def test_all_held_out_sequences_are_right(task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    toy(["--output", "data/toy"])
    train([str(RECIPES / f"{task}.toml"), "--run", "run"])
    source, target = (Path(f"data/toy/test.{side}").read_text().splitlines() for side in ("source", task))
    assert len(source) == 1000
    for width in (1, 5):
        translator = Translator.load("run/best", BeamOptions(width))
        assert [each.text for each in translator.translate(source)] == target

"""The toy questions: what the lecture trains an answerer on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from data_prep.toy_questions import COLOURS, COPIES, toy_questions
from question_answering.corpus import read_questions
from s2s.cli import command
from s2s.vision.images import read_image


def test_the_question_alone_gives_no_colour_away(tmp_path: Path) -> None:
    assert command.run(toy_questions, ["--output", str(tmp_path)]) == 0
    pairs = len(COLOURS) * (len(COLOURS) - 1)
    for split, copies in COPIES.items():
        found, _ = read_questions(tmp_path / f"{split}.jsonl")
        assert len(found) == 4 * pairs * copies
        assert found[0].answer == "red"
        red, green, blue = np.asarray(read_image(found[0].picture))[1, 1].tolist()
        assert red > max(green, blue)
        asked = Counter((each.words, each.answer) for each in found if each.kind == "colour")
        assert len(set(asked.values())) == 1


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    assert command.run(toy_questions, ["--output", str(tmp_path)]) == 0
    assert command.run(toy_questions, ["--output", str(tmp_path)]) == 2
    assert command.run(toy_questions, ["--output", str(tmp_path), "--force"]) == 0

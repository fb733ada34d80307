"""All metrics together give pycocoevalcap's figures, with and without the human row, and Java costs only itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from captioning.metrics import scores
from captioning.metrics.java import Round, UnavailableError
from captioning.metrics.scores import score_captions
from s2s.errors import UserError

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "caption_golden.json").read_text("utf-8"))
RAW, CAPTIONS = GOLDEN["raw"], GOLDEN["captions"]
UNEVEN = {picture: captions[: 1 + number % 5] for number, (picture, captions) in enumerate(RAW.items())}


def agree(found: scores.Scores, golden: dict[str, Any]) -> None:
    """The figures are those of pycocoevalcap, to what its own tiny constants in BLEU change."""
    assert [found.bleu_1, found.bleu_2, found.bleu_3, found.bleu_4] == pytest.approx(
        [100 * value for value in golden["bleu"]], abs=1e-6
    )
    assert found.rouge_l == pytest.approx(100 * golden["rouge_l"], abs=1e-9)
    assert found.cider_d == pytest.approx(100 * golden["cider_d"], abs=1e-9)


def test_raw_captions_score_what_pycocoevalcap_gives_them() -> None:
    found = score_captions(CAPTIONS, RAW)
    agree(found.scores, GOLDEN["scores"])
    assert (found.images, found.references, found.human) == (12, (5, 5), None)


def test_pictures_may_have_different_counts_of_references() -> None:
    found = score_captions(CAPTIONS, UNEVEN)
    agree(found.scores, GOLDEN["uneven_scores"])
    assert found.references == (1, 5)


def test_the_human_row_is_the_mean_of_each_reference_against_the_others() -> None:
    human = score_captions(CAPTIONS, RAW, human=True).human
    assert human
    agree(human, GOLDEN["human"])


def test_the_captions_beside_the_human_row_are_scored_against_the_same_references() -> None:
    found = score_captions({picture: captions[0] for picture, captions in RAW.items()}, RAW, human=True)
    rounds = [
        score_captions(
            {picture: captions[0] for picture, captions in RAW.items()},
            {picture: captions[:turn] + captions[turn + 1 :] for picture, captions in RAW.items()},
        ).scores
        for turn in range(5)
    ]
    assert found.captions_alike
    assert found.captions_alike.cider_d == pytest.approx(sum(each.cider_d for each in rounds) / 5)
    assert found.captions_alike.bleu_4 == pytest.approx(sum(each.bleu_4 for each in rounds) / 5)
    assert found.captions_alike.bleu_4 < found.scores.bleu_4 == pytest.approx(100)


def test_a_picture_with_fewer_references_begins_again_with_its_first() -> None:
    references = {1: ["a dog runs", "the dog sits", "dogs"], 2: ["a cat runs", "one cat sleeps"]}
    rounds = [({1: 0, 2: 0}), ({1: 1, 2: 1}), ({1: 2, 2: 0})]
    single = [
        score_captions(
            {picture: references[picture][turn] for picture, turn in chosen.items()},
            {
                picture: [text for number, text in enumerate(references[picture]) if number != turn]
                for picture, turn in chosen.items()
            },
        ).scores
        for chosen in rounds
    ]
    human = score_captions({1: "a dog", 2: "a cat"}, references, human=True).human
    assert human
    assert human.rouge_l == pytest.approx(sum(each.rouge_l for each in single) / 3)
    assert human.cider_d == pytest.approx(sum(each.cider_d for each in single) / 3)


def test_order_of_the_captions_does_not_matter() -> None:
    assert score_captions(dict(reversed(CAPTIONS.items())), RAW) == score_captions(CAPTIONS, RAW)


def test_every_row_says_how_many_pictures_and_references() -> None:
    table = str(score_captions(CAPTIONS, {**RAW, "22892": RAW["22892"][:3]}, human=True)).splitlines()
    assert "captions, 3-5 references" in table[1]
    assert all(" 12 " in line and line.endswith(" -") for line in table[1:4])  # the last column is SPICE
    assert [line.partition(":")[0] for line in table[4:]] == ["captions", "human", "note"]


def test_a_metric_of_java_that_is_missing_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(rounds: Sequence[Round], language: str) -> list[float]:
        raise UnavailableError("not here")

    monkeypatch.setattr(scores, "spice", missing)
    monkeypatch.setattr(scores, "meteor", lambda rounds, language: [0.1 * number for number in range(len(rounds))])
    found = score_captions(CAPTIONS, RAW, human=True, java=True)
    assert found.unavailable == ("no SPICE: not here",)
    rows = found.scores, found.human, found.captions_alike
    assert [row.meteor for row in rows if row] == pytest.approx([0, 100 * 0.3, 100 * 0.8])
    assert [row.spice for row in rows if row] == [None] * 3
    agree(found.scores, GOLDEN["scores"])


def test_a_metric_of_java_that_is_no_number_is_none_in_its_row_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "meteor", lambda rounds, language: [0.5] * len(rounds))
    monkeypatch.setattr(scores, "spice", lambda rounds, language: [0.2, *[float("nan")] * 5, *[0.3] * 5])
    found = score_captions(CAPTIONS, RAW, human=True, java=True)
    assert [row.spice for row in (found.scores, found.human, found.captions_alike) if row] == [20, None, 30]
    assert found.unavailable == ("no SPICE where it gave a caption no number, so that there is no mean",)
    json.dumps(found.to_dict(), allow_nan=False)


def test_java_is_not_asked_for_unless_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "meteor", lambda rounds, language: pytest.fail("METEOR was started"))
    assert score_captions(CAPTIONS, RAW).scores.meteor is None


def test_an_evaluation_is_ready_for_json() -> None:
    found = score_captions(CAPTIONS, RAW, human=True)
    assert found.human
    assert json.loads(json.dumps(found.to_dict()))["human"] == asdict(found.human)


def test_captions_of_unknown_pictures_are_named() -> None:
    with pytest.raises(UserError, match=r"4 pictures \(x, y, z, \.\.\.\) of the captions: the references have no such"):
        score_captions({**CAPTIONS, "x": "a", "y": "b", "z": "c", "w": "d"}, RAW)


def test_pictures_without_a_caption_are_named() -> None:
    with pytest.raises(UserError, match=r"11 pictures \(18575, 551780, 530836, \.\.\.\) of the references: no caption"):
        score_captions({"99053": "food"}, RAW)


def test_what_cannot_be_scored_is_named() -> None:
    with pytest.raises(UserError, match="no references"):
        score_captions({}, {})
    with pytest.raises(UserError, match=r"1 picture \(2\): no reference"):
        score_captions({1: "a", 2: "b"}, {1: ["a"], 2: []})
    with pytest.raises(UserError, match=r"1 picture \(2\): a single reference; the human row needs two"):
        score_captions({1: "a", 2: "b"}, {1: ["a", "b"], 2: ["c"]}, human=True)

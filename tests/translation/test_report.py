"""The report of `translate`, and what is written for doubtful lines."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s2s.cli.doubts import NOT_CALIBRATED
from s2s.decoding.confidence import FILE, Calibration
from s2s.decoding.results import Sentence, Translation, WrittenTerm
from s2s.storage.model_directory import write_asset
from translation.counts import Counts
from translation.report import UNSURE, doubtful_lines, entry, written_line

LINES = ["A man is sleeping.", "", "Two dogs play!", "東", "A red hat in the snow."]

Translate = Callable[..., tuple[int, str, str]]


def calibration(threshold: float, bias: float = 0.0) -> Calibration:
    """One that knows `brevity` alone: shorter lines are less sure."""
    return Calibration(("brevity",), (0.1,), (0.1,), (1.0,), bias, threshold, "chrF", 100, 0.0)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.en"
    path.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    return path


@pytest.fixture(name="tiny_model")
def copied_model(tiny_model: Path, tmp_path: Path) -> Path:
    """A copy that a test may calibrate."""
    return Path(shutil.copytree(tiny_model, tmp_path / "tiny"))


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def translation(text: str, **fields: object) -> Translation:
    return Translation((Sentence(text, -0.5, ("a", "</s>")),), **fields)  # type: ignore[arg-type]


def test_an_entry_says_what_became_of_a_line() -> None:
    found = translation(
        "Sieh http://a.b/c und 7.",
        confidence=0.123456,
        doubtful=True,
        reasons=("repeats itself",),
        places=((0, 23),),
        terms=(WrittenTerm("See", "Sieh", written=True), WrittenTerm("and", "sowie", written=False)),
    )
    assert entry(found, "See http://a.b/c and 3.", "x.en", 4, calibrated=True) == {
        "file": "x.en",
        "line": 4,
        "source": "See http://a.b/c and 3.",
        "translation": "Sieh http://a.b/c und 7.",
        "score": -0.5,
        "confidence": 0.1235,
        "doubtful": True,
        "reasons": ["repeats itself", "and should be sowie, which is missing"],
        "spans": [
            {"text": "http://a.b/c", "kind": "url", "start": 4, "end": 16, "kept": True},
            {"text": "3", "kind": "number", "start": 21, "end": 22, "kept": False},
        ],
        "terms": [
            {"source": "See", "target": "Sieh", "written": True},
            {"source": "and", "target": "sowie", "written": False},
        ],
        "pieces": [[0, 23]],
    }


def test_missing_terms_are_counted() -> None:
    count = Counts.of([translation("ein Hund", terms=(WrittenTerm("a", "ein", written=True),))])
    assert count.missing_terms("") == ""
    count += Counts.of([translation("x", terms=(WrittenTerm("a", "ein", written=False),))])
    assert count.missing_terms("; why") == "1 of 2 terms is missing in the translations, in 1 line; why"
    count += Counts.of([translation("x", terms=(WrittenTerm("a", "ein", written=False),) * 2)])
    assert count.missing_terms("") == "3 of 4 terms are missing in the translations, in 2 lines"


def test_lines_are_counted() -> None:
    found = [translation("a", doubtful=True, prefix_kept=False), translation("b", is_long=True, prefix_kept=False)]
    assert Counts.of(found) + Counts.of(found) == Counts(doubtful=2, long=2, without_prefix=4)


def test_of_two_equal_spans_one_is_lost() -> None:
    spans = entry(translation("5"), "5 and 5", "", 1, calibrated=True)["spans"]
    assert [span["kept"] for span in spans] == [True, False]


def test_a_line_that_was_not_given_to_the_model_has_no_score() -> None:
    blank = entry(Translation((Sentence("", 0.0),)), "", "x", 1, calibrated=True)
    assert (blank["score"], blank["confidence"], blank["doubtful"], blank["reasons"]) == (None, None, False, [])


def test_without_a_calibration_the_score_is_all_there_is() -> None:
    found = entry(translation("x"), "y", "x", 1, calibrated=False)
    assert (found["score"], found["confidence"], found["doubtful"]) == (-0.5, None, None)
    assert found["reasons"] == [NOT_CALIBRATED]


@pytest.mark.parametrize(("unsure", "written"), [*zip(UNSURE, ["Hut", "[?] Hut", "hat"])])
def test_doubtful_lines_are_written_as_asked_for(unsure: str, written: str) -> None:
    how: Any = unsure
    assert written_line(translation("Hut"), "hat", how) == "Hut"
    assert written_line(translation("Hut", doubtful=True), "hat", how) == written
    assert doubtful_lines(0, 1, how, "") == ""
    assert doubtful_lines(1, 1234, how, "; so what").startswith("1 of 1,234 lines is doubtful")
    assert doubtful_lines(2, 1234, how, "; so what").startswith("2 of 1,234 lines are doubtful")


def test_the_command_reports_on_every_line(run: Translate, text: Path, tiny_model: Path, tmp_path: Path) -> None:
    write_asset(tiny_model, FILE, calibration(0.5).to_json())
    plain = run(text, text)
    report = tmp_path / "report.jsonl"
    code, output, errors = run(text, text, "--report", report)
    assert (code, output) == plain[:2]
    entries = read(report)
    assert [each["line"] for each in entries] == [1, 2, 3, 4, 5] * 2
    assert [each["source"] for each in entries] == LINES * 2
    assert {each["file"] for each in entries} == {str(text)}
    assert [each["translation"] for each in entries] == output.splitlines()
    assert [each["confidence"] is None for each in entries[:5]] == [False, True, False, False, False]
    doubtful = sum(each["doubtful"] for each in entries)
    assert plain[2] == f"{doubtful} of 10 lines are doubtful; --report FILE says which and why\n"
    assert errors == f"{doubtful} of 10 lines are doubtful\n"
    assert all(each["reasons"] for each in entries if each["doubtful"])


def test_the_report_says_where_a_line_was_cut(run: Translate, tiny_model: Path, tmp_path: Path) -> None:
    write_asset(tiny_model, FILE, calibration(0.5).to_json())
    text = tmp_path / "two.en"
    text.write_text("  - A man is sleeping.  Two dogs play!\n\n")
    assert run(text, "--report", tmp_path / "report.jsonl")[0] == 0
    two, blank = read(tmp_path / "report.jsonl")
    assert [two["source"][start:end] for start, end in two["pieces"]] == ["A man is sleeping.", "Two dogs play!"]
    assert blank["pieces"] == []


def test_doubtful_lines_are_marked_or_left_as_they_are(run: Translate, text: Path, tiny_model: Path) -> None:
    write_asset(tiny_model, FILE, calibration(1.0).to_json())
    plain = run(text)[1].splitlines()
    code, output, errors = run(text, "--unsure", "mark")
    assert code == 0
    assert output.splitlines() == [f"[?] {plain[0]}", "", f"[?] {plain[2]}", "[?] 東", f"[?] {plain[4]}"]
    assert errors == "4 of 5 lines are doubtful, marked [?]; --report FILE says which and why\n"
    assert run(text, "--unsure", "source")[1].splitlines() == LINES


def test_where_no_line_is_doubtful_nothing_is_said(run: Translate, text: Path, tiny_model: Path) -> None:
    write_asset(tiny_model, FILE, calibration(0.0).to_json())
    readable = text.with_name("readable.en")
    readable.write_text("".join(f"{line}\n" for line in LINES if line != "東"), encoding="utf-8")
    assert run(readable, "--unsure", "mark")[1:] == (run(readable)[1], "")


def test_a_model_that_is_not_calibrated(run: Translate, text: Path, tiny_model: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    code, output, errors = run(text, "--report", report)
    assert code == 0
    assert errors.startswith(f"warning: --report: the confidence of {tiny_model} is not calibrated")
    assert errors.count("\n") == 1
    assert f"s2s calibrate translation {tiny_model} --source FILE --reference FILE" in errors
    assert {each["confidence"] for each in read(report)} == {None}
    code, output, errors = run(text, "--unsure", "mark")
    assert (code, output) == (2, "")
    assert errors.startswith(f"error: --unsure mark: the confidence of {tiny_model} is not calibrated; calibrate it")
    code, _, errors = run(text, "--unsure", "source", "--model", tiny_model)  # `run` names one already
    assert (code, errors[:61]) == (2, "error: --unsure source: the confidence of an ensemble is not ")


def test_a_calibration_of_another_version_cannot_say_what_is_doubtful(
    run: Translate, text: Path, tiny_model: Path
) -> None:
    write_asset(tiny_model, FILE, replace(calibration(0.5), features=("colour",)).to_json())
    code, output, errors = run(text, "--unsure", "mark")
    assert (code, output) == (2, "")
    assert f"error: --unsure mark: the calibration of {tiny_model} is of another version" in errors


def test_what_cannot_be_written_is_told_before_anything_is_loaded(
    run: Translate, text: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("translation.translate.load", None)
    there = tmp_path / "there.jsonl"
    there.write_text("precious")
    wrong = {
        ("--report", there): "already exists",
        ("--report", text, "--force"): "is an input and would be overwritten",
        ("--report", there, "--force", "--output", there): "this is the file of --output too",
        ("--n-best", 2, "--unsure", "mark"): "--unsure mark writes one line for each line",
    }
    for options, message in wrong.items():
        code, output, errors = run(text, *options)
        assert (code, output) == (2, "")
        assert message in errors
    assert there.read_text() == "precious"

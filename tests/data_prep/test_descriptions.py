"""Text for back-translation: what is evaluated on is not in it, nothing is in it twice, and the report says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_prep.descriptions import write_descriptions
from s2s.errors import UserError
from s2s.text.lines import read_lines


def file(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="")
    return path


def test_only_new_lines_are_kept_and_the_others_are_told(tmp_path: Path) -> None:
    one = file(tmp_path / "train.1.de", "Ein Hund.", " \t", "Eine Straße.", "Zwei Ma\u0308nner.")
    two = file(tmp_path / "train.2.de", " ein hund. ", "Zwei M\u00e4nner.", "EINE STRASSE.", "Drei Hunde. ", "")
    validation, test = file(tmp_path / "val.de", "zwei MÄNNER. "), file(tmp_path / "test.de", "vier Katzen.")
    path = tmp_path / "descriptions.de"
    report = write_descriptions(path, [one, two], [validation, test])
    assert path.read_text(encoding="utf-8") == "Ein Hund.\nEine Straße.\nDrei Hunde.\n"
    assert str(report) == (
        "kept 3 of 9 lines: blank 2 (train.1.de:2, train.2.de:5), evaluated on 2 (train.1.de:4, train.2.de:2), "
        "double 2 (train.2.de:1, train.2.de:3)"
    )


def test_the_report_shows_three_places_of_each_reason(tmp_path: Path) -> None:
    lines = file(tmp_path / "a", *["same"] * 6)
    report = write_descriptions(tmp_path / "out", [lines], [])
    assert str(report) == "kept 1 of 6 lines: blank 0, evaluated on 0, double 5 (a:2, a:3, a:4, ...)"


def test_an_equal_file_is_left_alone_and_another_is_not_replaced(tmp_path: Path) -> None:
    part, path = file(tmp_path / "a", "Ein Hund."), tmp_path / "out"
    write_descriptions(path, [part], [])
    before = path.stat().st_ino
    write_descriptions(path, [part], [])
    assert path.stat().st_ino == before
    path.write_text("mine")
    with pytest.raises(UserError, match="already exists"):
        write_descriptions(path, [part], [])
    assert path.read_text() == "mine"
    write_descriptions(path, [part], [], force=True)
    assert path.read_text() == "Ein Hund.\n"


words = st.lists(st.text("aAäÄßsS\u0308 \t\u00a0", max_size=4), max_size=12)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=words, second=words, held_out=words)
def test_every_line_is_kept_once_or_evaluated_on(
    tmp_path: Path, first: list[str], second: list[str], held_out: list[str]
) -> None:
    parts = [file(tmp_path / "1", *first), file(tmp_path / "2", *second)]
    evaluated = file(tmp_path / "val", *held_out)
    write_descriptions(tmp_path / "out", parts, [evaluated], force=True)
    kept = [line.casefold() for line in read_lines(tmp_path / "out")]
    given_lines = {line.strip().casefold() for part in parts for line in read_lines(part)}
    excluded = {line.strip().casefold() for line in read_lines(evaluated)} | {""}
    assert len(kept) == len(set(kept))
    assert set(kept) == given_lines - excluded

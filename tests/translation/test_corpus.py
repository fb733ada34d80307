from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.errors import UserError
from translation.corpus import Cleaning, ParallelText, clean, hold_out, read_parallel


def text(*pairs: tuple[str, str]) -> ParallelText:
    return ParallelText([source for source, _ in pairs], [target for _, target in pairs], range(1, len(pairs) + 1))


def pairs(parallel: ParallelText) -> list[tuple[str, str]]:
    return list(zip(parallel.source, parallel.target))


def dropped(parallel: ParallelText, **options) -> dict[str, tuple[int, ...]]:
    """Reason -> lines, of the reasons that had any."""
    return {d.reason: d.lines for d in clean(parallel, Cleaning(**options))[1].dropped if d.count}


texts = st.lists(st.tuples(st.text("ab \xa0", max_size=6), st.text("ab ", max_size=6)), max_size=20).map(
    lambda rows: text(*rows)
)


def test_two_files_are_read_side_by_side(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_bytes("one\u2028two\r\n\na\xa0b".encode())
    (tmp_path / "a.de").write_bytes(b"eins\nzwei\ndrei\n")
    read = read_parallel(tmp_path / "a.en", tmp_path / "a.de")
    assert pairs(read) == [("one\u2028two", "eins"), ("", "zwei"), ("a\xa0b", "drei")]
    assert list(read.lines) == [1, 2, 3]
    assert len(read) == 3


def test_different_counts_are_an_error_even_where_the_surplus_is_blank(tmp_path: Path) -> None:
    source, target = tmp_path / "a.en", tmp_path / "a.de"
    source.write_text("one\n\n\n")
    target.write_text("eins\n")
    with pytest.raises(UserError) as error:
        read_parallel(source, target)
    assert f"{source} has 3 lines" in str(error.value)
    assert f"{target} has 1" in str(error.value)


def test_empty_files_are_an_error(tmp_path: Path) -> None:
    for name in ("a.en", "a.de"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match="empty"):
        read_parallel(tmp_path / "a.en", tmp_path / "a.de")


def test_a_side_of_only_spaces_is_blank() -> None:
    assert dropped(text(("a", "b"), ("", "b"), ("a", " \t\xa0"))) == {"blank": (2, 3)}


def test_either_side_can_be_too_long_and_the_limit_itself_is_allowed() -> None:
    rows = text(("a" * 5, "b"), ("a" * 6, "b"), ("a", "b" * 6))
    assert dropped(rows, max_characters=5) == {"too long": (2, 3)}


def test_the_ratio_counts_either_way_and_the_limit_itself_is_allowed() -> None:
    rows = text(("aaaa", "bb"), ("aaaaa", "bb"), ("aa", "bbbbb"))
    assert dropped(rows, max_ratio=2) == {"ratio": (2, 3)}


def test_languages_without_spaces_pass_the_defaults() -> None:
    assert not dropped(text(("A man is riding a bicycle down the street.", "一个男人在街上骑自行车。")))


def test_of_equal_pairs_the_first_stays_and_a_sentence_may_have_two_translations() -> None:
    rows = text(("a", "b"), ("a", "c"), ("a", "b"))
    assert dropped(rows) == {"duplicate": (3,)}
    assert dropped(rows, keep_duplicates=True) == {}


def test_a_dropped_pair_counts_once_under_its_first_reason() -> None:
    assert dropped(text(("", "b" * 99), ("", "b" * 99)), max_characters=5, max_ratio=1) == {"blank": (1, 2)}


def test_lines_that_cleaning_reports_are_those_of_the_file() -> None:
    once, _ = clean(text(("", "x"), ("a", "b"), ("c", ""), ("d", "e" * 20)))
    assert list(once.lines) == [2]
    assert dropped(text(("", "x"), ("a", "b"), ("d", "e" * 20)).pick([2, 1])) == {"ratio": (3,)}


def test_the_report_is_one_line_with_counts_and_first_lines() -> None:
    rows = text(("", ""), ("a", ""), ("", "b"), ("", "c"), ("d", "d"), ("d", "d"))
    report = clean(rows)[1]
    assert report.kept == 1
    assert str(report) == ("kept 1 of 6 pairs: blank 4 (lines 1, 2, 3, ...), too long 0, ratio 0, duplicate 1 (line 6)")
    assert "duplicate" not in str(clean(rows, Cleaning(keep_duplicates=True))[1])
    assert str(clean(rows.pick([4] * 1234), Cleaning(keep_duplicates=True))[1]).startswith("kept 1,234 of 1,234 pairs")


@given(texts)
def test_cleaning_keeps_order_and_sentences_and_is_done_after_once(rows: ParallelText) -> None:
    kept, report = clean(rows, Cleaning(max_characters=5, max_ratio=3))
    assert len(kept) == report.kept == report.total - sum(d.count for d in report.dropped)
    assert list(kept.lines) == sorted(kept.lines)
    assert pairs(kept) == [pairs(rows)[line - 1] for line in kept.lines]
    again, second = clean(kept, Cleaning(max_characters=5, max_ratio=3))
    assert pairs(again) == pairs(kept)
    assert second.kept == second.total


@pytest.mark.parametrize(("characters", "ratio"), [(0, 9), (600, 0.5), (600, float("nan"))])
def test_limits_without_sense_are_refused(characters: int, ratio: float) -> None:
    with pytest.raises(UserError, match="must be at least 1"):
        Cleaning(max_characters=characters, max_ratio=ratio)


def test_holding_out_splits_by_the_seed_and_keeps_the_order() -> None:
    rows = text(*((f"s{i}", f"t{i}") for i in range(50)))
    rest, held = hold_out(rows, 10, seed=1)
    assert len(held) == 10
    assert sorted([*rest.lines, *held.lines]) == list(rows.lines)
    assert list(rest.lines) == sorted(rest.lines)
    assert list(held.lines) == sorted(held.lines)
    assert pairs(held) == [pairs(rows)[line - 1] for line in held.lines]
    assert hold_out(rows, 10, seed=1) == (rest, held)
    assert hold_out(rows, 10, seed=2) != (rest, held)


@given(texts, st.integers(1, 5), st.integers(0, 9))
def test_no_sentence_held_out_is_left_in_the_rest(rows: ParallelText, count: int, seed: int) -> None:
    try:
        rest, held = hold_out(rows, count, seed)
    except UserError:
        return
    assert not set(rest.source) & set(held.source)
    assert not set(rest.target) & set(held.target)


@pytest.mark.parametrize("count", [-1, 0, 2, 3, 4])
def test_more_than_there_is_or_nothing_cannot_be_held_out(count: int) -> None:
    rows = text(("a", "b"), ("c", "d"), ("c", "e"))  # of which only the first pair may be drawn
    with pytest.raises(UserError, match="cannot hold out"):
        hold_out(rows, count, seed=1)
    with pytest.raises(UserError, match="cannot hold out"):
        hold_out(text(("a", "b")), 1, seed=1)


def test_entities_are_counted_and_turned_into_characters_if_asked() -> None:
    rows = text(("A &amp; B", "A &amp; B"), ("x", "y"), (" &nbsp;", "y"), ("A & B", "A & B"))
    kept, report = clean(rows)
    assert pairs(kept) == pairs(rows)
    told = "; XML entities such as &quot; in 2 pairs, the first in line 1, are kept; unescape_entities turns them into"
    assert told in str(report)
    kept, report = clean(rows, Cleaning(unescape_entities=True))
    assert pairs(kept) == [("A & B", "A & B"), ("x", "y")]
    assert str(report) == (
        "kept 2 of 4 pairs: blank 1 (line 3), too long 0, ratio 0, duplicate 1 (line 4); XML entities such as &quot; "
        "in 2 pairs, the first in line 1, were turned into characters"
    )

"""Spoiling: odd versions of lines, by which a calibration sees bad translations."""

from __future__ import annotations

from translation.spoiling import spoiled

LINES = [f"a man number{i} sees the dog{i} in the park ." for i in range(40)]


def test_every_line_has_an_odd_version_and_the_seed_repeats_it() -> None:
    odd = spoiled(LINES, 1)
    assert len(odd) == len(LINES)
    assert sum(new != old for new, old in zip(odd, LINES)) >= 38
    assert spoiled(LINES, 1) == odd != spoiled(LINES, 2)


def test_half_have_rare_words_of_other_lines_a_quarter_other_orders_and_a_quarter_made_up_words() -> None:
    odd = spoiled(LINES, 1)
    rare = {word for line in LINES for word in line.split() if word[-1].isdigit()}
    for i in range(0, 40, 2):
        assert all(new == old or new in rare for new, old in zip(odd[i].split(), LINES[i].split()))
    for i in range(1, 40, 4):
        assert sorted(odd[i].split()) == sorted(LINES[i].split())
    known = {word for line in LINES for word in line.split()}
    made_up = [word for i in range(3, 40, 4) for word in odd[i].split() if word not in known]
    assert len(made_up) > 10


def test_the_mark_at_the_end_stays_there() -> None:
    assert all(line.endswith("?") for line in spoiled(["is it a?", "so b?", "who?", "why is it so?"], 1))
    assert "?" not in "".join(line[:-1] for line in spoiled(["is it a?", "so b?", "who?", "why is it so?"], 1))


def test_blank_lines_and_lines_of_one_word_are_lines() -> None:
    assert spoiled(["", "  ", "...", "word", "x"], 1)[:3] == ["", "", "..."]
    assert all(spoiled(["word"] * 4, 1))
    assert spoiled([], 1) == []

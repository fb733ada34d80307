"""Files that were mixed up are told, and ordinary ones pass."""

from __future__ import annotations

from pathlib import Path

import pytest
from translation_fixtures import SOURCE, TARGET

from translation.corpus import ParallelText
from translation.corpus_checks import signs_of_equal_sides, signs_of_swapped_sides

CHINESE = ["一个男人在弹吉他。", "两只狗在奔跑。", "一个女人在看书。"]
ENGLISH = ["A man plays the guitar.", "Two dogs run.", "A woman reads a book."]


def text(source: list[str], target: list[str]) -> ParallelText:
    return ParallelText(source, target, range(1, len(source) + 1))


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    paths = tmp_path / "a.en", tmp_path / "a.de"
    for path in paths:
        path.touch()
    return paths


def test_equal_sides_are_told_where_they_are_more_than_half(paths: tuple[Path, Path]) -> None:
    assert list(signs_of_equal_sides(*paths, text(["a", "b"], ["a", "c"]))) == []
    assert list(signs_of_equal_sides(*paths, text([], []))) == []
    [sign] = signs_of_equal_sides(*paths, text(["a", "b", "c"], ["a", "b", "d"]))
    assert sign.startswith(f"{paths[0]}, {paths[1]}: 2 of 3 pairs are the same on both sides")


def test_one_file_as_both_sides_is_told(paths: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(paths[0])
    [sign] = signs_of_equal_sides(paths[0], tmp_path / "link", text(["a"], ["a"]))
    assert sign.startswith(f"{paths[0]}: is the file of both sides")


@pytest.mark.parametrize(("source", "target"), [(list(SOURCE), list(TARGET)), (ENGLISH, CHINESE)])
def test_swapped_validation_files_are_told(source: list[str], target: list[str], paths: tuple[Path, Path]) -> None:
    train = text(source * 3, target * 3)
    assert list(signs_of_swapped_sides(*paths, text(source, target), train)) == []
    [sign] = signs_of_swapped_sides(*paths, text(target, source), train)
    assert sign.startswith(f"{paths[0]}, {paths[1]}: look swapped: the source is more like the training target")


def test_sides_in_one_language_are_never_swapped(paths: tuple[Path, Path]) -> None:
    assert list(signs_of_swapped_sides(*paths, text(ENGLISH, ENGLISH[::-1]), text(ENGLISH, ENGLISH))) == []
    assert list(signs_of_swapped_sides(*paths, text(["", "x"], ["y", ""]), text(ENGLISH, CHINESE))) == []

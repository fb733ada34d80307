"""Lists of the photographs of Multi30k's lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.picture_lists import read_table, write_lists
from s2s.errors import UserError

TABLE = "set\tline\timage\tsplit\ntrain\t1\ta.jpg\ttrain\ntrain\t3\tb c.jpg\tval\nval\t2\td.jpg\ttrain\n"


def test_each_line_has_its_picture_or_none(tmp_path: Path) -> None:
    (tmp_path / "pictures.tsv").write_text(TABLE)
    texts = [tmp_path / "train.en", tmp_path / "val.en", tmp_path / "test.en"]
    for text in texts:
        text.write_text("a\nb\nc\nd\n")
    lists = write_lists(read_table(tmp_path / "pictures.tsv"), texts)
    assert lists == [tmp_path / "train.images", tmp_path / "val.images"]
    assert lists[0].read_text() == "a.jpg\n\nb c.jpg\n\n"
    assert lists[1].read_text() == "\nd.jpg\n\n\n"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("set\tline\n", "lacks image"),
        ("set\tline\timage\ntrain\tx\ta.jpg\n", "line 2: 'x' is no number"),
        ("set\tline\timage\ntrain\t9\ta.jpg\n", "names line 9 of train"),
    ],
)
def test_a_wrong_table_is_told(tmp_path: Path, table: str, message: str) -> None:
    (tmp_path / "pictures.tsv").write_text(table)
    (tmp_path / "train.en").write_text("a\n")
    with pytest.raises(UserError, match=message):
        write_lists(read_table(tmp_path / "pictures.tsv"), [tmp_path / "train.en"])

"""Tables keep their columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from mass.batches import Answer, _columns
from mass.parquet import Parquet
from mass.shards import number_shards
from s2s.errors import UserError

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet")
FORM = Parquet("text", "out")
TEXTS = ["a", None, "", "b\nc", "d", "e", "f"]


def write(path: Path, texts: object = TEXTS, **columns: object) -> None:
    pq.write_table(pa.table({"id": list(range(7)), "text": texts, **columns}), path, row_group_size=3)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_rows_are_read_and_written_in_order(tmp_path: Path, size: int) -> None:
    path, tables = tmp_path / "a.parquet", []
    write(path)
    for shard in number_shards([("a.parquet", FORM.parts(path, path.name, size))]):
        content, target = FORM.read(path, shard), tmp_path / shard.stem
        answers = [Answer(text and text.upper(), -1.0) for text in content.values]
        FORM.write(target, content, _columns(list(range(len(answers))), "translation", answers))
        assert FORM.count(target) == shard.count <= size
        tables.append(pq.read_table(target))
    whole = pa.concat_tables(tables).to_pydict()
    upper = [text and text.upper() for text in TEXTS]
    assert whole == {
        "id": list(range(7)),
        "text": TEXTS,
        "out": upper,
        "out_score": [-1.0] * 7,
        "out_confidence": [None] * 7,
    }


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("text", "has a column 'out' already"),
        ("id", "the column 'id' is of type int64, not text"),
    ],
)
def test_wrong_columns_are_refused(tmp_path: Path, column: str, message: str) -> None:
    path = tmp_path / "a.parquet"
    write(path, out=["x"] * 7)
    with pytest.raises(UserError, match=message):
        list(Parquet(column, "out").parts(path, path.name, 2))


def test_a_missing_column_and_a_damaged_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path)
    with pytest.raises(UserError, match=r"no column 'none'; there are id, text: name one with --column"):
        list(Parquet("none", "out").parts(path, path.name, 2))
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"a\.parquet: is no whole Parquet file"):
        list(FORM.parts(path, path.name, 2))


def test_dictionaries_of_strings_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, pa.array(TEXTS).dictionary_encode())
    [shard] = number_shards([("a.parquet", FORM.parts(path, path.name, 100))])
    assert FORM.read(path, shard).values == TEXTS

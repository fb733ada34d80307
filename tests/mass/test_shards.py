"""Inputs are divided into shards, and shards are read and written."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from mass.batches import Answer, _columns
from mass.forms import Form, JsonLines, Lines
from mass.shards import Shard, number_shards, parts_of_lines, read_part
from s2s.errors import UserError
from s2s.text.file_kinds import ZSTANDARD

ODD = "\ufeffa\r\n\n  \nb\u2028c\n\x0c\n\ne\u0301\n\nlast"


def shards(path: Path, size: int = 2, form: Form | None = None) -> list[Shard]:
    return list(number_shards([(path.name, (form or Lines()).parts(path, path.name, size))]))


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("text", [ODD, "", "\n", "\n\n\n", "a", "a\n", "\ufeff"])
def test_parts_hold_all_lines_in_order(tmp_path: Path, text: str, size: int) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode())
    found = shards(path, size)
    lines = [line for shard in found for line in Lines().read(path, shard).values]
    from s2s.text.lines import read_lines

    assert lines == list(read_lines(path))
    assert [shard.count for shard in found[:-1]] == [size] * (len(found) - 1)
    assert [shard.first for shard in found] == [1 + size * number for number in range(len(found))]


def test_shards_are_numbered_over_all_files(tmp_path: Path) -> None:
    for name, text in (("a", "1\n2\n3\n"), ("b", ""), ("c", "4")):
        (tmp_path / name).write_text(text)
    parts = [(name, parts_of_lines(tmp_path / name, name, 2)) for name in "abc"]
    found = [(s.number, s.source, s.first, s.count, s.place, s.stem) for s in number_shards(parts)]
    assert found == [
        (0, "a", 1, 2, 0, "part-00000000"),
        (1, "a", 3, 1, 2, "part-00000001"),
        (2, "c", 1, 1, 3, "part-00000002"),
    ]


def test_a_shard_is_a_line_of_json(tmp_path: Path) -> None:
    path = tmp_path / "ä\n.txt"
    path.write_text("a\n")
    [shard] = shards(path)
    assert "\n" not in shard.to_json()
    assert Shard.from_json(shard.to_json()) == shard


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"a\n"), "a.txt: is compressed, so that it has no parts; decompress it first"),
        (ZSTANDARD + b"abcd", "a.txt: is compressed, so that it has no parts; decompress it first"),
        ("a\n".encode("utf-16"), "a.txt: is in UTF-16; convert it to UTF-8 first"),
        (b"a\nb\xff\n", "a.txt: line 2, byte 3: not UTF-8: FF"),
        (b"a\nb\0\n", "a.txt: line 2, byte 3: a NUL byte"),
        (b"PAR1abcdefgh", "a.txt: is a Parquet file, not text"),
    ],
    ids=["gzip", "Zstandard", "UTF-16", "not UTF-8", "NUL", "Parquet"],  # gzip's bytes hold the time
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        shards(path)


def test_a_shard_that_has_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\nthree\n")
    found = shards(path)
    path.write_text("one\ntwo\nthrew\n")
    assert read_part(path, found[0]) == ["one\n", "two\n"]
    with pytest.raises(UserError, match=r"a\.txt: line 3: is not what it was when this run was begun"):
        read_part(path, found[1])


def test_objects_keep_what_they_have_and_get_three_fields(tmp_path: Path) -> None:
    lines = [
        '{"text": "a", "n": 1e2,   "big": 123456789012345678901234567890}',
        "",
        ' { "text" : null } ',
        '{"text": "\\u00e9"}',
        '{"text": "é"}',
        '{"other": 1}',
        '{"text": 7}',
        "[1]",
        '{"text": "a"',
        '{"text": "a", "out_score": 1}',
        "{ }",
    ]
    path, target = tmp_path / "a.jsonl", tmp_path / "out"
    path.write_bytes("\r\n".join(lines).encode())
    form = JsonLines("text", "out")
    [shard] = shards(path, 100, form)
    content = form.read(path, shard)
    assert content.values == ["a", None, None, "é", "é", *[None] * 6]
    assert content.problems == {
        5: "has no field 'text'",
        6: "its field 'text' is no text",
        7: "no JSON object",
        8: "not JSON (Expecting ',' delimiter)",
        9: "has a field 'out_score' already",
        10: "has no field 'text'",
    }
    answers = [Answer(value and "ü", value and -0.5, value and 0.25) for value in content.values]
    form.write(target, content, _columns(list(range(11)), "translation", answers))
    out = target.read_text(encoding="utf-8").split("\n")
    assert out.pop() == ""
    assert len(out) == form.count(target) == len(lines)
    added = '"out": "ü", "out_score": -0.5, "out_confidence": 0.25}'
    assert out[0] == f"{lines[0][:-1]}, {added}"
    assert out[2] == ' { "text" : null, "out": null, "out_score": null, "out_confidence": null}'
    assert out[3] == f"{lines[3][:-1]}, {added}".replace("ü", "\\u00fc")
    assert out[4] == f"{lines[4][:-1]}, {added}"
    nothing = '"out": null, "out_score": null, "out_confidence": null}'
    assert out[5:7] == [f"{line[:-1]}, {nothing}" for line in lines[5:7]]
    assert out[10] == f"{{{nothing}"
    assert [out[index] for index in (1, 7, 8, 9)] == [lines[index] for index in (1, 7, 8, 9)]
    assert all(json.loads(out[index])["out"] == "ü" for index in (0, 3, 4))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('\n{"source": "a", "id": 1}', "a.jsonl: no field 'text'; there are source, id: name one with --column"),
        ('{"text": 3}', "a.jsonl: the field 'text' of its first line is no text; name another one with --column"),
        ("text", "a.jsonl: its first line is not JSON .*; each line must be one JSON object"),
        ('{"text": "a", "out": 1}', "a.jsonl: has a field 'out' already; name another one with --into"),
    ],
)
def test_a_wrong_field_is_told_before_anything_is_done(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(line)
    with pytest.raises(UserError, match=message):
        JsonLines("text", "out").parts(path, path.name, 2)

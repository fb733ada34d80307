"""The list of the pictures in a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from captioning.inputs import find_inputs
from mass.pictures import Pictures, _sorted_on_disk, list_pictures
from mass.shards import number_shards

NAMES = ["b.jpg", "a/z.jpg", "a/b/c.png", "a.jpg", "a b/x.jpg", "a-1.jpg", "a/.hidden.jpg", ".cache/x.jpg", "c.txt"]
NAMES += ["a/b.jpg", "ä/1.jpg", "a\n.jpg", "B/x.jpg", "@eaDir/x.jpg", "a/b/Thumbs.db"]


def make(folder: Path) -> Path:
    for name in NAMES:
        path = folder / "p" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "far.jpg").write_bytes(b"x")
    (folder / "p" / "a" / "link").symlink_to(folder / "elsewhere")
    (folder / "p" / "again").symlink_to(folder / "p" / "a")
    (folder / "p" / "circle").symlink_to(folder / "p")
    (folder / "p" / "broken.jpg").symlink_to("nowhere")
    (folder / "p" / b"\xff.jpg".decode(errors="surrogateescape")).write_bytes(b"x")
    return folder / "p"


def test_the_order_is_that_of_caption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make(tmp_path)
    monkeypatch.chdir(tmp_path)
    found, listed = find_inputs(["p"]), tmp_path / "list"
    assert list_pictures(folder, listed) == found.passed_over
    lines = [json.loads(line) for line in listed.read_text(encoding="ascii").splitlines()]
    assert ["/".join(line["path"]) for line in lines] == [each.path for each in found.pictures]
    assert {line["size"] for line in lines} == {0, 1}
    form = Pictures("p", str(tmp_path))
    shards = list(number_shards([(str(listed), form.parts(listed, "p", 5))]))
    contents = [form.read(listed, shard) for shard in shards]
    assert [name for content in contents for name in content.raw] == [each.name for each in found.pictures]
    assert all(Path(path).is_absolute() for content in contents for path in content.values)


def test_more_pictures_than_fit_memory_are_sorted(tmp_path: Path) -> None:
    paths = [[str(number % 7), f"{number * 37 % 101}.jpg"] for number in range(101)]
    assert list(_sorted_on_disk(iter(paths), tmp_path, run=10)) == sorted(paths)
    assert not list(tmp_path.iterdir())
    assert list(_sorted_on_disk(iter([]), tmp_path)) == []

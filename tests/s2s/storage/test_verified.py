from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2s.errors import UserError
from s2s.storage.verified import (
    FORMAT_VERSION,
    MAX_JSON_BYTES,
    is_plain,
    read_limited,
    seal,
    shorten,
    unseal,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sealed")


@given(
    record=st.dictionaries(st.text().filter(lambda key: key not in ("format_version", "checksum")), JSON, max_size=4)
)
def test_a_record_comes_back(folder: Path, record: dict[str, Any]) -> None:
    path = folder / "record.json"
    path.write_bytes(seal(record))
    assert unseal(path) == {"format_version": FORMAT_VERSION, **record}


def test_layout_is_free_but_content_is_not(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    content = json.loads(seal({"size": 512, "kind": "lstm"}))
    path.write_text(json.dumps(dict(reversed(content.items()))))
    assert unseal(path)["size"] == 512
    path.write_text(json.dumps(content | {"size": 513}))
    with pytest.raises(UserError, match=r"record\.json: is damaged, truncated or edited"):
        unseal(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a complete JSON file"),
        (b"\xff\xfe{", "is not a complete JSON file"),
        (b"[" * 100_000, "is not a complete JSON file"),
        (b"1" * 10_000, "is not a complete JSON file"),
        (b"[]", "has no format version"),
        (b"{}", "has no format version"),
        (b'{"format_version": 1.0}', "has no format version"),
        (b'{"format_version": "one"}', "has no format version"),
        ('{"format_version": "²"}'.encode(), "has no format version"),
        (b'{"format_version": "1.0"}', "checksum differs"),
        (b'{"format_version": "2.0", "anything": "else"}', "made by a newer version .* upgrade the toolkit"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as refusal:
        unseal(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)


def test_a_newer_minor_version_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.json"
    monkeypatch.setattr("s2s.storage.verified.FORMAT_VERSION", "1.7")
    path.write_bytes(seal({"novelty": True}))
    monkeypatch.undo()
    assert unseal(path)["novelty"] is True


def test_files_that_never_end_are_not_begun(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(MAX_JSON_BYTES + 1)
    with pytest.raises(UserError, match=r"large\.json: is larger"):
        unseal(large)
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("folder", "device"):
        with pytest.raises(UserError, match=f"{name}: is not a file"):
            read_limited(tmp_path / name, 10)
    with pytest.raises(UserError, match="nothing: is missing"):
        read_limited(tmp_path / "nothing", 10)


def test_plain_names() -> None:
    assert all(map(is_plain, ["source.vocabulary", "bpe.model", "a-b_c.1"]))
    assert not any(
        map(is_plain, ["", ".", "..", "../x", "a/b", "a\\b", "C:x", "a\0", ".hidden", "\ud800", "x" * 101, "a\n"])
    )


def test_a_strangers_words_are_told_briefly() -> None:
    assert shorten("a\nb\x1b[2J  c") == "a b [2J c"
    assert len(shorten("x" * 10**6)) == 160

"""The folder of prepared data: where the environment says, and never a surprise after long work."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2s import cache
from s2s.errors import UserError


def test_the_most_particular_variable_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "own"
    monkeypatch.delenv("S2S_CACHE")
    assert cache.folder() == tmp_path / "xdg" / "s2s"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.folder() == tmp_path / ".cache" / "s2s"


def test_a_folder_that_can_be_written_is_made(tmp_path: Path) -> None:
    cache.make_writable(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file.*set S2S_CACHE to a writable folder"):
        cache.make_writable(tmp_path / "file" / "folder")


def test_a_key_follows_the_content_and_not_the_order_of_names() -> None:
    assert cache.key([{"a": 1, "b": 2}]) == cache.key([{"b": 2, "a": 1}])
    assert cache.key([1, "a"]) != cache.key(["a", 1])

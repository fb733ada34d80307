"""The browser's ONNX Runtime: from the cache, from npm, from an archive; and what is wrong with other files."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from s2s.errors import UserError
from serving import onnxruntime_web
from serving.onnxruntime_web import BUNDLE, PACKAGE, WASM, browser_runtime

FILES = {BUNDLE: b"a bundle", WASM: b"a module"}


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, a machine without npm, and the checksums of small files."""
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    checksums = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    monkeypatch.setattr(onnxruntime_web, "_CHECKSUMS", checksums)


def archive(path: Path, files: dict[str, bytes]) -> Path:
    """An archive as `npm pack` writes it."""
    with tarfile.open(path, "w:gz") as package:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"package/dist/{name}")
            entry.size = len(data)
            package.addfile(entry, io.BytesIO(data))
    return path


def install_npm(folder: Path, script: str) -> None:
    """A program `npm` that is a script of the shell."""
    npm = folder / "bin" / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    npm.chmod(0o755)


def test_an_archive_is_read(tmp_path: Path) -> None:
    assert browser_runtime(archive(tmp_path / "package.tgz", FILES)) == FILES


def test_npm_is_asked_once(tmp_path: Path) -> None:
    source = archive(tmp_path / "source.tgz", FILES)
    copy = f'[ "$*" = "pack --silent {PACKAGE}" ] && while read -r x; do :; done </dev/null && /bin/cp {source} got.tgz'
    install_npm(tmp_path, copy)
    assert browser_runtime() == FILES
    (tmp_path / "bin" / "npm").unlink()
    assert browser_runtime() == FILES  # from the cache


def test_a_damaged_file_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    install_npm(tmp_path, f"/bin/cp {archive(tmp_path / 'source.tgz', FILES)} got.tgz")
    browser_runtime()
    stored = next((tmp_path / "cache").rglob(WASM))
    stored.write_bytes(b"damaged")
    assert browser_runtime() == FILES
    assert stored.read_bytes() == FILES[WASM]


def test_without_npm_the_message_says_what_to_do() -> None:
    with pytest.raises(UserError, match=r"install npm, or download onnxruntime-web@\S+ .*--onnxruntime-web FILE\.tgz"):
        browser_runtime()


def test_the_reason_of_npm_is_passed_on(tmp_path: Path) -> None:
    install_npm(tmp_path, "echo 'npm error network is down' >&2; exit 1")
    with pytest.raises(UserError, match=r"npm could not fetch .*network is down.*--onnxruntime-web"):
        browser_runtime()


def test_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"{WASM} is not that of {PACKAGE}, by its SHA-256"):
        browser_runtime(archive(tmp_path / "other.tgz", {**FILES, WASM: b"another"}))


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file.tgz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"file\.tgz: is not an archive of"):
        browser_runtime(path)


def test_an_archive_without_the_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not an archive of"):
        browser_runtime(archive(tmp_path / "empty.tgz", {"other.js": b""}))

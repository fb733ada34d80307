"""What `translate` writes is checked before all else: no file replaces another output, or one that is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Translate = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("translation.translate.load", None)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files, which is the current one."""
    (tmp_path / "out").mkdir()
    for name in ("page.html", "text.en", "glossary.tsv", "keep.txt", "own.de", "text.de.part"):
        (tmp_path / name).write_text("dog\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("page.html --output out/ --report out/page.html", "--report out/page.html: this is the file of --output too"),
        (
            "text.en --output q.de --report q.de.part",
            "--report q.de.part: this is what an interrupted",
        ),
        (
            "text.en --output q.de --alignments q.de.part.json",
            "q.de.part.json: this is what an interrupted",
        ),
        ("text.en --report a --attention ./a.json --alignments a", "--report a: this is the file of --alignments too"),
        (
            "page.html text.en --output out --report out/text.en",
            "this is the file of --output too",
        ),
        ("text.en --glossary glossary.tsv --report glossary.tsv --force", "glossary.tsv: is an input"),
        ("text.en --keep keep.txt --alignments keep.txt --force", "keep.txt: is an input"),
        ("text.en --prefix-file own.de --output own.de --force", "own.de: is an input and would be overwritten"),
        ("text.de.part --output text.de --force", "text.de.part: is an input, and would be overwritten on the way"),
    ],
)
def test_no_file_replaces_another(run: Translate, files: Path, arguments: str, complaint: str) -> None:
    before = {path: path.read_text() for path in files.iterdir() if path.is_file()}
    code, output, errors = run(*arguments.split())
    assert (code, output, errors.count("\n")) == (2, "", 1)
    assert complaint in errors
    assert {path: path.read_text() for path in files.iterdir() if path.is_file()} == before

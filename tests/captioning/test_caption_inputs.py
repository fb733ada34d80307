"""Which pictures the arguments of `caption` name, and what is passed over."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from captioning.inputs import Inputs, find_inputs
from s2s.errors import UserError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def paths(found: Inputs) -> list[str]:
    return [each.path for each in found.pictures]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_side_files_and_system_files_in_a_folder_are_passed_over_with_one_line(folder: Path) -> None:
    touch(folder, "p/a.jpg", "p/a.txt", "p/b.caption", "p/Thumbs.db", "p/desktop.ini", "p/metadata.json", "p/film.mp4")
    touch(folder, "p/__MACOSX/a.jpg", "p/@eaDir/a.jpg", "p/._a.jpg", "p/strange.xyz", "p/page.pdf")
    found = find_inputs(["p"])
    assert paths(found) == ["a.jpg", "page.pdf", "strange.xyz"]
    [note] = found.notes()
    assert note.startswith("passed over 6 files that are no pictures: 1 ")
    assert note.endswith(", ...")
    assert not list(find_inputs(["p/a.jpg"]).notes())


def test_a_picture_is_read_whatever_its_name(folder: Path) -> None:
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "TIFF"):
        with (folder / f"{kind}.txt").open("wb") as file:
            Image.new("RGB", (8, 8)).save(file, kind)
    (folder / "text.txt").write_text("BMP or not")
    found = find_inputs(["."])
    assert paths(found) == ["GIF.txt", "JPEG.txt", "PNG.txt", "TIFF.txt", "WEBP.txt"]
    assert found.passed_over == {".txt": 1}


def test_what_was_named_itself_is_read_but_for_the_text_beside_a_picture(folder: Path) -> None:
    touch(folder, "a.jpg", "a.txt", "notes.txt")
    assert paths(find_inputs(["notes.txt"])) == ["notes.txt"]
    found = find_inputs(["./a.jpg", "./a.txt", "notes.txt"])  # a shell's ./*
    assert [each.name for each in found.pictures] == ["a.jpg", "notes.txt"]
    assert found.passed_over == {".txt": 1}
    assert paths(find_inputs(["*"])) == ["a.jpg"]


def test_a_suffix_of_side_files_of_one_s_own_is_passed_over(folder: Path) -> None:
    touch(folder, "p/a.jpg", "p/a.words")
    assert paths(find_inputs(["p"])) == ["a.jpg", "a.words"]
    assert paths(find_inputs(["p"], sidecar_suffix=".words")) == ["a.jpg"]


def test_links_to_folders_are_followed_once_each(folder: Path) -> None:
    touch(folder, "p/x/a.jpg", "elsewhere/b.jpg", "elsewhere/deep/c.jpg")
    for name, target in {"p/again": "p/x", "p/one": "elsewhere", "p/two": "elsewhere", "elsewhere/back": "p"}.items():
        (folder / name).symlink_to(folder / target, target_is_directory=True)
    assert paths(find_inputs(["p"])) == ["one/b.jpg", "one/deep/c.jpg", "x/a.jpg"]


def test_a_picture_that_is_named_twice_is_captioned_once(folder: Path) -> None:
    touch(folder, "p/a.jpg", "p/b.jpg")
    found = find_inputs(["p", "p/a.jpg", "./p/../p/b.jpg"])
    assert [each.name for each in found.pictures] == ["p/a.jpg", "p/b.jpg"]
    assert list(found.notes()) == ["2 pictures were named twice; each is captioned once"]


def test_paths_are_relative_to_the_one_folder_that_was_given(folder: Path) -> None:
    touch(folder, "p/a.jpg", "p/sub/a.jpg", "q/a.jpg")
    assert paths(find_inputs([str(folder / "p")])) == ["a.jpg", "sub/a.jpg"]
    assert paths(find_inputs(["p", "q"])) == ["p/a.jpg", "p/sub/a.jpg", "q/a.jpg"]
    assert paths(find_inputs(["p/**/*.jpg"])) == ["p/a.jpg", "p/sub/a.jpg"]


def test_what_the_command_writes_is_no_input(folder: Path) -> None:
    touch(folder, "p/a.jpg", "p/pages/a.webp", "p/all.out")
    assert paths(find_inputs(["p"], left_out=[folder / "p" / "pages", Path("p/all.out")])) == ["a.jpg"]


def test_a_picture_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Input(io.BytesIO):
        buffer = property(lambda self: self)

    monkeypatch.setattr("sys.stdin", Input(b"picture"))
    [picture] = find_inputs(["-"]).pictures
    assert (picture.name, picture.source, picture.file) == ("-", b"picture", None)
    with pytest.raises(UserError, match="named once only"):
        find_inputs(["-", "-"])
    with pytest.raises(UserError, match="an argument is empty, such as a variable that is not set"):
        find_inputs(["dog.jpg", ""])
    monkeypatch.setattr(Input, "isatty", lambda _: True)
    with pytest.raises(UserError, match=r"is a terminal; send a picture there, as in `caption - < dog\.jpg`"):
        find_inputs(["-"])


def test_an_address_stays_what_it_is(folder: Path) -> None:
    [picture] = find_inputs(["https://example.org/dog.jpg"]).pictures
    assert picture.source == "https://example.org/dog.jpg"
    assert picture.file is None


def test_ten_thousand_names_are_found_within_a_little_memory(folder: Path) -> None:
    """Side files are told by their names and first bytes; none is read whole."""
    (folder / "p").mkdir()
    huge = folder / "p" / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(1 << 40)  # sparse: reading it would take for ever
    assert find_inputs(["p"]).passed_over == {".txt": 1}
    shutil.rmtree(folder / "p")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_called_like_a_side_file_is_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "a.txt")
    assert find_inputs(["."]).passed_over == {".txt": 1}

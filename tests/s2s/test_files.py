from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from s2s.errors import UserError
from s2s.files import atomic_directory, atomic_file, check_output, check_readable, current_version, sha256

ROOT = Path(__file__).resolve().parents[2]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    with atomic_file(path) as aside:
        assert (aside.parent, aside.suffix) == (tmp_path, ".json")
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["out.json"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "out.txt"
    path.write_text("old")

    def fail() -> None:
        with atomic_file(path) as aside:
            aside.write_text("half")
            raise failure

    with pytest.raises(failure):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["out.txt"]


def test_a_new_file_has_the_usual_permissions_and_any_name(tmp_path: Path) -> None:
    usual, path = tmp_path / "usual", tmp_path / ("x" * 255)
    usual.touch()
    with atomic_file(path) as aside:
        aside.touch()
    assert path.stat().st_mode == usual.stat().st_mode


def test_a_link_is_followed_and_a_device_written_directly(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_file(link) as aside:
        aside.write_text("new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with atomic_file(pipe) as aside:
        aside.write_text("through")
    assert os.read(reader, 100) == b"through"
    assert pipe.is_fifo()
    os.close(reader)


@pytest.mark.parametrize("writing", [atomic_file, atomic_directory])
def test_a_full_disk_names_the_path(tmp_path: Path, writing: Callable[[Path], AbstractContextManager[Path]]) -> None:
    path = tmp_path / "out"
    with pytest.raises(OSError, match="No space") as caught, writing(path), Path("/dev/full").open("w") as full:
        full.write("x")
    assert caught.value.filename == str(path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("number", "named", "expected"),
    [
        (errno.ENOSPC, None, "out"),
        (errno.EDQUOT, None, "out"),
        (errno.EFBIG, None, "out"),
        (errno.EIO, None, None),
        (errno.ENOSPC, "another", "another"),
    ],
)
def test_only_a_write_that_found_no_space_gets_the_name_that_it_lacks(
    number: int, named: str | None, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="why") as caught, atomic_file(Path("out")):
        raise OSError(number, "why", named)
    assert caught.value.filename == expected


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with atomic_file(path) as first:
        first.write_text("first")
        with atomic_file(path) as second:
            second.write_text("second")
        assert path.read_text() == "second"
    assert path.read_text() == "first"


def test_no_file_stays_open(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_directory(tmp_path / "folder") as aside:
            fill(aside, "new")
        with atomic_file(tmp_path / "file") as aside:
            aside.touch()

    write()
    before = len(list(Path("/dev/fd").iterdir()))
    write()
    assert len(list(Path("/dev/fd").iterdir())) <= before


def test_check_output(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    check_output(tmp_path / "new")
    check_output(file, force=True)
    check_output(Path("/dev/null"))
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    check_output(tmp_path / "dangling")
    refused = {
        file: "already exists; choose another name, or replace it with --force",
        tmp_path: "is a folder; name a file in it",
        tmp_path / "none" / "new": "does not exist; create it first",
        file / "new": "is a file, not a folder",
    }
    for path, reason in refused.items():
        with pytest.raises(UserError, match=reason):
            check_output(path)
    with pytest.raises(UserError, match="is a folder"):
        check_output(tmp_path, force=True)


def test_check_output_looks_where_a_link_leads(tmp_path: Path) -> None:
    (tmp_path / "astray").symlink_to(tmp_path / "none" / "file")
    with pytest.raises(UserError, match=r"astray: its folder .*none does not exist; create it first"):
        check_output(tmp_path / "astray")
    (tmp_path / "first").symlink_to(tmp_path / "second")
    (tmp_path / "second").symlink_to(tmp_path / "first")
    check_output(tmp_path / "first")  # two links that lead to each other; the first one will be replaced


def test_a_device_that_may_not_be_written_to_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with pytest.raises(UserError, match="/dev/null: is not writable; check its permissions"):
        check_output(Path("/dev/null"))


def test_an_input_is_never_replaced(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.touch()
    link.symlink_to(file)
    for path in (file, link):
        with pytest.raises(UserError, match="is an input and would be overwritten"):
            check_output(path, force=True, inputs=[tmp_path / "other", file])
    check_output(tmp_path / "new", inputs=[tmp_path / "new", file])
    check_output(Path("/dev/null"), inputs=[Path("/dev/null")])


def test_check_readable(tmp_path: Path) -> None:
    check_readable(Path(__file__))
    check_readable(Path("/dev/null"))
    for path, reason in {tmp_path: "is a folder", tmp_path / "none": "no such file; check the path"}.items():
        with pytest.raises(UserError, match=reason):
            check_readable(path)
    with pytest.raises(UserError, match="relative to the current folder"):
        check_readable(Path("no/such/file"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")
def test_permissions_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch(mode=0o000)
    with pytest.raises(UserError, match="is not readable"):
        check_readable(file)
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="is not writable"):
        check_output(tmp_path / "new")
    tmp_path.chmod(0o700)


def test_sha256(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc" * 1000)
    assert sha256(path) == hashlib.sha256(b"abc" * 1000).hexdigest()


def fill(folder: Path, content: str) -> None:
    (folder / "sub").mkdir()
    (folder / "a").write_text(content)
    (folder / "sub" / "b").write_text(content)


def content(folder: Path) -> tuple[str, str]:
    return (folder / "a").read_text(), (folder / "sub" / "b").read_text()


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "best"
    for text in ("first", "second", "third"):
        with atomic_directory(path) as aside:
            fill(aside, text)
        assert content(path) == (text, text)
        assert current_version(path) == path
        assert names(tmp_path) == ["best"]


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    with atomic_directory(link) as aside:
        fill(aside, "new")
    assert link.is_symlink()
    assert content(real) == ("new", "new")
    real.rename(tmp_path / "real.old")  # as a kill between the two renames of its replacement leaves it
    assert current_version(link) == tmp_path / "real.old"


def test_a_folder_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "best"
    with atomic_directory(path) as aside:
        fill(aside, "old")

    def fail() -> None:
        with atomic_directory(path) as aside:
            fill(aside, "half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert content(path) == ("old", "old")
    assert names(tmp_path) == ["best"]


def test_a_file_is_no_place_for_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "best"
    path.touch()
    with pytest.raises(UserError, match="is a file"), atomic_directory(path):
        pass


class Disk:
    """Records what is synchronised, renamed and removed, in order: ("sync", inode, size), ("rename", from, to), ..."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[tuple[object, ...]] = []
        fsync, rmtree = os.fsync, shutil.rmtree

        def recorded_fsync(descriptor: int) -> None:
            fsync(descriptor)
            status = os.fstat(descriptor)
            self.events.append(("sync", status.st_ino, status.st_size if stat.S_ISREG(status.st_mode) else None))

        def recorded(move: Callable[[Path, Path], None]) -> Callable[[Path, Path], None]:
            def recorded_move(source: Path, target: Path) -> None:
                move(source, target)
                self.events.append(("rename", Path(source).name, Path(target).name))

            return recorded_move

        def recorded_rmtree(path: Path) -> None:
            rmtree(path)
            self.events.append(("remove", path.name))

        monkeypatch.setattr(os, "fsync", recorded_fsync)
        monkeypatch.setattr(os, "rename", recorded(os.rename))
        monkeypatch.setattr(os, "replace", recorded(os.replace))
        monkeypatch.setattr(shutil, "rmtree", recorded_rmtree)


def synced(path: Path) -> tuple[object, ...]:
    """The event of a file whose content, or a folder whose names, have come to the disk."""
    return "sync", path.stat().st_ino, path.stat().st_size if path.is_file() else None


def test_content_is_on_the_disk_before_a_file_is_renamed_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, path, name = Disk(monkeypatch), tmp_path / "out.txt", ""
    with atomic_file(path) as aside:
        aside.write_text("the whole content")
        name = aside.name
    assert disk.events == [synced(path), ("rename", name, "out.txt"), synced(tmp_path)]


def test_a_folder_is_on_the_disk_before_it_is_renamed_and_the_old_one_goes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "best"
    path.mkdir()
    disk = Disk(monkeypatch)
    with atomic_directory(path) as aside:
        fill(aside, "new")
    contents, exchange = disk.events[:4], disk.events[4:]
    assert set(contents) == {synced(each) for each in (path, path / "a", path / "sub", path / "sub" / "b")}
    assert exchange == [
        ("rename", "best", "best.old"),
        ("rename", ".best.new", "best"),
        synced(tmp_path),
        ("remove", "best.old"),
    ]


# Dies in the middle of a replacement, just before the system call whose number is given.
DYING = """
import os, pathlib, shutil, sys
from s2s.files import atomic_directory

left = int(sys.argv[2])

def dying(call):
    def step(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return call(*arguments, **options)
    return step

for name in ("fsync", "rename", "rmdir", "unlink", "mkdir", "open"):
    setattr(os, name, dying(getattr(os, name)))

with atomic_directory(pathlib.Path(sys.argv[1])) as aside:
    (aside / "sub").mkdir()
    (aside / "a").write_text("new")
    (aside / "sub" / "b").write_text("new")
"""


def test_dying_at_any_moment_leaves_a_whole_folder(tmp_path: Path) -> None:
    path, died = tmp_path / "best", 0
    with atomic_directory(path) as aside:
        fill(aside, "old")
    seen = set()
    while True:
        command = [sys.executable, "-S", "-c", DYING, str(path), str(died)]
        code = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, check=False).returncode
        assert content(current_version(path)) in {("old", "old"), ("new", "new")}
        seen.add((content(current_version(path))[0], current_version(path).name))
        if code == 0:
            break
        assert code == 9
        died += 1
        with atomic_directory(path) as aside:  # the next write clears up
            fill(aside, "old")
        assert names(tmp_path) == ["best"]
    assert seen == {("old", "best"), ("old", "best.old"), ("new", "best")}


def test_a_writer_that_dies_again_and_again_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "best"
    with atomic_directory(path) as aside:
        fill(aside, "old")
    for steps in range(30):
        command = [sys.executable, "-S", "-c", DYING, str(path), str(steps)]
        code = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, check=False).returncode
        assert content(current_version(path)) in {("old", "old"), ("new", "new")}
        if code == 0:
            break
    else:
        pytest.fail("it never came to the end")

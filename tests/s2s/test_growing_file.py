"""A file that grows is whole after each record, whatever stops the process, and one process writes it."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from s2s import growing_file
from s2s.errors import UserError
from s2s.growing_file import GrowingFile


def test_it_is_whole_after_each_record(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old, and longer than the new content")
    with GrowingFile(path, b"[", [b"1"], b"]\n") as file:
        assert json.loads(path.read_text()) == [1]
        for number in range(2, 5):
            file.add(b",%d" % number)
            assert json.loads(path.read_text()) == [*range(1, number + 1)]
    assert path.read_bytes() == b"[1,2,3,4]\n"


def test_a_full_disk_leaves_it_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = tmp_path / "a.json", growing_file._write
    with GrowingFile(path, b"[", [], b"]") as file:
        file.add(b"1")

        def full(to: object, data: bytes) -> None:
            write(to, data[:2])  # type: ignore[arg-type]
            if len(data) > 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(growing_file, "_write", full)
        with pytest.raises(OSError, match="No space") as caught:
            file.add(b",22")
        assert caught.value.filename == str(path)
        assert path.read_bytes() == b"[1]"


def test_two_processes_do_not_write_one_file(tmp_path: Path) -> None:
    with GrowingFile(tmp_path / "a.csv") as file:
        file.add(b"1\n")
        with pytest.raises(UserError, match=r"a\.csv: another process is writing it"):
            GrowingFile(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == b"1\n"


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="this system has no /dev/fd")
def test_a_pipe_gets_the_tail_at_the_end() -> None:
    reader, writer = os.pipe()
    with GrowingFile(Path(f"/dev/fd/{writer}"), b"[", [], b"]") as file:
        file.add(b"1")
    os.close(writer)
    assert os.read(reader, 99) == b"[1]"
    os.close(reader)

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from s2s.errors import UserError
from s2s.storage import run_directory
from s2s.storage.run_directory import RunDirectory

ROOT = Path(__file__).resolve().parents[3]
RECIPE = 'seed = 1\r\nname = "größer"\n'


def test_a_run_is_created_and_resumed(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "first"
    with RunDirectory.create(path, RECIPE) as run:
        assert run.recipe.read_bytes() == RECIPE.encode()
        assert {run.best, run.last, run.kept, run.log} == {path / n for n in ("best", "last", "kept", "log.jsonl")}
        assert not run.has_state()
        run.last.mkdir()
    with RunDirectory.resume(str(path)) as run:
        assert run.has_state()
        run.last.rename(run.path / "last.old")  # as a kill between the two renames of its replacement leaves it
        assert run.has_state()


def test_a_run_is_never_overwritten(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path / "run", RECIPE) as run:
        run.last.mkdir()
    with pytest.raises(UserError, match="run: already holds a run; continue it with --resume, or name another --run"):
        RunDirectory.create(tmp_path / "run", "")
    assert (tmp_path / "run" / "recipe.toml").read_bytes() == RECIPE.encode()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").touch()
    with pytest.raises(
        UserError, match=r"thesis: is not empty \(it holds chapter\.tex\), but is not a run; name another"
    ):
        RunDirectory.create(tmp_path / "thesis", RECIPE)
    assert [child.name for child in (tmp_path / "thesis").iterdir()] == ["chapter.tex"]
    for name in ("a", "b", "d"):
        (tmp_path / "thesis" / name).touch()
    with pytest.raises(UserError, match=r"holds a, b, chapter\.tex\), but is not a run;"):
        RunDirectory.create(tmp_path / "thesis", RECIPE)
    with pytest.raises(UserError, match=r"chapter\.tex: is a file"):
        RunDirectory.create(tmp_path / "thesis" / "chapter.tex", RECIPE)


@pytest.mark.parametrize("name", ["absent", "empty", "file", "file/below"])
def test_without_a_run_there_is_nothing_to_resume(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"nothing to resume \(it has no recipe\.toml\); start without --resume"):
        RunDirectory.resume(tmp_path / name)
    assert list((tmp_path / "empty").iterdir()) == []
    assert not (tmp_path / "absent").exists()


def test_a_run_without_a_lock_file_can_be_resumed(tmp_path: Path) -> None:
    """Such as one that was copied from another machine."""
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (tmp_path / "last").mkdir()
    with RunDirectory.resume(tmp_path) as run:
        assert run.has_state()


def test_a_recipe_of_no_run_is_not_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("mine")
    with pytest.raises(UserError, match=r"nothing to resume \(its recipe\.toml is not that of a run\)"):
        RunDirectory.resume(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.toml"]


@pytest.mark.parametrize("kept", ["best", "log.jsonl"])
def test_a_run_without_its_state_is_not_begun_anew(tmp_path: Path, kept: str) -> None:
    with RunDirectory.create(tmp_path, RECIPE) as run:
        run.last.mkdir()
    (tmp_path / kept).mkdir()
    RunDirectory.resume(tmp_path).close()
    (tmp_path / "last").rmdir()
    for _ in range(2):  # a refusal releases the lock
        with pytest.raises(UserError, match=rf"state, last, is missing, and a new start would overwrite {kept}"):
            RunDirectory.resume(tmp_path)


def test_a_start_that_was_killed_can_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("12345\n")
    (tmp_path / ".aside-0123.toml").write_text("half a reci")
    for name in (".rehearsal-0123", ".last.new"):
        (tmp_path / name).mkdir()
    with RunDirectory.create(tmp_path, RECIPE) as run:
        assert run.recipe.read_bytes() == RECIPE.encode()


def test_a_start_that_failed_can_be_repeated_with_another_recipe(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path, "vocabulary.size = 6000").close()
    with RunDirectory.create(tmp_path, RECIPE) as run:
        assert run.recipe.read_bytes() == RECIPE.encode()
        (tmp_path / "lock").unlink()
        with pytest.raises(UserError, match=r"is not empty \(it holds recipe\.toml\), but is not a run"):
            RunDirectory.create(tmp_path, RECIPE)  # it may be the user's own
        (tmp_path / "lock").touch()
        run.append_log({"step": 1})
    with pytest.raises(UserError, match=r"is not empty \(it holds log\.jsonl\), but is not a run"):
        RunDirectory.create(tmp_path, RECIPE)


# ------------------------------------------------------------------------------------------------------------ lock


@contextmanager
def training(path: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the run and waits."""
    code = f"""
import sys
from s2s.storage.run_directory import RunDirectory
run = RunDirectory.{how}
print("ready", flush=True)
sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_training_is_refused_until_the_first_one_dies(tmp_path: Path) -> None:
    with training(tmp_path, "create(sys.argv[1], 'seed = 1')") as process:
        expected = f"{tmp_path}: is in use by process {process.pid}; wait until it ends, stop it, or name another --run"
        with pytest.raises(UserError) as refusal:
            RunDirectory.resume(tmp_path)
        assert str(refusal.value) == expected
        before = len(list(Path("/dev/fd").iterdir()))
        with pytest.raises(UserError):
            RunDirectory.resume(tmp_path)
        assert len(list(Path("/dev/fd").iterdir())) <= before  # a refused start leaves no file open
        process.send_signal(signal.SIGKILL)
        process.wait()
        (tmp_path / "lock").write_text("12345678901234567890\n")  # the longer number of a process that has died
        with RunDirectory.resume(tmp_path):
            assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_two_starts_at_once(tmp_path: Path) -> None:
    with training(tmp_path, "create(sys.argv[1], ''); run.recipe.unlink()") as process:
        with pytest.raises(UserError, match=f"is in use by process {process.pid};"):
            RunDirectory.create(tmp_path, RECIPE)
        assert [child.name for child in tmp_path.iterdir()] == ["lock"]


def test_a_start_that_another_one_overtook_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = run_directory._open_locked

    def overtaken(path: Path) -> int:
        monkeypatch.undo()
        with RunDirectory.create(path, RECIPE) as run:
            run.last.mkdir()
        return lock(path)

    monkeypatch.setattr(run_directory, "_open_locked", overtaken)
    with pytest.raises(UserError, match="already holds a run"):
        RunDirectory.create(tmp_path, "other")
    with RunDirectory.resume(tmp_path) as run:
        assert run.recipe.read_bytes() == RECIPE.encode()


def test_one_process_has_a_run_once_and_releases_it(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path, RECIPE) as run:
        with pytest.raises(UserError, match=f"is in use by process {os.getpid()};"):
            RunDirectory.resume(tmp_path)
        run.close()
    with RunDirectory.resume(tmp_path):
        pass


def test_a_failed_start_releases_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left") as failure:
        RunDirectory.create(tmp_path / "run", RECIPE)
    assert failure.value.filename == str(tmp_path / "run" / "recipe.toml")
    monkeypatch.undo()
    RunDirectory.create(tmp_path / "run", RECIPE).close()


@pytest.mark.parametrize("refusal", [BlockingIOError, PermissionError], ids=["POSIX", "Windows"])
def test_a_lock_that_another_process_holds_is_told_on_any_system(
    refusal: type[OSError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        raise refusal

    (tmp_path / "lock").write_text("")
    monkeypatch.setattr(run_directory, "lock_file", refuse)
    with pytest.raises(UserError, match=r"is in use by process \(unknown id\); wait until it ends, stop it, or"):
        RunDirectory.create(tmp_path, RECIPE)


def test_a_file_system_without_locks_is_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def unsupported(*_: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    RunDirectory.create(tmp_path, RECIPE).close()
    assert f"warning: {tmp_path}: cannot be locked (No locks available); " in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------------- log


def test_the_log_after_a_kill_is_that_of_an_uninterrupted_run(tmp_path: Path) -> None:
    entries = [{"step": step, "loss": 1 / step, "note": "ü"} for step in range(1, 8)]
    with RunDirectory.create(tmp_path / "whole", RECIPE) as run:
        for entry in entries:
            run.append_log(entry)
        whole = run.log.read_bytes()
    with RunDirectory.create(tmp_path / "killed", RECIPE) as run:
        run.last.mkdir()
        for entry in entries[:5]:
            run.append_log(entry)
        with run.log.open("ab") as file:
            file.write(b'{"step": 6, "lo')
    with RunDirectory.resume(tmp_path / "killed") as run:
        run.cut_log(3)
        for entry in entries[3:]:
            run.append_log(entry)
        assert run.log.read_bytes() == whole


def test_a_log_without_later_entries_is_left_alone(tmp_path: Path) -> None:
    with RunDirectory.create(tmp_path, RECIPE) as run:
        run.cut_log(0)
        assert not run.log.exists()
        run.append_log({"step": 3})
        before = run.log.stat().st_ino
        run.cut_log(3)
        assert run.log.stat().st_ino == before
        with run.log.open("ab") as file:
            file.write(b'[]\n{}\n{"step": "x"}\n{"step": null}\n\xff\n' + b"[" * 10**5 + b'\n{"step": NaN}\n')
        run.cut_log(3)
        assert run.log.read_bytes() == b'{"step": 3}\n'

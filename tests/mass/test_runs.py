"""Runs of mass work: nothing is lost, doubled, out of place or overwritten, whatever happens on the way."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from mass_fixtures import FullDisk, work, written

from mass.ledger import Ledger
from mass.outcomes import Stopped, from_json, to_json
from mass.shards import Shard
from s2s.errors import UserError

TEXT = "a\n\nb\nc\nd\ne\n  \n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out"


def ledger_of(output: Path) -> Path:
    return output.with_name("out.mass")


def test_the_shards_are_the_output_and_their_sums_are_known(source: Path, output: Path) -> None:
    assert work(source, output) == 0
    assert written(output) == TEXT.upper()
    assert sorted(path.name for path in output.iterdir()) == [f"part-0000000{number}.txt" for number in range(4)]
    check = ["sha256sum", "--check", "--quiet", str(ledger_of(output) / "SHA256SUMS")]
    assert subprocess.run(check, cwd=output, check=False).returncode == 0
    assert not (ledger_of(output) / "unfinished").exists()


def test_an_empty_input_has_an_empty_output(tmp_path: Path, output: Path) -> None:
    (tmp_path / "empty").touch()
    assert work(tmp_path / "empty", output) == 0
    assert list(output.iterdir()) == []


def test_a_worker_that_dies_is_replaced(tmp_path: Path, output: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lines = ["a", "b", f"die once {tmp_path / 'mark'}", "c", "", "d"]
    source = tmp_path / "in.txt"
    source.write_text("".join(f"{line}\n" for line in lines))
    assert work(source, output) == 0
    assert written(output).splitlines() == [line.upper() for line in lines]
    error = capfd.readouterr().err
    assert "3 to 4: the worker process died (signal 9, perhaps for want of memory); they are done again" in error


def test_what_costs_every_worker_is_given_up_and_the_rest_is_done(
    source: Path, output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source.write_text(TEXT.replace("c", "die"))
    assert work(source, output) == 1
    assert sorted(path.stem[-1] for path in output.iterdir()) == ["0", "2", "3"]
    error = capfd.readouterr().err
    assert "3 to 4: its worker process died 3 times, perhaps for want of memory" in error
    assert "1 shard was not done, so" in error
    assert "is not complete; the same command tries again" in error


def test_a_line_that_fails_costs_only_itself_and_is_reported(
    source: Path, output: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source.write_text(TEXT.replace("c", "fail"))
    for _ in range(2):  # the second time nothing is done, and the same is told
        assert work(source, output) == 1
        assert written(output) == TEXT.upper().replace("C", "")
        failed = (ledger_of(output) / "failed.jsonl").read_text()
        assert json.loads(failed) == {"file": str(source), "line": 4, "problem": "ValueError: a text that fails"}
        assert "1 line failed" in capfd.readouterr().err


def test_what_is_done_is_not_done_again(source: Path, output: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source.write_text(f"{TEXT}die\n")
    assert work(source, output) == 1
    log = ledger_of(output) / "done.jsonl"
    with log.open("ab") as file:
        file.write(b'{"number": 3, "ite')  # a kill in the middle of a line
    times = {path.name: path.stat().st_mtime_ns for path in output.iterdir()}
    capfd.readouterr()
    assert work(source, output) == 1
    assert {path.name: path.stat().st_mtime_ns for path in output.iterdir()} == times
    assert "3 of 4 shards were done before" in capfd.readouterr().err
    assert log.read_bytes().count(b"\n") == 3


def test_a_shard_that_is_gone_is_written_again(source: Path, output: Path) -> None:
    assert work(source, output) == 0
    (output / "part-00000001.txt").unlink()
    assert work(source, output) == 0
    assert written(output) == TEXT.upper()


def _changed_input(source: Path, output: Path) -> None:
    source.write_text(TEXT.replace("c", "z"))


def _longer_input(source: Path, output: Path) -> None:
    source.write_text(f"{TEXT}more\nand more\n")


def _changed_shard(source: Path, output: Path) -> None:
    (output / "part-00000002.txt").write_text("X\nE\n")


def _longer_shard(source: Path, output: Path) -> None:
    (output / "part-00000002.txt").write_text("D\nE\nF\n")


def _foreign_file(source: Path, output: Path) -> None:
    (output / "notes.md").write_text("mine")


def _foreign_shard(source: Path, output: Path) -> None:
    (output / "part-00000009.txt").write_text("mine")


def _damaged_log(source: Path, output: Path) -> None:
    (ledger_of(output) / "done.jsonl").write_text("{}\n")


def _damaged_settings(source: Path, output: Path) -> None:
    (ledger_of(output) / "run.json").write_text("{")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_changed_input, "lines 3 to 4: are not what they were when this run was begun"),
        (_longer_input, "line 7: is not what it was when this run was begun"),
        (_changed_shard, "part-00000002.txt: is not what was written; move it away"),
        (_longer_shard, "part-00000002.txt: is not what was written; move it away"),
        (_foreign_file, "has what this run has not written: notes.md; move it away"),
        (_foreign_shard, "has 1 file too many"),
        (_damaged_log, "done.jsonl: line 1 is damaged"),
        (_damaged_settings, "run.json: is damaged"),
    ],
)
def test_what_has_changed_since_is_refused_and_nothing_is_overwritten(
    source: Path, output: Path, change: Callable[[Path, Path], None], message: str
) -> None:
    assert work(source, output) == 0
    change(source, output)
    before = {path.name: path.read_bytes() for path in output.iterdir()}
    with pytest.raises(UserError, match=message):
        work(source, output)
    assert {path.name: path.read_bytes() for path in output.iterdir()} == before


def test_another_command_is_refused(source: Path, output: Path) -> None:
    assert work(source, output, settings={"--model": "a", "--beam": "5"}) == 0
    with pytest.raises(UserError, match="was begun with another value of: --model, --beam; use the same command, or"):
        work(source, output, settings={"--model": "b"})


def test_a_run_that_has_done_nothing_yet_binds_nobody(source: Path, output: Path) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        work(source, output, form=FullDisk(), settings={"--model": "a"})
    source.write_text("other\n")
    assert work(source, output, settings={"--model": "b"}) == 0
    assert written(output) == "OTHER\n"


def test_outputs_that_are_no_place_for_shards_are_refused(source: Path, output: Path) -> None:
    output.mkdir()
    (output / "mine").touch()
    with pytest.raises(UserError, match="is not empty, and no run of this command was begun there; name a new folder"):
        work(source, output)
    with pytest.raises(UserError, match="is a file; name a folder"):
        work(source, output / "mine")
    with pytest.raises(UserError, match="is the input"):
        work(source, source)
    with pytest.raises(UserError, match="lies in the input"):
        work(source.parent, output)
    with pytest.raises(UserError, match=r"the input .* lies in it"):
        work(source, source.parent)
    with pytest.raises(UserError, match="does not exist; create it first"):
        work(source, output / "none" / "out")
    ledger_of(output).mkdir()
    (ledger_of(output) / "mine").touch()
    (output / "mine").unlink()
    with pytest.raises(UserError, match=r"out\.mass: is no folder of this command"):
        work(source, output)
    assert list(output.iterdir()) == []


def test_one_process_at_a_time_writes_an_output(source: Path, output: Path) -> None:
    ledger = Ledger(output)
    with ledger.opened({}), pytest.raises(UserError, match="another process is writing it"):
        work(source, output)


def test_the_ledger_reads_its_plan_line_by_line(source: Path, output: Path) -> None:
    assert work(source, output) == 0
    lines = (ledger_of(output) / "plan.jsonl").read_text().splitlines()
    shards = list(map(Shard.from_json, lines))
    assert [(shard.first, shard.count) for shard in shards] == [(1, 2), (3, 2), (5, 2), (7, 1)]


@pytest.mark.parametrize(
    "error",
    [
        UserError("do this"),
        OSError(28, "No space left on device", "/a/b"),
        PermissionError(13, "Permission denied", "a"),
        ModuleNotFoundError("No module named 'torch'", name="torch"),
    ],
)
def test_an_error_of_a_worker_is_one_of_the_command(error: Exception) -> None:
    stopped = from_json(to_json(Stopped.by(3, error)))
    assert isinstance(stopped, Stopped)
    assert (type(stopped.error), str(stopped.error)) == (type(error), str(error))
    assert vars(stopped.error) == vars(error)


def test_a_bug_in_a_worker_is_told_with_its_place() -> None:
    with pytest.raises(IndexError) as caught:
        [][3]
    stopped = Stopped.by(3, caught.value)
    assert re.fullmatch(r"IndexError: list index out of range \(test_runs\.py:\d+\)", str(stopped.error))


def test_an_error_of_the_disk_ends_the_run(source: Path, output: Path) -> None:
    with pytest.raises(OSError, match="No space left on device"):
        work(source, output, form=FullDisk())
    assert work(source, output) == 0
    assert written(output) == TEXT.upper()

"""`s2s mass translate` and `s2s mass caption`, with bundled models."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from mass_fixtures import kill_a_worker, start, written
from odd_lines import odd_lines

from mass.arguments import engine, machine, mass_parser
from mass.caption import caption
from mass.local import LocalEngine
from mass.translate import translate
from s2s.cli import command
from s2s.cli.entry import s2s

PICTURES = Path("captioning/examples").resolve()
FAST = ["--beam", "1", "--workers", "2"]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `s2s` in this process and in an empty folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)

    def _run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["s2s"])
        code = command.run(s2s, list(map(str, arguments)))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def write_lines(path: Path, count: int) -> None:
    """Odd lines, blank ones among them, with line ends of both kinds and none at the end."""
    lines = [line.text.replace("\n", " ") for line in odd_lines(count)]
    lines[1::7] = ["" for _ in lines[1::7]]
    path.write_bytes(
        "".join(f"{line}{end}" for line, end in zip(lines, ["\n", "\r\n", "\n"] * count)).encode() + b"end"
    )


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_the_shards_are_what_translate_writes_though_a_worker_is_killed(tmp_path: Path, run: Run, engine: str) -> None:
    if engine == "ray" and not find_spec("ray"):
        pytest.skip("Ray is not installed")
    write_lines(tmp_path / "in.txt", 48)
    options = ["--engine", engine, "--shard-size", "12"]
    process = start("translate", "in.txt", "out", *options, *FAST, cwd=tmp_path)
    kill_a_worker(tmp_path / "out", process)
    output, error = process.communicate(timeout=600)
    assert (process.returncode, output) == (0, ""), error
    assert "out: 49 lines in 5 shards, all there" in error
    assert run("translate", "in.txt", "--output", "plain.txt", "--beam", "1")[0] == 0
    assert written(tmp_path / "out") == (tmp_path / "plain.txt").read_text(encoding="utf-8")


def test_an_interrupted_run_goes_on(tmp_path: Path, run: Run) -> None:
    (tmp_path / "in.txt").write_text("A dog runs.\n\nTwo men play.\n" * 30)
    arguments = ["translate", "in.txt", "out", "--shard-size", "10", "--beam", "1", "--workers", "1"]
    process = start(*arguments, cwd=tmp_path)
    log = tmp_path / "out.mass" / "done.jsonl"
    while process.poll() is None and not (log.exists() and log.read_bytes().count(b"\n")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=100)
    assert process.returncode == 130, error
    assert error.endswith("of 9 shards are done; the same command goes on from there\ninterrupted\n")
    times = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert times
    code, _, error = run("mass", *arguments)
    assert code == 0
    assert "of 9 shards were done before" in error
    assert written(tmp_path / "out") == written_once(run)
    last = max(times)  # it may have been on the way to done.jsonl
    assert all((tmp_path / "out" / name).stat().st_mtime_ns == times[name] for name in times.keys() - {last})


def written_once(run: Run) -> str:
    return run("translate", "in.txt", "--beam", "1")[1]


def test_files_of_a_folder_are_one_text(tmp_path: Path, run: Run) -> None:
    (tmp_path / "texts" / "b").mkdir(parents=True)
    for name, text in (("a.txt", "A dog.\n\n"), ("b/c.txt", "Two men."), ("d.txt", "A child.\n"), ("_SUCCESS", "")):
        (tmp_path / "texts" / name).write_text(text)
    code, output, error = run("mass", "translate", "texts", "out", *FAST)
    assert (code, output) == (0, "")
    assert "passed over 1 hidden file: texts/_SUCCESS" in error
    assert (
        written(tmp_path / "out") == run("translate", *(f"texts/{n}.txt" for n in ("a", "b/c", "d")), "--beam", "1")[1]
    )


def test_json_lines_get_translations_and_bad_lines_are_reported(tmp_path: Path, run: Run) -> None:
    (tmp_path / "in.jsonl").write_text('{"en": "A dog runs."}\n\n{"en": 3}\n{"en": "Two\\nlines"}\n')
    code, _, error = run("mass", "translate", "in.jsonl", "out", "--column", "en", "--into", "de", *FAST)
    assert code == 1
    assert "warning: in.jsonl: line 3: its field 'en' is no text" in error
    assert "warning: 1 line failed; " in error
    dog, blank, bad, two = written(tmp_path / "out").split("\n")[:-1]
    assert list(json.loads(dog)) == ["en", "de", "de_score", "de_confidence"]
    assert json.loads(dog)["de"]
    assert blank == ""
    assert json.loads(bad) == {"en": 3, "de": None, "de_score": None, "de_confidence": None}
    assert json.loads(two)["de"].count("\n") == 1


def test_defaults_may_be_said(tmp_path: Path, run: Run) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "A dog runs."}\n')
    assert run("mass", "translate", "in.jsonl", "out", "--workers", "1")[0] == 0
    said = ["--format", "jsonl", "--column", "text", "--into", "translation", "--beam", "5"]
    code, _, error = run("mass", "translate", "in.jsonl", "out", *said)
    assert code == 0
    assert "out: 1 of 1 shard were done before" in error


def test_captions_are_what_caption_prints(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "pictures" / "more"
    folder.mkdir(parents=True)
    shutil.copy(PICTURES / "chelsea.jpg", folder / "a\tb.jpg")
    shutil.copy(PICTURES / "coffee.jpg", folder.parent / "z.jpg")
    (folder / "broken.jpg").write_bytes((PICTURES / "coffee.jpg").read_bytes()[:2000])
    (folder / "notes.txt").write_text("no picture")
    code, output, error = run("mass", "caption", "pictures", "out", "--shard-size", "2", *FAST)
    assert (code, output) == (1, "")
    assert "passed over 1 file that is no picture: 1 .txt" in error
    assert "warning: pictures/more/broken.jpg: " in error
    assert "out: 3 pictures in 2 shards, all there" in error
    assert written(tmp_path / "out") == run("caption", "pictures", "--beam", "1")[1]
    [failed] = (tmp_path / "out.mass" / "failed.jsonl").read_text().splitlines()
    assert json.loads(failed)["file"] == "pictures/more/broken.jpg"
    (folder / "new.jpg").write_bytes(b"x")
    code, _, error = run("mass", "caption", "pictures", "out", "--shard-size", "2", *FAST)
    assert code == 2
    assert "error: pictures: its pictures are not those that were there when this run was begun" in error
    assert '"new.jpg"' in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("translate none out", "error: none: no such file (relative to the current folder); check the path"),
        ("translate bad.txt out", "error: bad.txt: line 2, byte 3: not UTF-8: FF"),
        ("translate in.txt out --column en", "error: --column and --into are of JSON Lines and Parquet"),
        ("translate in.jsonl out", "error: in.jsonl: no field 'text'; there are en, id: name one with --column"),
        ("translate mixed out", "error: mixed: has files of several kinds: mixed/a.txt, mixed/b.jsonl; put them into"),
        ("translate in.jsonl out --column id", "error: in.jsonl: the field 'id' of its first line is no text; name"),
        ("translate empty out", "error: empty: has no files"),
        ("translate in.txt full", "error: full: is not empty, and no run of this command was begun there; name a new"),
        ("translate mixed mixed/out --format lines", "error: mixed/out: lies in the input mixed, which would change"),
        ("translate in.txt out --model none", "error: none: no such directory, and no bundled model has this name"),
        ("translate in.txt out --model en-de --to fr", "error: --to chooses a bundled model; leave out --to, or"),
        ("translate in.txt out --address auto", "error: --address is of --engine ray; add it"),
        ("translate in.txt out --gpus-per-worker 0.5", "error: --gpus-per-worker is of --device cuda; add it"),
        ("translate in.txt out --gpus-per-worker 1.5", "'1.5' is neither a number above 0 up to 1, nor a whole number"),
        ("translate in.txt out --draw-positions 1", "error: unrecognized arguments: --draw-positions 1"),
        ("translate in.txt out --device cuda", "error: --device cuda: there is no GPU that PyTorch can use"),
        ("caption in.txt out", "error: in.txt: is no folder; name a folder of pictures"),
        ("caption full out --sample", "error: --sample draws by the order of the work"),
        ("caption full full/out", "error: full/out: lies in the input full"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path: Path, run: Run, arguments: str, message: str) -> None:
    if "cuda" in arguments:
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a GPU")
    for name in ("mixed", "empty", "full"):
        (tmp_path / name).mkdir()
    for name in ("in.txt", "mixed/a.txt", "full/file"):
        (tmp_path / name).write_text("A dog.\n")
    for name in ("in.jsonl", "mixed/b.jsonl"):
        (tmp_path / name).write_text('{"en": "A dog.", "id": 1}\n')
    (tmp_path / "bad.txt").write_bytes(b"a\nb\xff\n")
    code, output, error = run("mass", *arguments.split())
    assert (code, output) == (2, "")
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("*/part-*"))
    assert not (tmp_path / "out").exists()


def test_an_empty_folder_is_a_failed_input_as_for_caption(tmp_path: Path, run: Run) -> None:
    (tmp_path / "empty").mkdir()
    for _ in range(2):
        code, _, error = run("mass", "caption", "empty", "out")
        assert code == 1
        assert error.splitlines()[-1] == "warning: empty: has no pictures"


def test_without_ray_one_line_says_what_to_install(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (tmp_path / "in.txt").write_text("A dog.\n")
    code, _, error = run("mass", "translate", "in.txt", "out", "--engine", "ray")
    assert code == 2
    assert error.startswith('error: s2s mass translate needs Ray, which is not installed; run: pip install "s2s-atten')
    assert not (tmp_path / "out.mass").exists()


def test_without_pyarrow_one_line_says_what_to_install(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "in.parquet").write_bytes(b"PAR1")
    code, _, error = run("mass", "translate", "in.parquet", "out")
    assert code == 2
    assert "needs pyarrow, which is not installed; run: pip install" in error


def test_an_address_without_a_cluster_is_told_in_one_line(tmp_path: Path, run: Run) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    (tmp_path / "in.txt").write_text("A dog.\n")
    code, _, error = run("mass", "translate", "in.txt", "out", "--engine", "ray", "--address", "auto")
    assert code == 2
    assert "error: --address auto: no Ray cluster is there; start one with `ray start --head`" in error


def test_gpus_go_to_the_workers_and_pytorch_runs_on_them(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = mass_parser("", "INPUT", "", 1, "")
    monkeypatch.setattr("mass.arguments._gpus", lambda: ["0", "1"])
    options = parser.parse_args(["in", "out", "--device", "cuda", "--gpus-per-worker", "0.5", "--threads", "3"])
    local = engine(options)
    assert isinstance(local, LocalEngine)
    assert [local._gpu(number) for number in range(local._workers)] == ["0", "1", "0", "1"]
    assert (machine(options).device, machine(options).threads) == ("cuda", 3)
    pytest.importorskip("ray", reason="Ray is not installed")
    options.engine = "ray"
    assert engine(options).resources() == {"num_cpus": 3, "num_gpus": 0.5}  # type: ignore[attr-defined]
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    options.device = "auto"
    options.gpus_per_worker = 1.0
    assert engine(options).resources() == {"num_cpus": 3}  # type: ignore[attr-defined]


@pytest.mark.parametrize("function", [translate, caption])
def test_help_names_every_option_of_the_engines(
    function: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        function(["--help"])
    text = capsys.readouterr().out
    for option in ("--engine", "--address", "--workers", "--gpus-per-worker", "--shard-size", "--model"):
        assert option in text
    assert not [option for option in ("--draw-positions", "--n-best") if option in text]

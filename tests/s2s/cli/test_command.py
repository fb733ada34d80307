from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from s2s.cli import command
from s2s.errors import UserError, warn

ROOT = Path(__file__).resolve().parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
PROGRAM = """
import errno, os, signal, sys, time
from s2s.cli import command
from s2s.errors import UserError, warn

def main(arguments):
{body}

sys.exit(command.run(main))
"""


def program(body: str) -> list[str]:
    """The command line of a command whose `main(arguments)` has this body; without site-packages, to start quickly."""
    return [sys.executable, "-S", "-c", PROGRAM.format(body=textwrap.indent(textwrap.dedent(body), "    "))]


def execute(body: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*program(body), *arguments],
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize("code", [0, 1])
def test_the_code_of_main_is_the_exit_code(code: int) -> None:
    done = execute(f"print(arguments); return {code}", "x", "--y")
    assert (done.returncode, done.stdout, done.stderr) == (code, "['x', '--y']\n", "")


@pytest.mark.parametrize(
    ("body", "code", "line"),
    [
        ("raise UserError('x: no such file;\\ncheck the path')", 2, "error: x: no such file; check the path"),
        ("raise KeyboardInterrupt", 130, "interrupted"),
        ("open('/no/such')", 2, "error: /no/such: No such file or directory; check the path"),
        ("raise OSError(errno.ENOSPC, 'No space left', 'x')", 2, "error: x: No space left; free some space and try"),
        ("raise PermissionError(errno.EACCES, 'denied', 'x')", 2, "error: x: denied; check its permissions"),
        ("raise MemoryError", 2, "error: out of memory; "),
        ("raise type('OutOfMemoryError', (RuntimeError,), {})('CUDA')", 2, "error: out of memory; "),
        ("raise RuntimeError('DefaultCPUAllocator: no memory')", 2, "error: out of memory; "),
        ("{}['key']", 70, "error: internal error: KeyError: 'key' (command.py:"),
        ("raise BrokenPipeError(errno.EPIPE, 'a worker died')", 70, "error: internal error: BrokenPipeError: "),
    ],
)
def test_a_failure_is_one_line_and_a_code(body: str, code: int, line: str) -> None:
    done = execute(body)
    assert done.returncode == code
    assert done.stderr.startswith(line)
    assert done.stderr.count("\n") == 1


def test_an_internal_error_names_the_innermost_lines() -> None:
    done = execute("from s2s import config\nconfig.from_dict(list, {})")
    assert re.search(r"\(config.py:\d+ > config.py:\d+ > \w+.py:\d+\); please report it", done.stderr)


@pytest.mark.parametrize("body", ["raise UserError('wrong')", "raise ValueError('wrong')"])
def test_debug_shows_the_traceback_above_the_line(body: str) -> None:
    done = execute(body, "--debug")
    assert done.stderr.startswith("Traceback")
    assert done.stderr.splitlines()[-1].startswith("error: ")


PARSING = """
from s2s.cli.arguments import Parser
parser = Parser(prog="tool")
parser.add_argument("--beam", type=int)
parser.parse_args(arguments)
return 0
"""


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--beam", "x"], "error: argument --beam: invalid int value: 'x' (see tool --help)\n"),
        (["--bea", "5"], "error: unrecognized arguments: --bea 5 (see tool --help)\n"),
    ],
)
def test_a_wrong_argument_is_one_line(arguments: list[str], line: str) -> None:
    done = execute(PARSING, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


def test_help_and_debug_are_no_errors() -> None:
    done = execute(PARSING, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--debug" in done.stdout
    assert execute(PARSING, "--debug").returncode == 0


def test_run_can_be_called_in_a_process_that_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def main(arguments: list[str]) -> int:
        warn("careful")
        raise UserError(f"wrong: {arguments}")

    assert command.run(main, ["x"]) == 2
    assert capsys.readouterr() == ("", "warning: careful\nerror: wrong: ['x']\n")
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("number", "code", "line"), [(signal.SIGINT, 130, b"interrupted\n"), (signal.SIGTERM, 143, b"terminated\n")]
)
def test_a_signal_lets_finally_do_its_work(number: signal.Signals, code: int, line: bytes) -> None:
    body = """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run in the background, which ignores it
    try:
        print("ready", flush=True)
        os.read(0, 1)
    except Exception:
        print("swallowed")
    finally:
        print("tidy", flush=True)
        os.read(0, 1)
    """
    with subprocess.Popen(
        program(body), env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.stdout.readline() == b"tidy\n"
        if number == signal.SIGTERM:
            process.send_signal(number)  # a second one does not disturb the tidying
        output, errors = process.communicate(b"x")
    assert (process.returncode, output, errors) == (code, b"", line)


FINALISER = """
class Dying:
    def __del__(self):
        signal.raise_signal(signal.Signals(int(arguments[0])))
try:
    Dying()
    time.sleep(60)
finally:
    print("tidy")
"""
LAST_WORDS = """
class Wrong(UserError):
    def __str__(self):
        signal.raise_signal(signal.Signals(int(arguments[0])))
        return "wrong"
raise Wrong
"""


@pytest.mark.parametrize(
    ("number", "code", "line"), [(signal.SIGINT, 130, "interrupted\n"), (signal.SIGTERM, 143, "terminated\n")]
)
def test_a_signal_in_a_finaliser_is_not_lost(number: signal.Signals, code: int, line: str) -> None:
    done = execute(FINALISER, str(int(number)))
    assert (done.returncode, done.stdout, done.stderr) == (code, "tidy\n", line)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_last_words_changes_nothing(number: signal.Signals) -> None:
    done = execute(LAST_WORDS, str(int(number)))
    assert (done.returncode, done.stderr) == (2, "error: wrong\n")


def test_with_standard_error_closed_nothing_goes_to_standard_output_instead() -> None:
    body = "warn('careful'); print('line'); raise UserError('wrong')"
    line = ["bash", "-c", 'exec "$@" 2>&-', "bash", *program(body)]
    done = subprocess.run(line, env=ENVIRONMENT, stdout=subprocess.PIPE, encoding="utf-8", check=False, timeout=30)
    assert (done.returncode, done.stdout) == (2, "line\n")


def test_other_errors_of_finalisers_are_shown() -> None:
    done = execute("type('Dying', (), {'__del__': lambda self: 1 / 0})(); return 0")
    assert done.returncode == 0
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize("body", ["while True: print('line')", "print('line'); return 0", "print('x' * 10**7)"])
@pytest.mark.parametrize("system", ["import select", "import select; del select.poll"])  # Windows has none
def test_a_closed_pipe_ends_in_silence(body: str, system: str) -> None:
    with subprocess.Popen(
        program(f"{system}\nos.read(0, 1)\n{body}"),
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        assert process.communicate(b"x")[1] == b""
    assert process.returncode == 0


def test_a_full_disk_under_standard_output_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            program("print('x'); return 0"), env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    assert done.stderr == b"error: No space left on device; free some space and try again\n"


def test_output_is_utf8_in_any_locale_and_paths_come_out_as_they_are() -> None:
    done = execute("print('ä', arguments[0]); return 0", "caf\udce9", PYTHONIOENCODING="latin-1", PYTHONUTF8="1")
    assert (done.returncode, done.stdout) == (0, "ä caf\udce9\n")


def test_nothing_heavy_is_imported() -> None:
    assert execute("return int('torch' in sys.modules or 'numpy' in sys.modules)").returncode == 0


def test_a_file_run_from_another_folder_finds_the_project_and_hides_nothing(tmp_path: Path) -> None:
    idiom = textwrap.dedent(
        (command.__doc__ or "").partition("::\n\n")[2].partition("\nThis module imports nothing")[0]
    )
    assert "sys.path" in idiom
    (tmp_path / "s2s").symlink_to(ROOT / "s2s")
    (tmp_path / "application").mkdir()
    (tmp_path / "application" / "json.py").write_text("raise ImportError('the wrong json')")
    script = tmp_path / "application" / "tool.py"
    script.write_text(idiom + "import json\nfrom s2s.cli import command\nprint(command.__name__)\n")
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, str(script)], env=clean, cwd="/", capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.stdout, done.stderr) == ("s2s.cli.command\n", "")


@pytest.mark.parametrize("end", ["error", "warning"])
def test_what_strangers_wrote_is_shown_and_never_obeyed(end: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Control sequences in names of files would clear the screen, set its title, or hide what was said."""
    name = "a\x1b[2J\u202eb\x07\nc\udcff é 漢"

    def tell(_: list[str]) -> int:
        if end == "warning":
            warn(f"{name}: is no picture")
            return 0
        raise UserError(f"{name}: is no picture")

    assert command.run(tell, []) == (2 if end == "error" else 0)
    assert capsys.readouterr().err == f"{end}: a\\x1b[2J\\u202eb\\x07 c\\udcff é 漢: is no picture\n"


def test_a_signal_that_an_import_turned_into_an_error_is_told_as_a_signal(capsys: pytest.CaptureFixture[str]) -> None:
    def main(_: list[str]) -> int:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as interrupt:
            raise ImportError("initialization failed") from interrupt

    assert command.run(main, []) == 130
    assert capsys.readouterr().err == "interrupted\n"

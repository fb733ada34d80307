"""Run the `main` function of a command: exit codes, one line for an error, signals, closed pipes.

A command is a function from its arguments to an exit code, started by `run`:

    def translate(arguments: list[str]) -> int: ...

    def main() -> int:  # the entry point in pyproject.toml
        return command.run(translate)

    if __name__ == "__main__":
        sys.exit(main())

Exit codes:
    0    done, also if the reader of the output has closed the pipe (`| head`)
    1    done, but some inputs failed and were reported; only the command itself returns it
    2    the user made a mistake (`UserError`), or the machine refused: disk full, permission denied, out of memory; or
         the command needs a package that a light installation lacks
    70   a bug in the toolkit
    130  interrupted (Ctrl-C)
    143  terminated (SIGTERM)

A module that can also be run as a file (`python translation/translate.py`, from any folder) starts with its own folder
on `sys.path`, and without the project's. It replaces the one by the other before it imports anything of the project, so
that `import s2s` works and translation/corpus.py cannot hide another module named `corpus`::

    if not __package__:
        import sys
        from pathlib import Path

        sys.path[0] = str(Path(__file__).resolve().parents[1])

This module imports nothing that is slow to import, so that --help and wrong arguments are answered at once. It is
tested on Linux; what differs on Windows is written after Python's documentation.
"""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from s2s.cli.arguments import program_name
from s2s.cli.process import prepare_process
from s2s.cli.signals import CommandSignals
from s2s.errors import Terminated, UserError, printable
from s2s.extras import missing_extra

# Errors of a disk, which Python may raise without the name of the file. They are reported, and are not bugs.
_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_ADVICE = {
    errno.ENOSPC: "free some space and try again",
    errno.EDQUOT: "free some space and try again",
    errno.EACCES: "check its permissions",
    errno.EPERM: "check its permissions",
    errno.EROFS: "choose another folder",
    errno.ENOENT: "check the path",
}


def run(main: Callable[[list[str]], int], argv: Sequence[str] | None = None) -> int:
    r"""Call `main` with the command line (or `argv`) and return the exit code; no exception leaves this function.

    Standard output is written in UTF-8 with `\n` at line ends, whatever the locale and the system. Paths that are not
    UTF-8 are written byte for byte.
    """
    prepare_process()
    if sys.stderr is None:  # standard error is closed; `print` would write its messages to standard output
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    arguments = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", newline="\n")
    with CommandSignals() as signals:
        try:
            code = _call(main, arguments)
            signals.enabled = False
        except BaseException as failure:
            signals.enabled = False  # the first statement, and not a call: Python runs signal handlers at calls
            code, line = _code_and_message(_signal_behind(failure) or failure)
            _report(line, failure if "--debug" in arguments and code else None)
        finally:
            _discard_broken_streams()
    return code


def _call(main: Callable[[list[str]], int], arguments: list[str]) -> int:
    """Call `main`, flush standard output, and return the exit code."""
    try:
        code = main(arguments)
    except SystemExit as end:  # raised by argparse after --help
        if isinstance(end.code, str):
            raise
        code = end.code or 0
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _signal_behind(failure: BaseException) -> BaseException | None:
    """The signal that an import turned into an error: a package in C that is interrupted while it is imported does."""
    cause = failure.__cause__ or failure.__context__
    return cause if isinstance(failure, ImportError) and isinstance(cause, KeyboardInterrupt | Terminated) else None


def _code_and_message(failure: BaseException) -> tuple[int, str]:
    """Return the exit code for an exception and the line to print; an empty line is not printed."""
    match failure:
        case UserError():
            return 2, f"error: {failure}"
        case KeyboardInterrupt():
            return 130, "interrupted"
        case Terminated():
            return 143, "terminated"
        case OSError() if _is_broken_pipe(failure) and _reader_is_gone():
            return 0, ""
        case ModuleNotFoundError() if problem := missing_extra(failure, program_name()):
            return 2, f"error: {problem}"
        case OSError() if failure.filename is not None or failure.errno in _MACHINE:
            where = "" if failure.filename is None else f"{failure.filename}: "
            advice = _ADVICE.get(failure.errno or 0)
            return 2, f"error: {where}{failure.strerror}" + (f"; {advice}" if advice else "")
        case _ if _out_of_memory(failure):
            return 2, "error: out of memory; try a smaller batch or a smaller --beam"
        case _:
            description = f"{type(failure).__name__}: {failure} ({_origin(failure)})"
            return 70, f"error: internal error: {description}; please report it; --debug shows the traceback"


def _is_broken_pipe(failure: OSError) -> bool:
    """Whether a write failed because a pipe was closed, which Windows reports as an invalid argument."""
    return isinstance(failure, BrokenPipeError) or (sys.platform == "win32" and failure.errno == errno.EINVAL)


def _reader_is_gone() -> bool:
    """Whether standard output or standard error is a pipe whose reader has closed it.

    A BrokenPipeError alone is no evidence: it may come from a pipe to a child process that died. Windows cannot poll a
    pipe; there it is evidence enough that one of them is a pipe.
    """
    if not hasattr(select, "poll"):
        return any(map(_is_pipe, (1, 2)))
    poll = select.poll()
    poll.register(1, 0)
    poll.register(2, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def _is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:  # closed
        return False


def _out_of_memory(failure: BaseException) -> bool:
    """Whether Python, CUDA or torch on a CPU ran out of memory; torch's errors are known by name, without torch."""
    name = type(failure).__name__
    return isinstance(failure, MemoryError) or name == "OutOfMemoryError" or "DefaultCPUAllocator" in str(failure)


def _origin(failure: BaseException) -> str:
    """The innermost three frames as `file:line`, for the report of a failure that cannot be repeated."""
    frames = traceback.extract_tb(failure.__traceback__)[-3:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


def _report(line: str, failure: BaseException | None) -> None:
    """Print the traceback of `failure`, if given, and then the line, on standard error."""
    if failure is not None:
        traceback.print_exception(failure)
    if line:
        print(printable(line), file=sys.stderr, flush=True)


def _discard_broken_streams() -> None:
    """Redirect standard streams that cannot be written to /dev/null, or the interpreter reports them as it exits."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

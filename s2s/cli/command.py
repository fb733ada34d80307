"""What the `main` of every command shares: one line for an error, exit codes, signals, closed pipes.

A command is a function from its arguments to an exit code, started by `run`:

    def translate(arguments: list[str]) -> int: ...

    def main() -> int:  # the entry point in pyproject.toml
        return command.run(translate)

    if __name__ == "__main__":
        sys.exit(main())

0 is done; 1 is the command's own word for "done, but some inputs failed"; 2 is the user's mistake, or a machine that
is full or forbids; 70 is a bug of ours; 130 is interrupted, 143 terminated; a closed pipe (`| head`) ends with 0.

A module that is also run as a file (`python translation/translate.py`, from any folder) finds its own folder first on
the path and the project nowhere. It swaps the one for the other before it imports anything of the project, so that
`import s2s` is found, and translation/corpus.py cannot be mistaken for another `corpus`::

    if not __package__:
        import sys
        from pathlib import Path

        sys.path[0] = str(Path(__file__).resolve().parents[1])

Nothing heavy is imported here: a command answers --help, and refuses a missing file, at once.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from s2s.cli.allocator import keep_freed_memory
from s2s.errors import Terminated, UserError, printable

# What a machine may refuse in mid-write, where Python knows no file name: said without one rather than called a bug.
_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_ADVICE = {
    errno.ENOSPC: "free some space and try again",
    errno.EDQUOT: "free some space and try again",
    errno.EACCES: "check who may read and write it",
    errno.EPERM: "check who may read and write it",
    errno.EROFS: "choose another folder",
    errno.ENOENT: "check the path",
}


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are `UserError`s; it knows --debug, and takes no abbreviated options."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **options})
        # `run` looks for --debug itself, because parsing may be what fails; here it is only made known.
        self.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
        )

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see {self.prog} --help)")


class _Signals:
    """SIGTERM and Ctrl-C as exceptions while a command is at work, and as nothing while it says its last words.

    Python raises such an exception wherever the main thread happens to be. In a finaliser, or in the callback of a weak
    reference, of which every import runs some, it leads nowhere: its traceback is printed, and the command goes on.
    Here it is not printed, and the signal comes again a moment later.

    Attributes:
        heeded: whether the command is at work
    """

    def __init__(self) -> None:
        self.heeded = True
        self._terminated = False
        self._lost = signal.SIGTERM  # what comes again
        self._print_unraisable = sys.unraisablehook

    def __enter__(self) -> _Signals:
        handlers = {signal.SIGTERM: self._raise}
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else a shell's background ignores it
            handlers[signal.SIGINT] = self._raise
        if sys.platform != "win32":  # which has no timer
            handlers[signal.SIGALRM] = self._again
            sys.unraisablehook = self._unraisable
        self._previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        return self

    def __exit__(self, *_: object) -> None:
        if sys.platform != "win32":
            signal.setitimer(signal.ITIMER_REAL, 0)
            sys.unraisablehook = self._print_unraisable
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _raise(self, number: int, _: object) -> None:
        if self.heeded and number == signal.SIGINT:
            raise KeyboardInterrupt
        if self.heeded and not self._terminated:  # a second one must not break into the `finally` blocks of the first
            self._terminated = True
            raise Terminated

    def _unraisable(self, what: sys.UnraisableHookArgs) -> None:
        """Take the place of `sys.unraisablehook`: what can be raised here would be lost again."""
        if issubclass(what.exc_type, KeyboardInterrupt | Terminated):
            self._lost = signal.SIGINT if issubclass(what.exc_type, KeyboardInterrupt) else signal.SIGTERM
            self._terminated = False
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            self._print_unraisable(what)

    def _again(self, number: int, _: object) -> None:
        signal.raise_signal(self._lost)


def positive(text: str) -> int:
    """The type of an argument that counts something."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def add_search(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options of a search, as a group to which a command may add its own."""
    group = parser.add_argument_group("search")
    group.add_argument("--beam", type=positive, default=5, metavar="N", help="hypotheses; 1 is greedy (default: 5)")
    group.add_argument(
        "--length-penalty", type=float, default=1.0, metavar="A", help="score = log P / length^A (default: 1)"
    )
    return group


def add_machine(
    parser: argparse.ArgumentParser, precisions: Sequence[str] = ("int8", "bfloat16", "float32")
) -> argparse._ArgumentGroup:
    """Add the options of where and how to compute, as a group to which a command may add its own."""
    group = parser.add_argument_group("machine")
    group.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="auto: a GPU if there is one")
    first = "int8 where the processor can, else " if "int8" in precisions else ""
    told = f"auto: {first}bfloat16 where it is fast, else float32"
    group.add_argument("--precision", choices=["auto", *precisions], default="auto", help=told)
    group.add_argument("--threads", type=positive, metavar="N", help="processor cores (default: all)")
    return group


def run(main: Callable[[list[str]], int], argv: Sequence[str] | None = None) -> int:
    """Call `main` with the command line (or `argv`) and return the exit code, whatever happens in between.

    Standard output is UTF-8 whatever the locale says, and gives back the bytes of a path that is not UTF-8 itself.
    """
    keep_freed_memory()
    if sys.stderr is None:  # closed: else what is said there would go to standard output
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    arguments = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    with _Signals() as signals:
        try:
            code = _finished(main, arguments)
            signals.heeded = False
        except BaseException as failure:
            signals.heeded = False  # first of all, and by no call: Python runs the handlers of signals at calls
            code, line = _verdict(failure)
            _tell(line, failure if "--debug" in arguments and code else None)
        finally:
            _mute_what_is_broken()
    return code


def _finished(main: Callable[[list[str]], int], arguments: list[str]) -> int:
    """The exit code of `main`, once all that it printed has left."""
    try:
        code = main(arguments)
    except SystemExit as leaving:  # argparse after --help
        if isinstance(leaving.code, str):
            raise
        code = leaving.code or 0
    if sys.stdout is not None:
        sys.stdout.flush()
    return code


def _verdict(failure: BaseException) -> tuple[int, str]:
    """The exit code of a failure and the line that tells it, empty where there is nothing to tell."""
    match failure:
        case UserError():
            return 2, f"error: {failure}"
        case KeyboardInterrupt():
            return 130, "interrupted"
        case Terminated():
            return 143, "terminated"
        case BrokenPipeError() if _reader_left():
            return 0, ""
        case OSError() if failure.filename is not None or failure.errno in _MACHINE:
            where = "" if failure.filename is None else f"{failure.filename}: "
            advice = _ADVICE.get(failure.errno or 0)
            return 2, f"error: {where}{failure.strerror}" + (f"; {advice}" if advice else "")
        case _ if _out_of_memory(failure):
            return 2, "error: out of memory; a smaller batch needs less, and so does a smaller beam"
        case _:
            what = f"{type(failure).__name__}: {failure} ({_origin(failure)})"
            return 70, f"error: internal error: {what}; please report it, --debug shows the traceback"


def _reader_left() -> bool:
    """Whether standard output or standard error is a pipe that nobody reads any more.

    A BrokenPipeError alone does not say so: it may have come from a helper process that died.
    """
    poll = select.poll()
    poll.register(1, 0)
    poll.register(2, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def _out_of_memory(failure: BaseException) -> bool:
    """Python's own error, CUDA's (known by its name: torch is not imported here), or that of torch on a CPU."""
    name = type(failure).__name__
    return isinstance(failure, MemoryError) or name == "OutOfMemoryError" or "DefaultCPUAllocator" in str(failure)


def _origin(failure: BaseException) -> str:
    """The innermost three frames, as `file:line`: enough for a report of what cannot be run again."""
    frames = traceback.extract_tb(failure.__traceback__)[-3:]
    return " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)


def _tell(line: str, failure: BaseException | None) -> None:
    """Print the line on standard error, below the traceback of `failure` if one is asked for."""
    if failure is not None:
        traceback.print_exception(failure)
    if line:
        print(printable(line), file=sys.stderr, flush=True)


def _mute_what_is_broken() -> None:
    """Point a standard stream that cannot be written at nothing, or the interpreter complains about it as it ends."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())

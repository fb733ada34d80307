"""Errors and warnings for users, each in one line."""

from __future__ import annotations

import sys
from collections.abc import Sequence


class UserError(Exception):
    """A mistake that the user can correct. The message is one line: what is wrong, where, and what to do next.

    Commands print it as `error: ...` and exit with code 2. Any other exception that reaches a command is a bug.
    """


def check(condition: object, message: str) -> None:
    """Raise `UserError(message)` unless `condition` holds."""
    if not condition:
        raise UserError(message)


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with what it counts: "1 line", "2 lines".

    Args:
        count: the number
        one: what one of them is called; words may follow that depend on the number, such as "line is blank"
        many: what several are called (default: `one` with an s)
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def first_few(names: Sequence[object]) -> str:
    """Return the first three of `names` and the number of the others, so that a message stays one line."""
    return ", ".join(map(str, names[:3])) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


class Terminated(BaseException):
    """Raised at SIGTERM. Like KeyboardInterrupt it is not caught by `except Exception`, and runs every `finally`."""


def warn(message: str) -> None:
    """Print `warning: message` on standard error."""
    print(printable(f"warning: {message}"), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """Return `text` as one line without control characters: it may quote file names or text from outside."""
    line = " ".join(text.splitlines())
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line)

"""What a user can do wrong, told in one line."""

from __future__ import annotations

import sys
from collections.abc import Sequence


class UserError(Exception):
    """A mistake that its maker can mend: the message is one line that says what is wrong, where, and what to do next.

    Commands print it as `error: ...` and end with exit code 2; everything else that escapes is a bug.
    """


def check(condition: object, message: str) -> None:
    """Raise `UserError(message)` unless `condition` holds."""
    if not condition:
        raise UserError(message)


def first_few(names: Sequence[object]) -> str:
    """The first three of `names`, and how many more there are: a message stays a line."""
    return ", ".join(map(str, names[:3])) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


class Terminated(BaseException):
    """SIGTERM came. Like KeyboardInterrupt it passes `except Exception`, and lets every `finally` do its work."""


def warn(message: str) -> None:
    """Print `warning: message` on standard error."""
    print(printable(f"warning: {message}"), file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """One line that a terminal can only show, whatever names of files and words of strangers are in it."""
    line = " ".join(text.splitlines())
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line)

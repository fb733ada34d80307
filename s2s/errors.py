"""What a user can do wrong, told in one line."""

from __future__ import annotations

from collections.abc import Sequence


class UserError(Exception):
    """A mistake that its maker can mend: the message is one line that says what is wrong, where, and what to do next.

    Commands print it as `error: ...` and end with exit code 2; everything else that escapes is a bug.
    """


def check(condition: object, message: str) -> None:
    """Raise `UserError(message)` unless `condition` holds."""
    if not condition:
        raise UserError(message)


def some(names: Sequence[object]) -> str:
    """The first three of `names`, and how many more there are: a message stays a line."""
    return ", ".join(map(str, names[:3])) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")

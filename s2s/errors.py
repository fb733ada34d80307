"""What a user can do wrong, told in one line."""

from __future__ import annotations


class UserError(Exception):
    """A mistake that its maker can mend: the message is one line that says what is wrong, where, and what to do next.

    Commands print it as `error: ...` and end with exit code 2; everything else that escapes is a bug.
    """


def check(condition: object, message: str) -> None:
    """Raise `UserError(message)` unless `condition` holds."""
    if not condition:
        raise UserError(message)

"""Doubtful outputs: how `translate` and `caption` report them, mark them and count them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from s2s.errors import check, warn
from s2s.files import atomic_file

MARK = "[?] "  # stands before a doubtful output with --unsure mark
NOT_CALIBRATED = "the confidence of this model is not calibrated; the score is all there is to judge by"


def check_calibration(calibrated: bool, options: argparse.Namespace, outputs: str, *, what: str, do: str) -> None:
    """Check that the confidence is calibrated, where an option needs it; only warn if the option works without.

    Args:
        calibrated: whether it is
        options: of the command, with `unsure` and `report`
        outputs: what the outputs are called, such as "lines"
        what: says that the confidence is not calibrated
        do: what to do about it

    Raises:
        UserError: it is not calibrated, and --unsure needs it.
    """
    check(calibrated or options.unsure == "keep", f"--unsure {options.unsure}: {what}; {do}")
    if options.report and not calibrated:
        warn(f"--report: {what}, so the confidence of all {outputs} is null; {do}")


@contextmanager
def report_file(path: Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Yield a function that writes an object as a line of JSON; the file appears when the block ends well."""
    with atomic_file(path) as aside, aside.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        yield lambda each: print(json.dumps(each, ensure_ascii=False), file=file)


def summary(doubtful: int, total: int, outputs: str, done: str = "") -> str:
    """A line that says how many of all outputs are doubtful; empty if none is.

    Args:
        doubtful: how many are
        total: how many outputs there are
        outputs: what they are called, such as "lines"
        done: what was done about them, and what to do next
    """
    if not doubtful:
        return ""
    return f"{doubtful:,} of {total:,} {outputs} {'is' if doubtful == 1 else 'are'} doubtful{done}"

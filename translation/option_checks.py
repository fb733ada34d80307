"""Checks of the options of the `translate` command, before anything is loaded."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from s2s.cli.doubts import check_calibration
from s2s.cli.search_options import search_options
from s2s.decoding.confidence import FILE as CONFIDENCE
from s2s.errors import check
from s2s.files import check_readable, current_version

ATTENTION_FORMATS = (".json", ".html", ".png")  # endings of the file name of --attention


def check_options(options: argparse.Namespace) -> None:
    """Check all that can be checked before the model is loaded."""
    search_options(options, n_best=options.n_best or 1)
    check(options.files or sys.stdin, "standard input is closed; name a FILE to translate")
    check(options.output or sys.stdout, "standard output is closed; name a file with --output")
    _check_files(options.files)
    check(
        options.n_best is None or options.unsure == "keep",
        f"--unsure {options.unsure} writes one line for each line, and --n-best several; leave one of them out",
    )
    check(
        not (options.alignments and options.unsure != "keep"),
        f"--unsure {options.unsure} writes other words than --alignments counts; leave one of them out",
    )
    if options.attention:
        check(
            options.attention.suffix.lower() in ATTENTION_FORMATS,
            f"--attention {options.attention}: the file name must end in {', '.join(ATTENTION_FORMATS)}",
        )
    check(
        options.glossary or options.keep or not options.glossary_case,
        f"--glossary-case {options.glossary_case}: there are no terms; name a file of them with --glossary or --keep",
    )
    for path in (options.prefix_file, options.images):
        if path:
            check_readable(path)
    check(
        not (options.prefix_file or options.prefix_column) or not (options.glossary or options.keep),
        "a glossary may move what a translation begins with: leave out --glossary and --keep, or the prefixes",
    )


def check_confidence(directories: Sequence[Path], options: argparse.Namespace) -> None:
    """Check that the confidence of the model is calibrated, where an option needs it."""
    what = f"the confidence of {directories[0]} is not calibrated"
    do = f"calibrate it with `s2s calibrate translation {directories[0]} --source FILE --reference FILE`"
    if len(directories) > 1:
        what, do = "the confidence of an ensemble is not calibrated", "use one --model"
    calibrated = len(directories) == 1 and (current_version(directories[0]) / CONFIDENCE).is_file()
    check_calibration(calibrated, options, "lines", what=what, do=do)


def _check_files(files: Sequence[Path]) -> None:
    """Check that all files can be read; say how to translate a text that was given in place of a file."""
    text = " ".join(map(str, files))
    absent = not any(os.path.exists(path) for path in files)  # noqa: PTH110 (Path.exists raises for a long text)
    check(
        not (absent and (" " in text or (files and text.isalpha()))),
        f"{text}: no such file; name a file of text, or to translate these words use: "
        f"echo {shlex.quote(text)} | translate",
    )
    for path in files:
        check_readable(path)

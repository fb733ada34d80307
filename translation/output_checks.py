"""Checks of the files that `translate` writes, before anything is loaded: all can be written, and none is another."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from s2s.errors import check, first_few
from s2s.files import check_output, is_device
from translation.inputs import Job
from translation.part_file import files_of, is_begun, part_of

_SIDE_FILES = ("attention", "alignments", "report")
_READ = ("glossary", "keep", "prefix_file", "images")  # options that name a file that is read


def check_outputs(jobs: Sequence[Job], options: argparse.Namespace) -> None:
    """Check all files that the command writes.

    Raises:
        UserError: a file cannot be written, would replace one that is read, or is to be written twice.
    """
    targets = [job.output for job in jobs if job.output]
    inputs = [*options.files, *(path for name in _READ if (path := getattr(options, name)))]
    _check_names(targets, options)
    for name in _SIDE_FILES:
        if path := getattr(options, name):
            check_output(path, force=options.force, inputs=inputs)
    _check_folder(options)
    for target in targets:
        _check_target(target, inputs, options)


def _check_names(targets: Sequence[Path], options: argparse.Namespace) -> None:
    """Check that all names are of different files."""
    twice = [str(path) for path, count in Counter(targets).items() if count > 1]
    check(not twice, f"{first_few(twice)}: several files have this name; translate them one by one")
    written: dict[str, str] = {}
    for path, option, what in _written(targets, options):
        other = written.setdefault(os.path.realpath(path), what)
        check(other == what, f"{option} {path}: this is {other} too; choose another name")


def _written(targets: Sequence[Path], options: argparse.Namespace) -> Iterator[tuple[Path, str, str]]:
    """Each file, the option that names it, and what it is."""
    for target in targets:
        yield target, "--output", "the file of --output"
        if not is_device(target):
            yield from (
                (path, "--output", f"what an interrupted command leaves of {target}") for path in files_of(target)
            )
    for name in _SIDE_FILES:
        if path := getattr(options, name):
            yield path, f"--{name}", f"the file of --{name}"


def _check_folder(options: argparse.Namespace) -> None:
    """Check the folder that --output names, if it does."""
    if options.output_folder:
        folder = options.output
        check(folder.is_dir() or not folder.exists(), f"{folder}: is a file, not a folder; choose another name")
        parent = folder.absolute().parent
        check(parent.is_dir(), f"{folder}: its folder {parent} does not exist; create it first")


def _check_target(target: Path, inputs: Sequence[Path], options: argparse.Namespace) -> None:
    """Check an output and its part file."""
    if options.output_folder and not options.output.exists():
        return
    if not is_device(target):
        for path in files_of(target):
            read = path.exists() and any(each.exists() and path.samefile(each) for each in inputs)
            check(
                not read, f"{path}: is an input, and would be overwritten on the way to {target}; choose another name"
            )
    part, resume = part_of(target), options.resume_output
    check(
        resume or options.force or not part.exists(),
        f"{part}: an interrupted command has left this; go on with --resume-output, or start over with --force",
    )
    if not (resume and is_begun(target)):
        check_output(target, force=options.force, inputs=inputs)

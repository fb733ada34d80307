"""The work of the `translate` command: each job is read, translated and written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from s2s.errors import counted, warn
from s2s.files import atomic_file, is_device
from translation.formats.document import Document
from translation.formats.registry import read_document
from translation.inputs import STANDARD_INPUT, Job, format_options, read_content
from translation.outputs import ListOutput, Output, StreamOutput
from translation.part_file import PartOutput, part_output
from translation.run import Run


def translate_jobs(jobs: Sequence[Job], run: Run, options: argparse.Namespace, command: Mapping[str, str]) -> None:
    """Do all jobs. `command` tells whether a job that was interrupted can be gone on with."""
    finished = list[PartOutput]()
    try:
        for job in jobs:
            if job.output is None or is_device(job.output):
                _stream(job, run, options)
                continue
            job.output.parent.mkdir(exist_ok=True)
            with part_output(job.output, command, resume=options.resume_output) as part:
                _part(job, run, options, part)
            finished.append(part)
    except BaseException:
        if finished:
            done = f"{len(finished):,} of {counted(len(jobs), 'file')}"
            are = "is" if len(finished) == 1 else "are"
            warn(f"{done} {are} done; the same command with --resume-output goes on")
        raise
    for part in finished:
        part.forget()


def _part(job: Job, run: Run, options: argparse.Namespace, part: PartOutput) -> None:
    """Do a job by way of a part file."""
    run.resumed(part.done.counts)
    if not job.is_document:
        _lines(job, run, part)
        part.check_passed()
        part.finish()
        return
    document = _translated(job, run, options, part)
    part.check_passed()
    if not part.done.complete:
        part.finish(document.write(part.translations()))


def _stream(job: Job, run: Run, options: argparse.Namespace) -> None:
    """Do a job that is written at once, to standard output or a device."""
    with _stream_file(job) as file:
        if not job.is_document:
            _lines(job, run, StreamOutput(file))
            return
        output = ListOutput()
        document = _translated(job, run, options, output)
        file.flush()
        file.buffer.write(document.write(output.lines))
        file.buffer.flush()


def _translated(job: Job, run: Run, options: argparse.Namespace, output: Output) -> Document:
    """Translate the document of a job to the lines of an output."""
    name = str(job.inputs[0] or STANDARD_INPUT)
    document = read_document(read_content(job.inputs[0]), name, job.format_name, format_options(options))
    run.document(document, name, output)
    return document


@contextmanager
def _stream_file(job: Job) -> Iterator[TextIO]:
    if job.output is None:
        yield sys.stdout
        return
    with atomic_file(job.output) as path, path.open("w", encoding="utf-8", newline="\n") as file:
        yield file


def _lines(job: Job, run: Run, output: Output) -> None:
    """Translate plain text, line by line."""
    for path in job.inputs:
        if path is None:
            if sys.stdin.isatty():
                print("Type a line and press Enter to translate it; end with Ctrl-D.", file=sys.stderr, flush=True)
            run.lines(sys.stdin.buffer, STANDARD_INPUT, output)
        else:
            with path.open("rb", buffering=0) as file:
                run.lines(file, str(path), output)
    run.end_of_lines()

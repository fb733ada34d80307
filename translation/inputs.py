"""Plan the jobs of `translate`: the inputs, format and output of each."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from s2s.errors import check, first_few
from s2s.text.blocks import decompressed
from s2s.text.file_kinds import MAGIC_BYTES, kind_of
from translation.formats.document import LINE_LENGTH, FormatOptions
from translation.formats.registry import BINARY, NEEDED, OLD_DOCUMENTS, ONLY_OF, TEXT, format_module, format_of

STANDARD_INPUT = "standard input"


@dataclass(frozen=True)
class Job:
    """Inputs that are translated to one output.

    Attributes:
        inputs: files; None is standard input
        format_name: of all of them, see `translation.formats.registry`; a document is alone
        output: a file; None is standard output
    """

    inputs: tuple[Path | None, ...]
    format_name: str
    output: Path | None

    @property
    def is_document(self) -> bool:
        """Whether it is read whole, and written whole."""
        return self.format_name != TEXT


def jobs(options: argparse.Namespace) -> list[Job]:
    """What is to be done.

    Raises:
        UserError: the options do not go together.
    """
    files: list[Path] = options.files
    names = [options.format or format_of(path) for path in files] or [options.format or TEXT]
    _check_old_documents(files)
    output: Path | None = options.output
    if output and (options.output_folder or output.is_dir()):
        check(files, f"--output {output}: is a folder; to translate standard input, name a file")
        planned = [  # an output is not compressed with Zstandard
            Job((path,), name, output / path.name.removesuffix(".zst")) for path, name in zip(files, names)
        ]
    else:
        documents = [path for path, name in zip(files, names) if name != TEXT]
        check(
            len(files) < 2 or not documents,
            f"{first_few(documents)}: of several files, those that are not plain text have an output each; name a "
            f"folder with --output, such as --output translated{os.sep}, or use --format text",
        )
        planned = [Job(tuple(files) or (None,), names[0], output)]
    _check_formats(names, options)
    check(
        output or names[0] not in BINARY or not (sys.stdout and sys.stdout.isatty()),
        f"{names[0].upper()}: a terminal cannot show such a file; add --output NAME",
    )
    for name in {job.format_name for job in planned if job.is_document}:
        format_module(name)
    if document := next((job for job in planned if job.is_document), None):
        check(
            options.n_best is None,
            f"--n-best: writes several lines for one, and so works for plain text only, not for {document.format_name}",
        )
        check(
            not options.prefix_file and not options.prefix_column,
            f"--prefix-{'file' if options.prefix_file else 'column'}: works for plain text only, not for "
            f"{document.format_name}; if this is text, say --format text",
        )
        check(
            not options.images,
            f"--images: works for plain text only, not for {document.format_name}; if this is text, say --format text",
        )
    check(
        len(planned) == 1 or not options.images,
        f"--images {options.images}: goes with one output; translate several files one by one",
    )
    check(
        len(planned) == 1 or not options.prefix_file,
        f"--prefix-file {options.prefix_file}: goes with one output; translate several files one by one",
    )
    if options.resume_output:
        check(output, "--resume-output: name the file that is gone on with by --output")
        for name in ("report", "attention", "alignments"):
            check(
                getattr(options, name) is None,
                f"--resume-output: the lines that are done are not translated again, and --{name} would lack them; "
                "leave one of the two out",
            )
    return planned


def _check_old_documents(files: Sequence[Path]) -> None:
    """Check that no file is a document of a word processor in a format that is not read."""
    for path in files:
        if path.suffix.lower() in OLD_DOCUMENTS and path.is_file():
            with path.open("rb") as file:
                kind = kind_of(file.read(MAGIC_BYTES))
            check(not kind, f"{path}: is {kind[0] if kind else ''}; save it as DOCX or ODT first")


def _check_formats(names: Collection[str], options: argparse.Namespace) -> None:
    """Check that the formats have the options that they need, and that all options are of one of the formats."""
    for name, option in NEEDED.items():
        check(
            name not in names or getattr(options, option),
            f"{name.upper()} needs --{option}, which names what is translated; or use --format text",
        )
    for option, of in ONLY_OF.items():
        kinds, name = " and ".join(map(str.upper, of)), option.replace("_", "-")
        check(
            not getattr(options, option) or not {*of}.isdisjoint(names),
            f"--{name}: is for {kinds} files, and there is none; leave it out, or name the format with --format",
        )


def format_options(options: argparse.Namespace) -> FormatOptions:
    """The options of formats among those of the command line."""
    return FormatOptions(
        options.encoding_errors,
        tuple(options.columns or ()),
        tuple(options.field or ()),
        options.line_length or LINE_LENGTH,
        options.replace_fuzzy,
    )


def read_content(path: Path | None) -> bytes:
    """The content of a file or of standard input, decompressed if it is gzip or Zstandard."""
    content = sys.stdin.buffer.read() if path is None else path.read_bytes()
    return decompressed(content, str(path or STANDARD_INPUT))

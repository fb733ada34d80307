"""Tag the words of sentences, one tokenised sentence per line or one word per line.

    s2s tag --model RUN/best FILE                    words parted by spaces in, word/TAG out
    s2s tag --model RUN/best --format conllu FILE    one word a line; all but the tags stays byte for byte

Line n of the output belongs to line n of the input. A blank line stays blank. Input is read and tagged as a stream.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from labelling.command import STANDARD_INPUT, WriteLines, add_options, check_files, line_writer, readers
from labelling.tagger import Tagger, Tagging
from labelling.token_lines import Layout, Row, is_boundary, row_of
from s2s.cli import command
from s2s.cli.arguments import Parser, positive
from s2s.cli.doubts import report_file
from s2s.errors import check
from s2s.text.lines import LineReader

TEXT = "text"
Report = Callable[[Mapping[str, Any]], None]


def tag(arguments: list[str]) -> int:
    """Tag the files that the arguments name, or standard input; return the exit code."""
    options = _parser().parse_args(arguments)
    _check_format(options)
    check_files(options, "output", "report")
    tagger = Tagger.load(
        options.model,
        engine=options.engine,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
    )
    with ExitStack() as stack:
        write = stack.enter_context(line_writer(options))
        report = stack.enter_context(report_file(options.report)) if options.report else None
        for name, reader in readers(options, exact=options.format != TEXT):
            if options.format == TEXT:
                _tag_lines(tagger, name, reader, write, report)
            else:
                layout = Layout(options.format, options.word_column, options.tag_column)
                _tag_rows(tagger, name, reader, layout, write, report)
    return 0


def _tag_lines(tagger: Tagger, name: str, reader: LineReader, write: WriteLines, report: Report | None) -> None:
    """Tag plain text: a sentence a line."""
    number = 1
    for window in reader.windows():
        found = tagger.tag([line.split() for line in window])
        write(" ".join(map("/".join, zip(each.words, each.tags))) + "\n" for each in found)
        if report:
            for line, each in enumerate(found, number):
                report(_entry(name, line, each))
        number += len(window)


Line = tuple[str, Row | None, str]  # what stands before its word, the word, and the end of the line


def _tag_rows(
    tagger: Tagger, name: str, reader: LineReader, layout: Layout, write: WriteLines, report: Report | None
) -> None:
    """Tag a file of one word a line: sentences as soon as they are whole."""
    for sentences in _whole_sentences(_parsed(name, reader, layout)):
        rows = [[row for _, row, _ in lines if row] for lines in sentences]
        found = tagger.tag([[row.word for row in each] for each in rows])
        for lines, own, tagging in zip(sentences, rows, found):
            tags = iter(tagging.tags)
            write(before + (row.with_tag(next(tags)) if row else "") + end for before, row, end in lines)
            if report and own:
                report(_entry(name, own[0].number, tagging))


def _parsed(name: str, reader: LineReader, layout: Layout) -> Iterator[list[tuple[Line, bool]]]:
    """The lines of each window, and whether each ends a sentence."""
    number = 0
    for window in reader.windows():
        parsed = list[tuple[Line, bool]]()
        for text in window:
            number += 1
            body = text.removesuffix("\n")
            body = body.removesuffix("\r") if body != text else body
            mark = "\ufeff" if number == 1 and body.startswith("\ufeff") else ""
            end, body = text[len(body) :], body.removeprefix(mark)
            boundary = is_boundary(body)
            row = None if boundary else row_of(body, number, layout, name)
            parsed.append(((mark if row else mark + body, row, end), boundary))
        yield parsed


def _whole_sentences(windows: Iterator[list[tuple[Line, bool]]]) -> Iterator[list[list[Line]]]:
    """The lines of all sentences that are whole after each window; what stands behind the last one comes last."""
    begun = list[Line]()
    for window in windows:
        whole = list[list[Line]]()
        for line, boundary in window:
            begun.append(line)
            if boundary:
                whole.append(begun)
                begun = []
        if whole:
            yield whole
    if begun:
        yield [begun]


def _entry(name: str, line: int, found: Tagging) -> dict[str, Any]:
    """The object of a sentence in the report; `line` is that on which it begins."""
    return {
        "file": name,
        "line": line,
        "words": found.words,
        "tags": found.tags,
        "probabilities": [round(each, 4) for each in found.probabilities],
    }


def _check_format(options: argparse.Namespace) -> None:
    if options.format == TEXT:
        for option in ("word_column", "tag_column"):
            name = option.replace("_", "-")
            check(getattr(options, option) is None, f"--{name}: plain text has no columns; say --format columns")
        return
    check(
        len(options.files) < 2,
        f"--format {options.format}: {len(options.files)} files would run into each other; tag them one by one",
    )
    word, tag = Layout(options.format, options.word_column, options.tag_column).columns
    check(word != tag, f"--word-column and --tag-column are both {word + 1}: the tags would overwrite the words")
    check(
        options.format != "conllu" or max(word, tag) < 10,
        f"--tag-column {tag + 1}: CoNLL-U has 10 columns; choose one of them",
    )


def _parser() -> Parser:
    parser = Parser(
        description="Tag the words of sentences. Line n of the output belongs to line n of the input: words parted by "
        "white space become word/TAG. In files of one word a line, all but the tags stays byte for byte. Files are in "
        f"UTF-8. Without FILE, {STANDARD_INPUT} is read."
    )
    add_options(parser, "tagger")
    group = parser.add_argument_group("formats")
    group.add_argument(
        "--format",
        choices=[TEXT, "columns", "conllu"],
        default=TEXT,
        help="text: a tokenised sentence a line; columns: a word a line, in columns parted by tabs or spaces, and an "
        "empty line behind each sentence; conllu: CoNLL-U (default: text)",
    )
    group.add_argument("--word-column", type=positive, metavar="N", help="counted from 1 (default: 1, or 2 of CoNLL-U)")
    group.add_argument(
        "--tag-column",
        type=positive,
        metavar="N",
        help="that the tags are written to; a line that ends before it gets it (default: 2, or 4 of CoNLL-U, UPOS)",
    )
    return parser


def main() -> int:
    """Entry point."""
    return command.run(tag)


if __name__ == "__main__":
    sys.exit(main())

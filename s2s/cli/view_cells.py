"""Write a page that colours a text by the value of a cell of a recurrent layer.

    s2s view cells RUN/best play.txt                       writes cells.html
    s2s view cells en-de sentences.en --output cells.html  the encoder over each line, the decoder over its translation
    s2s view cells film-reviews reviews.txt                the encoder of a classifier or tagger over each line

On the page, cells are chosen by number or by how well they tell a property of the text: inside quotes, position in the
line, brackets and others; in source code also strings, comments, conditions and the indentation. It follows Karpathy,
Johnson & Li (2015), "Visualizing and understanding recurrent networks".
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from s2s.cli import command
from s2s.cli.arguments import Parser, positive
from s2s.cli.by_kind import registered_for
from s2s.cli.page_options import add_device_and_threads, add_model, add_page, check_page
from s2s.errors import check, first_few, warn
from s2s.files import check_output, check_readable
from s2s.text.lines import read_lines
from s2s.views.code_text import language_of
from s2s.views.text_states import ReadStates, TextStates, TextToRead

GROUP = "s2s.states"
_LENGTH = 20_000  # characters, by default
_LARGE = 30e6  # bytes of a page that takes a while to open


def view_cells(arguments: list[str]) -> int:
    """Write the page that the arguments ask for, and print its name; return the exit code."""
    options = _parser().parse_args(arguments)
    output: Path = options.output
    check_page(output)
    inputs = [path for path in (options.text, options.target) if path]
    for path in inputs:
        check_readable(path)
    directory, read_states = registered_for(options.model, GROUP, "cannot be shown so")
    check_output(output, force=options.force, inputs=inputs)
    _write(options, directory, read_states)
    print(output)
    return 0


def _write(options: argparse.Namespace, directory: Path, read_states: ReadStates) -> None:
    text, whole = first_characters(options.text, options.length)
    check(text.strip(), f"{options.text}: is empty; name a file with text")
    targets = _targets(options.target, options.text, text, whole=whole) if options.target else None
    found = read_states(directory, TextToRead(text, targets, options.device, options.threads))
    texts = _with_layers(found, options.layers)
    notes = list(_notes(options, texts, whole=whole))
    for note in notes:
        warn(f"{options.text}: {note}")

    from s2s.views.cell_page import cell_page
    from s2s.views.web_page import write_page

    language = None if options.code == "no" else options.code
    if language == "auto":
        language = language_of(text, Path(options.text.name.removesuffix(".gz")).suffix)
    title = f"The cells of {options.model} over {options.text.name}"
    page = cell_page(texts, title, state=options.state, language=language, notes=notes)
    write_page(options.output, page)
    if len(page) > _LARGE:
        warn(f"{options.output}: has {len(page) / 1e6:.0f} MB; --layers and --length make it smaller")


def first_characters(path: Path, length: int) -> tuple[str, bool]:
    r"""The first lines of a file, of at most `length` characters, or the first part of a longer first line.

    Returns:
        the text, with `\n` behind each whole line; and whether it is the whole file.
    """
    lines, left = list[str](), length
    for line in read_lines(path):
        left -= len(line) + 1
        if left < 0:
            return ("".join(lines) if lines else line[:length]), False
        lines.append(f"{line}\n")
    return "".join(lines), True


def _targets(target: Path, source: Path, text: str, *, whole: bool) -> list[str]:
    """The translations of the lines of a text, which is the whole source or its first lines."""
    count = text.count("\n") or 1
    lines = list(islice(read_lines(target), count + whole))
    check(
        len(lines) == count,
        f"{target} has {'more' if len(lines) > count else 'fewer'} lines than {source}; line n of both must belong to "
        "the same sentence",
    )
    return lines


def _with_layers(texts: Sequence[TextStates], numbers: Sequence[int] | None) -> list[TextStates]:
    """The texts with these layers alone, numbered from 1; None for all."""
    if numbers is None:
        return list(texts)
    found = [
        replace(text, layers=[text.layers[number - 1] for number in numbers if number <= len(text.layers)])
        for text in texts
    ]
    most = max(len(text.layers) for text in texts)
    check(max(numbers) <= most, f"--layers {max(numbers)}: the model has {most}; choose from 1 to {most}")
    return [text for text in found if text.layers]


def _notes(options: argparse.Namespace, texts: Sequence[TextStates], *, whole: bool) -> Iterator[str]:
    """What a reader has to know of the text."""
    if not whole:
        yield f"only the beginning is shown, up to {options.length:,} characters; --length shows more"
    for text in texts:
        if text.unknown:
            pieces = dict.fromkeys(text.pieces[token].strip() or "a space" for token in text.unknown)
            yield (
                f"{len(text.unknown):,} of {len(text.pieces):,} tokens are unknown to the model, and are underlined "
                f"with a wave: {first_few(list(pieces))}"
            )


def _layers(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers from 1, such as 1,2")
    return sorted(set(map(int, parts)))


def _parser() -> Parser:
    parser = Parser(
        description="Write a page that colours a text by the value of a cell of a recurrent layer: of a language "
        "model, of the encoder and the decoder of a translator, or of the encoder of a classifier or tagger. Cells are "
        "ranked by how well they tell properties of the text, such as being inside quotes (after Karpathy, Johnson & "
        "Li, 2015).",
    )
    add = parser.add_argument
    add_model(parser)
    add("text", type=Path, metavar="TEXT", help="a text in UTF-8; for all but language models one sentence per line")
    add_page(parser, "cells.html")
    add(
        "--target",
        type=Path,
        metavar="FILE",
        help="a translation of each line, which the decoder of a translator reads (default: what the model writes)",
    )
    add(
        "--length",
        type=positive,
        default=_LENGTH,
        metavar="N",
        help=f"show the first lines, up to N characters (default: {_LENGTH:,})",
    )
    add("--layers", type=_layers, metavar="N,N", help="show these layers, numbered from 1 at the bottom (default: all)")
    add(
        "--state",
        choices=["cell", "hidden"],
        help="the tanh of an LSTM's cell state, or the hidden state (default: cell, where there is one)",
    )
    add(
        "--code",
        choices=["auto", "python", "c", "no"],
        default="auto",
        help="whether the text is source code, whose strings, comments, conditions and indentation are ranked; c is "
        "for all languages with such comments (default: auto, by the suffix of TEXT and the look of its lines)",
    )
    add_device_and_threads(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(view_cells)


if __name__ == "__main__":
    sys.exit(main())

"""The options of the `translate` command."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from s2s.cli.arguments import Parser, add_machine_options, positive
from s2s.cli.doubts import MARK
from s2s.cli.search_options import add_search_options
from translation.formats.registry import NAMES
from translation.report import UNSURE


def translate_parser() -> Parser:
    """The parser of the command line of `translate`."""
    parser = Parser(
        description="Translate text, one sentence per line. Line n of the output is the translation of line n of the "
        "input. A blank line stays blank. Files are in UTF-8. In files of other formats, such as HTML, all that is no "
        "text stays as it is.",
        epilog="exit codes: 0 success; 1 some translations do not begin with their prefixes, and were reported; 2 "
        "error, explained by a message; 130 interrupted",
    )
    parser.set_defaults(output_folder=False)
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="text to translate (default: standard input)"
    )
    parser.add_argument(
        "--output",
        action=_Output,
        metavar="FILE",
        help="write the translations to FILE, once all of them are done (default: standard output); it is compressed "
        "if its name ends in .gz. If FILE is a folder, or ends in /, each input has an output of its name there",
    )
    parser.add_argument(
        "--resume-output",
        action="store_true",
        help="go on with an --output that was interrupted, from its part file; the input and the other options must be "
        "the same",
    )
    _add_formats(parser)
    _add_terms(parser)
    _add_side_files(parser)
    add_model(parser)
    search = add_search_options(parser)
    parser.add_argument(
        "--images",
        type=Path,
        metavar="FILE",
        help="the photographs beside the lines, for a model that sees them: line n of FILE names that of line n, "
        "relative to the folder of FILE; a blank line for none",
    )
    _add_prefixes(search.add_mutually_exclusive_group())
    search.add_argument(
        "--n-best",
        type=positive,
        metavar="N",
        help="write up to N different hypotheses per line, as `line ||| hypothesis ||| score`; lines are counted from "
        "0; N is at most --beam, or --draws",
    )
    add_machine_options(parser).add_argument(
        "--batch-tokens",
        type=positive,
        metavar="N",
        help="size of a batch, in source tokens times beam width; a smaller batch needs less memory",
    )
    parser.add_argument(
        "--localise-numbers",
        action="store_true",
        help="write numbers as the target language does, such as 1.234,5 for 1,234.5 (default: as in the source)",
    )
    return parser


def _add_prefixes(group: argparse._MutuallyExclusiveGroup) -> None:
    """Add the options of what translations begin with."""
    group.add_argument(
        "--prefix-file",
        type=Path,
        metavar="FILE",
        help="what each translation begins with: line n of FILE for line n of the text; an empty line for anything. "
        "Without a space at its end, the last word may be the beginning of one",
    )
    group.add_argument(
        "--prefix-column",
        action="store_true",
        help="the same, where each line of the text is: source, tab, what the translation begins with",
    )


class _Output(argparse.Action):
    """Stores `--output` as a path, and whether it must be a folder, which `Path` does not keep."""

    def __call__(self, _parser: object, namespace: argparse.Namespace, value: Any, _option: object = None) -> None:
        namespace.output = Path(value)
        namespace.output_folder = value.endswith(("/", os.sep))


def _add_formats(parser: Parser) -> None:
    """Add the options of what is read."""
    group = parser.add_argument_group("formats")
    group.add_argument(
        "--format",
        choices=NAMES,
        help="what the FILEs are (default: what their names tell, such as page.html or page.html.gz; otherwise text)",
    )
    group.add_argument(
        "--columns",
        type=_names,
        metavar="LIST",
        help="the columns of a TSV file that are translated: numbers from 1, or names in its first line, such as 2,3",
    )
    group.add_argument(
        "--field",
        action="append",
        metavar="NAME",
        help="a field of the objects of a JSONL file that is translated, a string or a list of strings; `a.b` is a "
        "field with this name, or a field of a field; the option may be given several times",
    )
    group.add_argument(
        "--line-length",
        type=positive,
        metavar="N",
        help="the greatest length of a line of subtitles, in letters (default: 42)",
    )
    group.add_argument(
        "--replace-fuzzy",
        action="store_true",
        help="also translate the messages of a PO file that have a fuzzy translation (default: only those without one)",
    )
    add_encoding_errors(group)


def add_encoding_errors(group: argparse._ActionsContainer) -> None:
    """Add `--encoding-errors`."""
    group.add_argument(
        "--encoding-errors",
        choices=["strict", "replace"],
        default="strict",
        help="what to do about bytes that are not UTF-8: stop with an error, or replace them by U+FFFD (default: "
        "strict)",
    )


def _add_terms(parser: Parser) -> None:
    """Add the options of terms that the translation has to hold."""
    group = parser.add_argument_group("terms")
    group.add_argument(
        "--glossary",
        type=Path,
        metavar="FILE.tsv",
        help="how terms have to be translated: SOURCE, a tab and TARGET on each line, inflections as entries of their "
        "own; # begins a comment",
    )
    group.add_argument(
        "--keep", type=Path, metavar="FILE", help="terms that are not translated, one on each line, such as names"
    )
    group.add_argument(
        "--glossary-case",
        choices=["exact", "ignore"],
        help="whether terms match only as they are written, apart from a capital at the start of a sentence, lines in "
        "capitals and titles, or whatever the case of their letters (default: exact)",
    )


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of names, such as 2,3")
    return names


def _add_side_files(parser: Parser) -> None:
    """Add the options of what is written beside the translations, and of what is done about doubtful ones."""
    parser.add_argument(
        "--attention",
        type=Path,
        metavar="FILE",
        help="also write the attention weights: as data if FILE ends in .json, as a page to explore if it ends in "
        ".html, as a picture of the first lines if it ends in .png",
    )
    parser.add_argument(
        "--alignments",
        type=Path,
        metavar="FILE",
        help="also write which words of each line and of its translation belong together: pairs i-j of the numbers of "
        "words that white space separates, counted from 0 (Pharaoh format)",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE.jsonl",
        help="also write a JSON object for each line: its translation, how sure the model is, and why",
    )
    parser.add_argument(
        "--unsure",
        choices=UNSURE,
        default="keep",
        help="what to write for a line whose translation is doubtful: the translation, the translation after "
        f"{MARK.strip()!r}, or the line as it is (default: keep). A line on standard error says how many are doubtful",
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="overwrite the files of --output, --attention, --alignments and --report; start an interrupted output "
        "over",
    )


def add_model(parser: Parser) -> None:
    """Add the options that choose the model."""
    model = parser.add_mutually_exclusive_group()
    model.add_argument(
        "--model",
        type=Path,
        action="append",
        metavar="MODEL",
        help="a model directory such as RUN/best, or a bundled model such as en-de (see `s2s models`); several "
        "--model options form an ensemble",
    )
    model.add_argument("--to", metavar="LANG", help="use the bundled model for this target language (default: de)")

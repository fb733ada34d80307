"""The options of the `translate` command."""

from __future__ import annotations

from pathlib import Path

from s2s.cli.arguments import Parser, add_machine_options, add_search_options, positive
from s2s.cli.doubts import MARK
from translation.report import UNSURE


def translate_parser() -> Parser:
    """The parser of the command line of `translate`."""
    parser = Parser(
        description="Translate text, one sentence per line. Line n of the output is the translation of line n of the "
        "input. A blank line stays blank. Files are in UTF-8.",
        epilog="exit codes: 0 success; 2 error, explained by a message; 130 interrupted",
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="text to translate (default: standard input)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the translations to FILE, once all of them are done (default: standard output)",
    )
    _add_side_files(parser)
    _add_model(parser)
    add_search_options(parser).add_argument(
        "--n-best",
        type=positive,
        metavar="N",
        help="write up to N different hypotheses per line, as `line ||| hypothesis ||| score`; lines are counted from "
        "0; N is at most --beam",
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
    parser.add_argument(
        "--encoding-errors",
        choices=["strict", "replace"],
        default="strict",
        help="what to do about bytes that are not UTF-8: stop with an error, or replace them by U+FFFD (default: "
        "strict)",
    )
    return parser


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
        "--force", action="store_true", help="overwrite the files of --output, --attention and --report"
    )


def _add_model(parser: Parser) -> None:
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

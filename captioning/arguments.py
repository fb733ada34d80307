"""The arguments of `caption`."""

from __future__ import annotations

from pathlib import Path

from s2s.cli.arguments import Parser, add_machine_options, positive
from s2s.cli.doubts import MARK
from s2s.cli.search_options import add_search_options


def caption_parser() -> Parser:
    """The parser of `caption`."""
    parser = Parser(
        description="Describe photographs. One line per picture: its path, a tab, and a sentence. Unreadable files are "
        "reported and skipped. Files in folders that are no pictures, such as texts, are passed over.",
        epilog="exit codes: 0 success; 1 some pictures failed and were reported; 2 error, explained by a message; 130 "
        "interrupted",
    )
    add = parser.add_argument
    add(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a picture, a folder (searched recursively), a quoted pattern, or - for a picture on standard input",
    )
    add(
        "--model",
        type=Path,
        metavar="MODEL",
        help="a model directory such as RUN/best, or a bundled model (see `s2s models`; default: everyday)",
    )
    add(
        "--n-best",
        type=positive,
        metavar="N",
        help="print up to N captions per picture, best first, each followed by a tab and its score",
    )
    add(
        "--unsure",
        choices=("keep", "mark"),
        default="keep",
        help="what to print for a doubtful caption: the caption, or the caption after "
        f"{MARK.strip()!r} (default: keep). A line on standard error says how many are doubtful",
    )
    _add_files(parser)
    add("--force", action="store_true", help="overwrite existing files, including side files")
    group = add_search_options(parser)
    group.add_argument("--max-words", type=positive, metavar="N", help="write at most N words for each picture")
    group.add_argument(
        "--prefix",
        default="",
        metavar="TEXT",
        help="what all captions begin with; without a space at its end, the last word may be the beginning of one",
    )
    add_machine_options(parser).add_argument(
        "--batch", type=positive, metavar="N", help="pictures per batch; a smaller batch needs less memory"
    )
    return parser


def _add_files(parser: Parser) -> None:
    """Add the options that name files to be written. They grow as the run goes, and are whole at every moment."""
    group = parser.add_argument_group(
        "files",
        "They are whole after each picture, whatever interrupts the run; names in them are relative to the folder.",
    )
    add = group.add_argument
    add(
        "--sidecars",
        action="store_true",
        help="also write each caption into a file beside its picture, dog.txt for dog.jpg. Pictures that have one are "
        "passed over, and --json, --jsonl and --csv are continued: the same command goes on after an interruption",
    )
    add("--sidecar-suffix", metavar="SUFFIX", help="what side files end in (default: .txt)")
    add(
        "--json",
        type=Path,
        metavar="FILE",
        help="also write the captions to FILE, in COCO's results format, with the path, score and confidence of each",
    )
    add(
        "--jsonl",
        "--report",
        dest="report",
        type=Path,
        metavar="FILE.jsonl",
        help="also write a JSON object for each picture, also for those that cannot be read: its caption, how sure the "
        "model is, and why",
    )
    add(
        "--csv",
        type=Path,
        metavar="FILE",
        help="also write a table: image, caption, score, confidence, doubtful, reasons",
    )
    add(
        "--gallery",
        type=Path,
        metavar="DIR",
        help="also write a page to search all pictures and correct their captions; open DIR/index.html",
    )
    add(
        "--attention",
        type=Path,
        metavar="DIR",
        help="also write such a gallery with a page per picture that shows the attention weights of each word",
    )

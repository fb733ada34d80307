"""Write a page that steps through one sentence in a recurrent model.

    s2s view unrolled runs/reverse/best "mo ka ti"                  writes unrolled.html
    s2s view unrolled RUN/best "ROMEO:" --output romeo.html         of a language model

Each step shows what is read, the gates, the states, the attention and the likeliest next tokens, in the numbers of the
model. A translator's encoder comes first, then its decoder, which reads what it has written itself, or `--target`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from s2s.cli import command
from s2s.cli.arguments import Parser, positive
from s2s.cli.by_kind import registered_for
from s2s.cli.page_options import add_device_and_threads, add_model, add_page, check_page
from s2s.errors import check
from s2s.files import check_output
from s2s.views.unrolled import SentenceToUnroll, Unroll

GROUP = "s2s.unrolled"
_UNITS = 32  # by default


def view_unrolled(arguments: list[str]) -> int:
    """Write the page that the arguments ask for, and print its name; return the exit code."""
    options = _parser().parse_args(arguments)
    output: Path = options.output
    check_page(output)
    for name in ("SENTENCE", "--target"):
        _check_sentence(name, options.sentence if name == "SENTENCE" else options.target)
    directory, unroll = registered_for(options.model, GROUP, "cannot be shown so")
    check_output(output, force=options.force)
    _write(options, directory, unroll)
    print(output)
    return 0


def _check_sentence(name: str, text: str | None) -> None:
    if text is not None:
        check(text.strip(), f"{name} is blank; give a sentence, in quotation marks if it has spaces")
        check("\n" not in text, f"{name} has several lines; give one sentence")
        check(text.encode(errors="ignore").decode() == text, f"{name}: not UTF-8; check the settings of the terminal")


def _write(options: argparse.Namespace, directory: Path, unroll: Unroll) -> None:
    asked = SentenceToUnroll(options.sentence, options.target, options.units, options.device, options.threads)
    unrolled = unroll(directory, asked)

    from s2s.views.unrolled_page import unrolled_page
    from s2s.views.web_page import write_page

    dims = {unrolled.embedding_dim, *(layer.dim for step in unrolled.steps for layer in step.layers)}
    notes = [f"The model has up to {max(dims):,} units in a layer; the first {options.units} of each are shown."]
    title = f"“{options.sentence}” in {options.model}"
    write_page(options.output, unrolled_page(unrolled, title, notes if max(dims) > options.units else []))


def _parser() -> Parser:
    parser = Parser(
        description="Write a page that steps through one sentence in a recurrent model, a translator or a language "
        "model: inputs, gates, states, attention and the likeliest next tokens, in the numbers of the model.",
    )
    add = parser.add_argument
    add_model(parser)
    add("sentence", metavar="SENTENCE", help="what the model reads")
    add_page(parser, "unrolled.html")
    add(
        "--target",
        metavar="SENTENCE",
        help="the translation that the decoder of a translator reads (default: the likeliest token after each step)",
    )
    add(
        "--units",
        type=positive,
        default=_UNITS,
        metavar="N",
        help=f"show the first N units of each vector (default: {_UNITS})",
    )
    add_device_and_threads(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(view_unrolled)


if __name__ == "__main__":
    sys.exit(main())

"""Write a page that shows what each head of a Transformer looks at.

    s2s view heads RUN/best "A man is sleeping."        of a translator: source and translation
    s2s view heads RUN/best dog.jpg --output dog.html   of a captioner: caption and photograph

The page has one weight for each token that looks and each token or cell that is looked at, for every layer and every
head, and for the mean over the heads. The decoder reads what the model writes itself, or `--target`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.cli.by_kind import registered_for
from s2s.cli.page_options import add_device_and_threads, add_model, add_page, check_page
from s2s.errors import check
from s2s.files import check_output
from s2s.views.heads import InputToRead, ReadHeads

GROUP = "s2s.heads"


def view_heads(arguments: list[str]) -> int:
    """Write the page that the arguments ask for, and print its name; return the exit code."""
    options = _parser().parse_args(arguments)
    output: Path = options.output
    check_page(output)
    for name, text in (("INPUT", options.input), ("--target", options.target)):
        if text is not None:
            check(text.strip(), f"{name} is blank; give a sentence, in quotation marks if it has spaces")
            check("\n" not in text, f"{name} has several lines; give one sentence")
    directory, read = registered_for(options.model, GROUP, "have no heads of attention")
    check_output(output, force=options.force)
    _write(options, directory, read)
    print(output)
    return 0


def _write(options: argparse.Namespace, directory: Path, read: ReadHeads) -> None:
    heads = read(directory, InputToRead(options.input, options.target, options.device, options.threads))

    from s2s.views.heads_page import heads_page
    from s2s.views.web_page import write_page

    write_page(options.output, heads_page(heads, f"“{options.input}” in {options.model}"))


def _parser() -> Parser:
    parser = Parser(
        description="Write a page that shows what each head of each layer of a Transformer looks at, in a translator "
        "or a captioner, while it reads one sentence or one photograph and writes.",
    )
    add_model(parser)
    parser.add_argument("input", metavar="INPUT", help="a sentence to translate, or the file of a photograph")
    add_page(parser, "heads.html")
    parser.add_argument(
        "--target",
        metavar="SENTENCE",
        help="the translation or caption that the decoder reads (default: what the model writes)",
    )
    add_device_and_threads(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(view_heads)


if __name__ == "__main__":
    sys.exit(main())

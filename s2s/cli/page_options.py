"""What the commands share that write a page about a model: the model, the name of the page, and what computes."""

from __future__ import annotations

from pathlib import Path

from s2s.cli.arguments import Parser, add_device, add_threads
from s2s.errors import check


def add_model(parser: Parser) -> None:
    """Add the argument MODEL."""
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a model directory, such as RUN/best, or a bundled model"
    )


def add_page(parser: Parser, name: str) -> None:
    """Add `--output`, which is `name` by default, and `--force`."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path(name),
        metavar="FILE.html",
        help=f"where the page is written (default: {name})",
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing page")


def add_device_and_threads(parser: Parser) -> None:
    """Add `--device` and `--threads` as a group."""
    group = parser.add_argument_group("machine")
    add_device(group)
    add_threads(group)


def check_page(output: Path) -> None:
    """Raise a UserError unless the name of a page ends in .html."""
    check(output.suffix.lower() == ".html", f"--output {output}: the file name must end in .html")

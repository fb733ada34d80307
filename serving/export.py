"""Export a model: add its light form, with which it runs without torch.

    s2s export RUN/best
    s2s export RUN/best --output light --precision float32
    s2s export RUN/best --page translate.html
    s2s export RUN/best --shrink

The light form of a translator or a captioner is two ONNX graphs, `encoder.onnx` and `step.onnx`, and their weights;
other models have one graph. Commands use it by themselves where a model has it. Before it is written, both engines
write what they make of some lines or pictures: in float32 they must write the same. `--page` writes one HTML file that
runs the light form of a translator, a captioner or a language model in a browser, from disk and without a network.
`--shrink` also stores the weights that PyTorch reads in eight bits.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.errors import check, counted
from s2s.files import check_output
from s2s.plugins import by_name, load
from s2s.storage.bundled import find_model
from s2s.storage.light_form import PRECISIONS, has_light
from s2s.storage.model_record import CONFIG, WEIGHTS, read_record, read_whole
from s2s.storage.verified import shorten

if TYPE_CHECKING:
    from s2s.export.contracts import Exporter, Storage
    from s2s.export.exporting import Export


def export(arguments: list[str]) -> int:
    """Write the light form, or a page with it, and print where it is."""
    options = _parser().parse_args(arguments)
    directory = find_model(options.model)
    if options.page:
        _check_page(directory, options)
    output = options.output or directory
    if options.output:
        _check_output(output, directory, force=options.force)
    runtime = _page_runtime(options.onnxruntime_web) if options.page else None
    if options.shrink:
        _shrink(directory)
    if not options.page or options.output or options.precision or not has_light(directory):
        _add_light_form(directory, output, options.precision or "int8", options.check)
        print(output)
    if runtime:
        from serving.pages import write_page

        write_page(output, options.page, runtime)
        print(options.page)
    return 0


def _add_light_form(directory: Path, output: Path, precision: Storage, files: Sequence[Path]) -> None:
    """Export the model in `directory` to `output`, and report it."""
    exporter = _exporter(directory)

    from s2s.export.exporting import export as write

    _report(write(exporter, directory, output, precision, files), exporter.unit, precision, made_up=not files)


def _shrink(directory: Path) -> None:
    from s2s.storage.eight_bits import shrink

    before, after = shrink(directory)
    print(f"{directory / WEIGHTS}: {before / 1e6:.1f} MB, now {after / 1e6:.1f} MB in eight bits", file=sys.stderr)


def _check_output(output: Path, directory: Path, *, force: bool) -> None:
    """Raise a UserError unless a light form can be written to the directory `output`."""
    check(output.absolute().parent.is_dir(), f"{output}: its folder does not exist; create it first")
    if output.is_dir() and any(output.iterdir()):
        check((output / CONFIG).is_file(), f"{output}: exists and is not a model directory; choose another --output")
        check(force, f"{output}: already exists; choose another --output, or replace it with --force")
        check(not output.samefile(directory), f"{output}: is the model itself; leave --output out")


def _check_page(directory: Path, options: Namespace) -> None:
    """Raise a UserError unless the page can be written and there are pages for models of this kind."""
    from serving.pages import page_kind

    check_output(options.page, force=options.force)
    page_kind(directory)


def _page_runtime(package: Path | None) -> dict[str, bytes]:
    """What a page needs beside the light form; raises UserError if it cannot be had."""
    from serving.onnxruntime_web import browser_runtime

    return browser_runtime(package)


def _exporter(directory: Path) -> Exporter:
    """What exports the model in a directory, by the kind of the model."""
    kind, exporters = read_whole(directory, read_record).kind, by_name("s2s.exporters")
    known = ", ".join(sorted(exporters))
    check(kind in exporters, f"{directory}: models of kind '{shorten(kind)}' cannot be exported (what can be: {known})")
    return load(exporters[kind])(directory)


def _report(written: Export, unit: str, precision: str, *, made_up: bool) -> None:
    print(
        f"written in {precision}: {', '.join(written.sizes)} ({sum(written.sizes.values()) / 1e6:.1f} MB)",
        file=sys.stderr,
    )
    exact = written.float32
    ties = f", except for near-ties in {len(exact.different)}" if exact.different else ""
    same = counted(exact.count, unit.removesuffix("s"), unit)
    print(f"in float32 it writes the same as PyTorch for {same}{ties}", file=sys.stderr)
    if written.stored:
        real = "; they are made up at random, --check FILE takes real ones" if made_up else ""
        count = len(written.stored.different)
        differ = "differs" if count == 1 else "differ"
        print(f"in {precision} {count} of these {unit} {differ}{real}", file=sys.stderr)


def _parser() -> Parser:
    parser = Parser(description="Add the light form of a model, with which it runs without torch, to its directory.")
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a model directory, or a bundled model (see `s2s models`)")
    add(
        "--output",
        type=Path,
        metavar="DIR",
        help="write the light form to another directory, with all that it needs, instead of adding it to MODEL",
    )
    add(
        "--precision",
        choices=PRECISIONS,
        help="of the stored weights (default: int8, with products in eight bits as well)",
    )
    add(
        "--shrink",
        action="store_true",
        help="first store the weights of MODEL itself in eight bits, at half the size: the light form in int8 "
        "stays the same, and PyTorch computes with its weights; the calibration of the confidence is kept",
    )
    add(
        "--check",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="compare with PyTorch on the first lines of these files (200; 50 for a language model), or on these "
        "pictures (default: made-up ones)",
    )
    add(
        "--page",
        type=Path,
        metavar="FILE.html",
        help="write a page that runs the light form of a translator, a captioner or a language model in a browser, "
        "from disk and without a network; a light form that MODEL already has is used as it is, unless --precision "
        "or --output is given",
    )
    add(
        "--onnxruntime-web",
        type=Path,
        metavar="FILE.tgz",
        help="the npm package that --page needs, as `npm pack` writes it (default: fetched once, by npm)",
    )
    add("--force", action="store_true", help="replace the model that --output holds, and the file of --page")
    return parser


def main() -> int:
    """Entry point."""
    return command.run(export)


if __name__ == "__main__":
    sys.exit(main())

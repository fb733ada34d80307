"""Calibrate the confidence of a translation model.

    s2s calibrate translation RUN/best --source val.en --reference val.de

The training of a model calibrates it as its last step. This command calibrates a model of an earlier version, or one
that was averaged, or calibrates it for other text. It writes the file confidence.json of the model directory; the
weights stay as they are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli import command
from s2s.cli.arguments import Parser, add_device, add_threads
from s2s.errors import check
from s2s.files import atomic_file, check_output, check_readable
from s2s.storage.bundled import find_model

if TYPE_CHECKING:
    from s2s.decoding.calibrating import Fit

MODELS = Path(__file__).resolve().parent / "models"


def calibrate(arguments: list[str]) -> int:
    """Calibrate the model that the arguments name; print the figures as one JSON object and return the exit code."""
    options = _parser().parse_args(arguments)
    directory = find_model(options.model, "translation", MODELS)
    for path in (options.source, options.reference):
        check_readable(path)
    if options.picture:
        check(options.picture.suffix.lower() == ".png", f"--picture {options.picture}: the file name must end in .png")
        check_output(options.picture, force=options.force, inputs=[options.source, options.reference])
    import torch

    from translation.calibration import calibrate_model, summary
    from translation.corpus import read_parallel

    if options.threads:
        torch.set_num_threads(options.threads)
    text = read_parallel(options.source, options.reference)
    found = calibrate_model(directory, text, device=options.device)
    if options.picture:
        _draw(found, directory, options.picture)
    print(f"{directory}: its confidence is calibrated", file=sys.stderr)
    print(json.dumps({"model": str(directory), **summary(found)}))
    return 0


def _draw(found: Fit, directory: Path, path: Path) -> None:
    from s2s.decoding.calibrating import reliability
    from s2s.views.reliability import reliability_picture

    calibration, usual = found.calibration, found.ordinary
    as_they_are, spoiled = (
        reliability(found.confidences[chosen], found.acceptable[chosen]) for chosen in (usual, ~usual)
    )
    picture = reliability_picture(
        as_they_are,
        f"Reliability of the confidence of {directory.name}",
        f"acceptable: {calibration.acceptable}\n{usual.sum():,} lines not used to fit it (rings: spoiled lines); "
        f"expected calibration error {calibration.calibration_error:.3f}",
        calibration.threshold,
        spoiled,
    )
    with atomic_file(path) as aside:
        picture.save(aside, "PNG")


def _parser() -> Parser:
    parser = Parser(
        description="Calibrate the confidence of a translation model on text that it was not trained on, such as the "
        "validation text, and store it in the model directory. `translate --report` needs it."
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a model directory, or a bundled model (see `s2s models`)")
    add("--source", type=Path, required=True, metavar="FILE", help="the text to translate, one sentence per line")
    add("--reference", type=Path, required=True, metavar="FILE", help="its translation, line by line")
    add("--picture", type=Path, metavar="FILE.png", help="draw how reliable the confidence is")
    add("--force", action="store_true", help="overwrite the file of --picture")
    add_device(parser)
    add_threads(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(calibrate)


if __name__ == "__main__":
    sys.exit(main())

"""Calibrate the confidence of a model: what the commands `s2s calibrate ...` share."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli.arguments import Parser, add_device, add_threads
from s2s.errors import check
from s2s.files import atomic_file, check_output

if TYPE_CHECKING:
    from s2s.decoding.calibrating import Fit


def add_options(parser: Parser) -> None:
    """Add the arguments that do not depend on the kind of model."""
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a model directory, or a bundled model (see `s2s models`)")
    add("--picture", type=Path, metavar="FILE.png", help="draw how reliable the confidence is")
    add("--force", action="store_true", help="overwrite the file of --picture")
    add_device(parser)
    add_threads(parser)


def check_picture(options: argparse.Namespace, inputs: Iterable[Path]) -> None:
    """Raise a UserError unless the file of --picture can be written, and is none of the inputs."""
    if options.picture:
        check(options.picture.suffix.lower() == ".png", f"--picture {options.picture}: the file name must end in .png")
        check_output(options.picture, force=options.force, inputs=inputs)


def report(found: Fit, directory: Path, options: argparse.Namespace, outputs: str) -> None:
    """Draw the picture that is asked for, and print the figures as one JSON object.

    Args:
        found: the fit
        directory: of the model
        options: of the command
        outputs: what the inputs are called, such as "lines"
    """
    if options.picture:
        _draw(found, directory, options.picture, outputs)
    print(f"{directory}: its confidence is calibrated", file=sys.stderr)
    print(json.dumps({"model": str(directory), **summary(found, outputs)}))


def summary(found: Fit, outputs: str) -> dict[str, float | int | str]:
    """The figures of a fit, of ordinary outputs that were not used for it."""
    usual, calibration = found.ordinary, found.calibration
    return {
        "acceptable": calibration.acceptable,
        outputs: int(usual.sum()),
        f"spoiled_{outputs}": int((~usual).sum()),
        "acceptable_share": round(float(found.acceptable[usual].mean()), 4),
        "mean_confidence": round(float(found.confidences[usual].mean()), 4),
        "calibration_error": round(calibration.calibration_error, 4),
        "doubtful_share": round(float((found.confidences[usual] < calibration.threshold).mean()), 4),
        "doubtful_share_spoiled": round(float((found.confidences[~usual] < calibration.threshold).mean()), 4),
    }


def _draw(found: Fit, directory: Path, path: Path, outputs: str) -> None:
    from s2s.decoding.calibrating import reliability
    from s2s.views.reliability import reliability_picture

    calibration, usual = found.calibration, found.ordinary
    as_they_are, spoiled = (
        reliability(found.confidences[chosen], found.acceptable[chosen]) for chosen in (usual, ~usual)
    )
    picture = reliability_picture(
        as_they_are,
        f"Reliability of the confidence of {directory.name}",
        f"acceptable: {calibration.acceptable}; expected calibration error {calibration.calibration_error:.3f}\n"
        f"{usual.sum():,} {outputs} not used to fit it (rings: spoiled ones)",
        calibration.threshold,
        spoiled,
    )
    with atomic_file(path) as aside:
        picture.save(aside, "PNG")

"""Calibrate the confidence of a captioning model.

    s2s calibrate captioning RUN/best --train train.jsonl --references val.jsonl

The training of a model calibrates it as its last step. This command calibrates a model of an earlier version, or one
that was averaged, or calibrates it for other pictures. It writes the files confidence.safetensors (what the training
pictures look like) and confidence.json of the model directory; the weights stay as they are.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli import command
from s2s.cli.arguments import Parser, add_device, add_threads
from s2s.errors import check
from s2s.files import atomic_file, check_output
from s2s.storage.bundled import find_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from captioning.prepare import Example
    from s2s.decoding.calibrating import Fit

MODELS = Path(__file__).resolve().parent / "models"


def calibrate(arguments: list[str]) -> int:
    """Calibrate the model that the arguments name; print the figures as one JSON object and return the exit code."""
    options = _parser().parse_args(arguments)
    directory = find_model(options.model, "captioning", MODELS)
    if options.picture:
        check(options.picture.suffix.lower() == ".png", f"--picture {options.picture}: the file name must end in .png")
        check_output(options.picture, force=options.force, inputs=[])
    train = _examples(options.train, options.images, keep_duplicates=False) if options.train else None
    validation = _examples(options.references, options.images, keep_duplicates=True)
    import torch

    from captioning.calibration import calibrate_model, summary

    if options.threads:
        torch.set_num_threads(options.threads)
    found = calibrate_model(directory, train, validation, device=options.device)
    if options.picture:
        _draw(found, directory, options.picture)
    print(f"{directory}: its confidence is calibrated", file=sys.stderr)
    print(json.dumps({"model": str(directory), **summary(found)}))
    return 0


def _examples(source: Path, images: Path | None, *, keep_duplicates: bool) -> Sequence[Example]:
    from captioning.prepare import read_examples

    return read_examples(source, images, keep_duplicates=keep_duplicates)


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
        f"acceptable: {calibration.acceptable}; expected calibration error {calibration.calibration_error:.3f}\n"
        f"{usual.sum():,} pictures not used to fit it (rings: spoiled ones)",
        calibration.threshold,
        spoiled,
    )
    with atomic_file(path) as aside:
        picture.save(aside, "PNG")


def _parser() -> Parser:
    parser = Parser(
        description="Calibrate the confidence of a captioning model on pictures that it was not trained on, such as "
        "validation pictures, and store it in the model directory. `caption` then says which captions are doubtful."
    )
    add = parser.add_argument
    add("model", type=Path, metavar="MODEL", help="a model directory, or a bundled model (see `s2s models`)")
    add(
        "--references",
        type=Path,
        required=True,
        metavar="SOURCE",
        help="pictures that the model was not trained on, with captions: .csv, .tsv, .jsonl, COCO's .json, or a folder",
    )
    add(
        "--train",
        type=Path,
        metavar="SOURCE",
        help="the pictures and captions that the model was trained on; needed unless the model has been calibrated "
        "before",
    )
    add("--images", type=Path, metavar="DIR", help="the folder to which the names of pictures are relative")
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

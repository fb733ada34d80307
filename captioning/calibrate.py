"""Calibrate the confidence of a captioning model.

    s2s calibrate captioning RUN/best --train train.jsonl --references val.jsonl

The training of a model calibrates it as its last step. This command calibrates a model of an earlier version, or one
that was averaged, or calibrates it for other pictures. It writes the files confidence.safetensors (what the training
pictures look like) and confidence.json of the model directory; the weights stay as they are.
"""

from __future__ import annotations

import sys
from pathlib import Path

from captioning.caption import model_directory
from s2s.cli import calibration_command, command
from s2s.cli.arguments import Parser


def calibrate(arguments: list[str]) -> int:
    """Calibrate the model that the arguments name; print the figures as one JSON object and return the exit code."""
    options = _parser().parse_args(arguments)
    directory = model_directory(options.model)
    calibration_command.check_picture(options, filter(None, (options.train, options.references)))
    from captioning.assets import Assets
    from captioning.prepare import read_examples
    from s2s.storage.model_directory import read_model

    writing = Assets.read(read_model(directory)).config.writing
    train = read_examples(options.train, options.images, writing, keep_duplicates=False) if options.train else None
    validation = read_examples(options.references, options.images, writing, keep_duplicates=True)
    from captioning.calibration import calibrate_model
    from s2s.nn.precision import use_threads

    use_threads(options.threads)
    found = calibrate_model(directory, train, validation, device=options.device)
    calibration_command.report(found, directory, options, "pictures")
    return 0


def _parser() -> Parser:
    parser = Parser(
        description="Calibrate the confidence of a captioning model on pictures that it was not trained on, such as "
        "validation pictures, and store it in the model directory. `caption` then says which captions are doubtful."
    )
    add = parser.add_argument
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
    calibration_command.add_options(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(calibrate)


if __name__ == "__main__":
    sys.exit(main())

"""Calibrate the confidence of a translation model.

    s2s calibrate translation RUN/best --source val.en --reference val.de

The training of a model calibrates it as its last step. This command calibrates a model of an earlier version, or one
that was averaged, or calibrates it for other text. It writes the file confidence.json of the model directory; the
weights stay as they are.
"""

from __future__ import annotations

import sys
from pathlib import Path

from s2s.cli import calibration_command, command
from s2s.cli.arguments import Parser
from s2s.files import check_readable
from translation.loading import model_directory


def calibrate(arguments: list[str]) -> int:
    """Calibrate the model that the arguments name; print the figures as one JSON object and return the exit code."""
    options = _parser().parse_args(arguments)
    directory = model_directory(options.model)
    for path in (options.source, options.reference):
        check_readable(path)
    calibration_command.check_picture(options, [options.source, options.reference])
    from s2s.nn.precision import use_threads
    from translation.calibration import calibrate_model
    from translation.corpus import read_parallel

    use_threads(options.threads)
    text = read_parallel(options.source, options.reference)
    found = calibrate_model(directory, text, device=options.device)
    calibration_command.report(found, directory, options, "lines")
    return 0


def _parser() -> Parser:
    parser = Parser(
        description="Calibrate the confidence of a translation model on text that it was not trained on, such as the "
        "validation text, and store it in the model directory. `translate --report` needs it."
    )
    add = parser.add_argument
    add("--source", type=Path, required=True, metavar="FILE", help="the text to translate, one sentence per line")
    add("--reference", type=Path, required=True, metavar="FILE", help="its translation, line by line")
    calibration_command.add_options(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(calibrate)


if __name__ == "__main__":
    sys.exit(main())

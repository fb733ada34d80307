"""Score a frame labeller on films: accuracy, macro F1, calibration error, and the scores of each label.

    s2s evaluate frame-labeller --model RUN/best --data films/test

The frames are labelled exactly as by `s2s label-frames`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from labelling import evaluation
from labelling.frames.corpus import LABELS, check_known, read_films
from labelling.frames.frame_labeller import FrameLabeller
from s2s.cli import command
from s2s.cli.arguments import Parser, add_device, add_threads
from s2s.errors import check
from s2s.files import check_output


def evaluate(arguments: list[str]) -> int:
    """Print the scores of the model that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.confusion:
        check(options.confusion.suffix.lower() == ".png", f"--confusion {options.confusion}: the name must end in .png")
        check_output(options.confusion, force=options.force)
    films = read_films(options.data)
    labeller = FrameLabeller.load(options.model, device=options.device, threads=options.threads)
    check_known(films, labeller.labels, "correct it, or take another model")
    truth, found, probabilities = list[str](), list[str](), list[float]()
    for film in films:
        labelled = labeller.label(film.frames)
        for error in labelled.failed[:1]:
            check(False, f"{error}; repair it, or remove it and its line of {LABELS}")
        truth += film.labels
        found += [each.label for each in labelled.frames]
        probabilities += [each.probability for each in labelled.frames]
    figures = evaluation.Figures.of(truth, found, probabilities)
    if options.confusion:
        title = f"{100 * figures.accuracy:.1f} % of {len(truth):,} frames are right"
        evaluation.draw_confusion(truth, found, title, options.confusion)
    print(json.dumps(asdict(figures), ensure_ascii=False) if options.json else "\n".join(figures.lines("frames")))
    return 0


def _parser() -> Parser:
    parser = Parser(
        description="Score a frame labeller on films: accuracy, macro F1, calibration error, and the scores of each "
        "label."
    )
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="a frame labeller: a model directory such as RUN/best")
    add("--data", type=Path, required=True, metavar="FOLDER", help=f"a folder of films, each with frames and {LABELS}")
    add("--confusion", type=Path, metavar="FILE.png", help="draw how often each label was taken for each other one")
    add("--force", action="store_true", help="overwrite the file of --confusion")
    add("--json", action="store_true", help="print the figures as JSON")
    group = parser.add_argument_group("machine")
    add_device(group)
    add_threads(group)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(evaluate)


if __name__ == "__main__":
    sys.exit(main())

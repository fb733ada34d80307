"""Label every frame of a film, which is a folder of pictures.

    s2s label-frames --model RUN/best FOLDER

The frames are read in the natural order of their names. The output has a line a frame: its name, a tab, its label, a
tab, and the probability of the label. Frames that cannot be read are reported, and the film is read without them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labelling.command import line_writer
from labelling.frames.corpus import frames_of
from labelling.frames.frame_labeller import FrameLabeller, LabelledFrame
from s2s.cli import command
from s2s.cli.arguments import Parser, add_device, add_threads
from s2s.cli.doubts import report_file
from s2s.errors import check, printable, warn
from s2s.files import atomic_file, check_output


def label_frames(arguments: list[str]) -> int:
    """Label the frames of the folder that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    frames = frames_of(options.folder)
    _check_outputs(options, frames)
    labeller = FrameLabeller.load(
        options.model, device=options.device, precision=options.precision, threads=options.threads
    )
    film = labeller.label(frames)
    for error in film.failed:
        warn(str(error))
    with line_writer(options) as write:
        write(f"{printable(each.path.name)}\t{each.label}\t{each.probability:.4f}\n" for each in film.frames)
    if options.report:
        with report_file(options.report) as report:
            for each in film.frames:
                report(_entry(each))
    if options.picture and film.frames:
        _draw(options.picture, film.frames)
    if film.failed:
        warn(f"{len(film.failed):,} of {len(frames):,} frames failed; see above for the reasons")
    return 1 if film.failed else 0


def _check_outputs(options: argparse.Namespace, frames: list[Path]) -> None:
    check(options.output or sys.stdout, "standard output is closed; name a file with --output")
    if options.picture:
        check(options.picture.suffix.lower() == ".png", f"--picture {options.picture}: the name must end in .png")
    written: dict[Path, str] = {}
    for name in ("output", "report", "picture"):
        path: Path | None = getattr(options, name)
        if path is not None:
            other = written.setdefault(path.absolute(), name)
            check(other == name, f"--{name} {path}: this is the file of --{other} too; choose another name")
            check_output(path, force=options.force, inputs=frames)
            check(
                path.absolute().parent.resolve() != options.folder.resolve(),
                f"--{name} {path}: would become a frame of the film; choose another folder",
            )


def _entry(frame: LabelledFrame) -> dict[str, Any]:
    """The object of a frame in the report."""
    rounded = {label: round(each, 4) for label, each in frame.probabilities.items()}
    return {
        "frame": str(frame.path),
        "label": frame.label,
        "probability": round(frame.probability, 4),
        "probabilities": rounded,
    }


def _draw(path: Path, frames: Sequence[LabelledFrame]) -> None:
    from s2s.views.film_strip import film_strip

    with atomic_file(path) as aside:
        film_strip([(each.path, each.label, each.probability) for each in frames]).save(aside, "PNG")


def _parser() -> Parser:
    parser = Parser(
        description="Label every frame of a film: a folder of pictures, in the natural order of their names. The "
        "output has a line a frame: its name, a tab, its label, a tab, and the probability of the label.",
        epilog="exit codes: 0 success; 1 some frames could not be read and were reported; 2 error, explained by a "
        "message; 130 interrupted",
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="the frames of a film; a file labels.txt in it is ignored")
    add("--model", type=Path, required=True, metavar="DIR", help="a frame labeller: a model directory such as RUN/best")
    add("--output", type=Path, metavar="FILE", help="write to FILE, once all is done (default: standard output)")
    add("--report", type=Path, metavar="FILE.jsonl", help="also write a JSON object a frame, with all probabilities")
    add("--picture", type=Path, metavar="FILE.png", help="also draw the frames with their labels (the first 120)")
    add("--force", action="store_true", help="overwrite existing files")
    group = parser.add_argument_group("machine")
    add_device(group)
    group.add_argument(
        "--precision",
        choices=["auto", "bfloat16", "float32"],
        default="auto",
        help="precision of matrix products (default: auto, which is bfloat16 if the processor has fast instructions "
        "for it, else float32)",
    )
    add_threads(group)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(label_frames)


if __name__ == "__main__":
    sys.exit(main())

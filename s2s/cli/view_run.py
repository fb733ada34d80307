"""Draw the learning curves of a training run, or of several, as a picture.

    s2s view run runs/mine                       writes mine-curves.png
    s2s view run runs/a runs/b --output ab.png   draws the curves of both in one picture

The picture has a panel for the losses, one for each score of the validation, and one for the learning rate. A run may
still be training; a run of an earlier version of the toolkit has no learning rate in its log.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.errors import check, counted
from s2s.files import atomic_file, check_output
from s2s.storage.run_directory import read_log
from s2s.views.curves import COLOURS, Curve, Panel

_NO_FIGURES = ("step", "epoch", "seconds", "mean_of")
_LOSSES, _RATE = ("train_loss", "loss"), "rate"

Log = Sequence[Mapping[str, Any]]


def view_run(arguments: list[str]) -> int:
    """Draw the curves of the runs that the arguments name, and print the name of the picture; return the exit code."""
    options = _parser().parse_args(arguments)
    runs: list[Path] = options.runs
    check(len(runs) <= len(COLOURS), f"{len(runs)} runs are too many for one picture: name {len(COLOURS)} at most")
    output = options.output or Path(f"{runs[0].resolve().name}-curves.png")
    check(output.suffix.lower() == ".png", f"--output {output}: the file name must end in .png")
    logs = [read_log(run) for run in runs]
    check_output(output, force=options.force)
    panels = list(panels_of(logs))
    check(panels, f"{', '.join(map(str, runs))}: the log holds no figures to draw")

    from s2s.views.curves import curves_picture

    names = [f"{run}, {counted(log[-1]['step'], 'step')}" for run, log in zip(runs, logs)]
    with atomic_file(output) as aside:
        curves_picture(panels, names).save(aside, "PNG")
    print(output)
    return 0


def panels_of(logs: Sequence[Log]) -> Iterator[Panel]:
    """The panels of the logs of runs: losses, scores in the order of the logs, and the learning rate."""
    names = dict.fromkeys(name for log in logs for entry in log for name in entry if name not in _NO_FIGURES)
    scores = [[name] for name in names if name not in (*_LOSSES, _RATE)]
    for members in ([name for name in _LOSSES if name in names], *scores, [name for name in names if name == _RATE]):
        curves = [_curve(log, run, name) for run, log in enumerate(logs) for name in members]
        drawn = [curve for curve in curves if curve.points or curve.marks]
        if drawn:
            title = {_LOSSES: "loss", (_RATE,): "learning rate"}.get(tuple(members), _label(members[0]))
            yield Panel(title, drawn)


def _curve(log: Log, run: int, name: str) -> Curve:
    found = [(int(entry["step"]), entry[name], "mean_of" in entry) for entry in log if _is_number(entry.get(name))]
    points = [(step, value) for step, value, mean in found if not mean]
    marks = [(step, value) for step, value, mean in found if mean]
    label = "validation" if name == "loss" else _label(name)
    return Curve(label, run, points, light=name == "train_loss", marks=marks)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _label(name: str) -> str:
    return {"train_loss": "training"}.get(name, name.replace("_", " "))


def _parser() -> Parser:
    parser = Parser(description="Draw the learning curves of a training run, or of several, as a PNG picture.")
    parser.add_argument("runs", type=Path, nargs="+", metavar="DIR", help="the folder of a run (--run of `s2s train`)")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE.png",
        help="where the picture is written (default: NAME-curves.png in the current folder, for the first run's NAME)",
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing picture")
    return parser


def main() -> int:
    """Entry point."""
    return command.run(view_run)


if __name__ == "__main__":
    sys.exit(main())

"""Measure how far gradients reach back through time in recurrent layers, and draw it as a picture.

    s2s view gradients                         writes gradients.png and gradients.json
    s2s view gradients --gap 30 --steps 3000   a longer memory, and more training

Networks of one layer learn to copy symbols after a gap. The picture shows the norm of dL/dh_t over the distance between
step t and the loss, for an RNN, a GRU and an LSTM with forget bias 0 and 1, at the start and after training; and what
clipping does to the gradients of an RNN. Every number is measured; it takes less than a minute of one core.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.cli import command
from s2s.cli.arguments import Parser, positive
from s2s.errors import check
from s2s.files import atomic_file, check_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from s2s.training.gradient_flow import CopyTask, Measured, TrainingStep
    from s2s.views.curves import Curve, Panel

CLIPPED_STEPS = 300
_LONGEST_GAP, _MOST_UNITS = 500, 1024
_SMALLEST = 1e-9  # of what the picture shows: gradients may be 0


def view_gradients(arguments: list[str]) -> int:
    """Measure, write the picture and the numbers, and print their names; return the exit code."""
    options = _parser().parse_args(arguments)
    picture: Path = options.output
    numbers: Path = options.json or picture.with_suffix(".json")
    check(picture.suffix.lower() == ".png", f"--output {picture}: the file name must end in .png")
    check(numbers.suffix.lower() == ".json", f"--json {numbers}: the file name must end in .json")
    check(options.gap <= _LONGEST_GAP, f"--gap {options.gap:,}: choose at most {_LONGEST_GAP} blanks")
    check(options.units <= _MOST_UNITS, f"--units {options.units:,}: choose at most {_MOST_UNITS:,}")
    check(0 < options.clip < float("inf"), f"--clip {options.clip}: choose a norm above 0")
    for path in (picture, numbers):
        check_output(path, force=options.force)
    _run(options, picture, numbers)
    print(picture, numbers, sep="\n")
    return 0


def _run(options: argparse.Namespace, picture: Path, numbers: Path) -> None:
    from s2s.nn.precision import use_threads
    from s2s.training.gradient_flow import KINDS, CopyTask, measure, train_clipped
    from s2s.views.curves import curves_picture

    use_threads(1)  # the layers are small: several threads would wait for each other
    task, measured = CopyTask(options.gap), list["Measured"]()
    for kind in KINDS:
        measured.append(measure(kind, task, options.units, options.steps, options.seed))
        _report(
            f"{kind.name}: loss {measured[-1].losses[-1]:.3f} after {options.steps:,} steps, "
            f"{100 * measured[-1].accuracy:.0f} % of the symbols reproduced"
        )
    clipping = {
        clip: train_clipped(task, options.units, CLIPPED_STEPS, options.seed, clip) for clip in (0.0, options.clip)
    }
    for clip, made in clipping.items():
        name = f"clipped at {clip:g}" if clip else "not clipped"
        _report(f"RNN {name}: largest norm {max(step.norm for step in made):.1f}, last loss {made[-1].loss:.2f}")
    with atomic_file(numbers) as aside:
        aside.write_text(json.dumps(_numbers(options, task, measured, clipping), indent=1) + "\n", encoding="utf-8")
    names = [*(kind.name for kind in KINDS), "RNN, clipped"]
    with atomic_file(picture) as aside:
        curves_picture(panels_of(measured, clipping, options.steps), names).save(aside, "PNG", optimize=True)


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _numbers(
    options: argparse.Namespace,
    task: CopyTask,
    measured: Sequence[Measured],
    clipping: dict[float, list[TrainingStep]],
) -> dict[str, object]:
    """What the file of numbers holds; `start` and `trained` are norms at the distances 0, 1, 2, ..."""
    return {
        "task": asdict(task),
        "units": options.units,
        "steps": options.steps,
        "seed": options.seed,
        "networks": [asdict(each) for each in measured],
        "clipping": [
            {"clip_norm": clip or None, "norms": [s.norm for s in made], "losses": [s.loss for s in made]}
            for clip, made in clipping.items()
        ],
    }


def panels_of(measured: Sequence[Measured], clipping: dict[float, list[TrainingStep]], steps: int) -> list[Panel]:
    """The panels of the picture; a run is a kind of network, and the last one the RNN whose gradient is clipped."""
    from s2s.training.gradient_flow import KINDS, RNN
    from s2s.views.curves import Panel

    panels = list[Panel]()
    for title, found in [
        ("norm of dL/dh at the start", [each.start for each in measured]),
        (f"norm of dL/dh after {steps:,} steps of training", [each.trained for each in measured]),
    ]:
        curves = [_curve(run, norms[0], first=0) for run, norms in enumerate(found)]
        panels.append(Panel(title, curves, "steps to the loss", logarithmic=True))
    runs = {clip: len(measured) if clip else KINDS.index(RNN) for clip in clipping}
    for title, name in [("norm of the whole gradient of the RNN, before clipping", "norm"), ("its loss", "loss")]:
        curves = [_curve(runs[clip], [getattr(step, name) for step in made]) for clip, made in clipping.items()]
        panels.append(Panel(title, curves, "steps of training", logarithmic=True))
    return panels


def _curve(run: int, values: Sequence[float], first: int = 1) -> Curve:
    """A curve over the numbers from `first` on."""
    from s2s.views.curves import Curve

    return Curve("", run, [(i, max(value, _SMALLEST)) for i, value in enumerate(values, first)], light=first > 0)


def _parser() -> Parser:
    parser = Parser(
        description="Measure how far gradients reach back through time in an RNN, a GRU and LSTMs that learn to copy "
        "symbols after a gap, at the start and after training, and what clipping does to the gradients of an RNN. "
        "Writes a PNG picture and the numbers as JSON, in less than a minute of one core.",
    )
    add = parser.add_argument
    add(
        "--output",
        type=Path,
        default=Path("gradients.png"),
        metavar="FILE.png",
        help="where the picture is written (default: gradients.png)",
    )
    add("--json", type=Path, metavar="FILE.json", help="where the numbers are written (default: beside the picture)")
    add("--force", action="store_true", help="overwrite existing files")
    add("--gap", type=positive, default=15, metavar="N", help="blanks between symbols and mark (default: 15)")
    add("--steps", type=positive, default=1500, metavar="N", help="steps of training (default: 1500)")
    add("--units", type=positive, default=32, metavar="N", help="units of each layer (default: 32)")
    add("--clip", type=float, default=1.0, metavar="X", help="norm at which gradients are clipped (default: 1)")
    add("--seed", type=int, default=1, metavar="N", help="of the weights and the sequences (default: 1)")
    return parser


def main() -> int:
    """Entry point."""
    return command.run(view_gradients)


if __name__ == "__main__":
    sys.exit(main())

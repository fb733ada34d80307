"""Describe photographs, one sentence per photograph.

    caption photo.jpg holiday/                   with the bundled model
    caption --model RUN/best 'photos/*.jpg'      with a model of your own
    caption --sidecars --json all.json holiday/  also dog.txt beside dog.jpg; run again, it goes on where it ended
    caption --gallery pages holiday/             also a page to look through all captions, and to correct them

One line per picture. Unreadable files are reported on standard error and skipped; the exit code is then 1. A line on
standard error says how many captions are doubtful.
"""

from __future__ import annotations

if not __package__:
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from captioning.arguments import caption_parser
from captioning.inputs import find_inputs
from captioning.plan import Plan
from captioning.report import side_record
from captioning.run import Draw, Run
from s2s.cli import command
from s2s.cli.doubts import check_calibration
from s2s.cli.search_options import search_options
from s2s.decoding.confidence import FILE as CONFIDENCE
from s2s.errors import Terminated, check, printable
from s2s.files import check_output, current_version

if TYPE_CHECKING:
    from captioning.captioner import Captioner

MODELS = Path(__file__).resolve().parent / "models"
DEFAULT = MODELS / "everyday"
_FILES = ("json", "report", "csv")


def caption(arguments: list[str]) -> int:
    """Caption the pictures that the arguments name; return the exit code."""
    options = caption_parser().parse_args(arguments)
    search_options(options, n_best=options.n_best or 1)  # checks them
    check(options.model or DEFAULT.is_dir(), "no model is bundled with this installation; choose one with --model")
    model = model_directory(options.model) if options.model else DEFAULT
    written = [path for name in (*_FILES, "gallery", "attention") if (path := getattr(options, name))]
    found = find_inputs(options.paths, left_out=written, sidecar_suffix=options.sidecar_suffix or "")
    _check_outputs(options, [each.file for each in found.pictures if each.file])
    _check_calibration(model, options)
    plan = Plan.of(found.pictures, options)
    for note in (*found.notes(), *plan.notes()):
        print(printable(note), file=sys.stderr)
    with ExitStack() as stack:
        todo = plan.todo()
        captioner = load(model, options, n_best=options.n_best or 1, batch=options.batch) if todo else None
        draw = _gallery(stack, options, plan, model)
        files, ids = plan.files(options)
        for file in files:
            stack.enter_context(closing(file))
        advice = "" if options.report or draw else "; --report FILE says which and why"
        how = {"n_best": options.n_best is not None, "mark": options.unsure == "mark", "advice": advice}
        run = Run(len(plan.pictures), files, ids, plan.sidecars, draw, **how)
        try:
            _caption_all(plan, captioner, run)
        except (KeyboardInterrupt, Terminated):
            run.interrupted()
            raise
    return run.report()


def _caption_all(plan: Plan, captioner: Captioner | None, run: Run) -> None:
    """Caption the pictures of a plan, in order."""
    stream = captioner.caption_stream(each.source for each in plan.todo()) if captioner else iter(())
    for picture in plan.pictures:
        if text := plan.texts.get(picture.path):
            run.recall(picture, side_record(picture.path, picture.path, text))
        elif problem := plan.problems.get(picture.path):
            run.fail(picture, problem)
        else:
            run.take(picture, replace(next(stream), name=picture.name))


def _check_outputs(options: argparse.Namespace, paths: Sequence[Path]) -> None:
    """Check the files to be written: each by itself, and that they are different files."""
    check(not (options.gallery and options.attention), "--attention writes the gallery too; leave out --gallery")
    outputs: dict[str, str] = {}
    for name in filter(lambda name: getattr(options, name), _FILES):
        path = getattr(options, name)
        check_output(path, force=options.force or options.sidecars, inputs=paths)
        real, option = os.path.realpath(path), "--jsonl" if name == "report" else f"--{name}"
        check(real not in outputs, f"{option} {path}: this is the file of {outputs.get(real)} too; choose another name")
        outputs[real] = option


def _check_calibration(model: Path, options: argparse.Namespace) -> None:
    """Check that the confidence of the model is calibrated, where an option needs it."""
    what = f"the confidence of {model} is not calibrated"
    do = f"calibrate it with `s2s calibrate captioning {model} --train FILE --references FILE`"
    calibrated = (current_version(model) / CONFIDENCE).is_file()
    check_calibration(calibrated, options, "pictures", what=what, do=do)


def model_directory(model: Path) -> Path:
    """Return the directory of a model, which is named by its path or by its name among the bundled models."""
    from s2s.storage.bundled import find_model

    return find_model(model, "captioning", MODELS)


def _gallery(stack: ExitStack, options: argparse.Namespace, plan: Plan, model: Path) -> Draw | None:
    """A function that adds a picture to the gallery; None without one."""
    if not (options.gallery or options.attention):
        return None
    from captioning.album import Album
    from s2s.storage.model_record import read_record, read_whole
    from s2s.text.languages import ENGLISH

    language = str(read_whole(model, read_record).config.get("language", ENGLISH))
    return stack.enter_context(closing(Album(options, plan, language))).add


def load(directory: Path, options: argparse.Namespace, *, n_best: int = 1, batch: int | None = None) -> Captioner:
    """Load the captioner of a model directory with the options of the command line; used by `evaluate` too."""
    from captioning.captioner import BATCH, Captioner

    captioner = Captioner.load(
        directory,
        search_options(options, n_best=n_best, minimum_length=1),
        engine=options.engine,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
        batch=batch or BATCH,
        prefix=getattr(options, "prefix", ""),
        max_words=getattr(options, "max_words", None),
    )
    if options.draw_positions is not None:
        from s2s.decoding.drawn_positions import draw_positions

        draw_positions(captioner.engine.network, options.draw_positions)
    return captioner


def main() -> int:
    """Entry point."""
    return command.run(caption)


if __name__ == "__main__":
    sys.exit(main())

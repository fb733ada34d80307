"""Captioned pictures as files to train, validate and test with: no picture is in two of them.

Several files may be trained on, `train-human` and `train-recovered` for example; these may share pictures.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path

from captioning.caption_files import read_jsonl
from captioning.corpus import CaptionedImage, write_captions
from s2s.errors import check, counted
from s2s.files import atomic_file, check_output

SPLITS = ("train", "validation", "test")


def report_and_write(
    splits: Mapping[str, Sequence[CaptionedImage]],
    reports: Sequence[str],
    output: Path,
    *,
    force: bool,
    inputs: Sequence[Path] = (),
) -> None:
    """What a command does with its splits: tell what was left out, write, print the paths written."""
    for report in reports:
        print(report, file=sys.stderr)
    for path in write_splits(splits, output, force=force, inputs=inputs):
        print(path)


def write_splits(
    splits: Mapping[str, Sequence[CaptionedImage]], output: Path, *, force: bool = False, inputs: Sequence[Path] = ()
) -> list[Path]:
    """Write each split as `output/NAME.jsonl`, all or none; return the paths.

    Raises UserError where a picture is in two of them, or in a split that lies in `output` already.
    """
    output.mkdir(parents=True, exist_ok=True)
    paths = {name: output / f"{name}.jsonl" for name in splits}
    for path in paths.values():
        check_output(path, force=force, inputs=inputs)
    files = {path.stem: path for path in sorted(output.glob("*.jsonl"))}
    others = {name: path for name, path in files.items() if name not in splits and _is_split(name)}
    _check_apart(
        {str(paths[name]): {os.path.realpath(image.path) for image in images} for name, images in splits.items()}
        | {
            str(path): {os.path.realpath(output / entry.image) for entry in read_jsonl(path)}
            for path in others.values()
        }
    )
    with ExitStack() as stack:
        for name, images in splits.items():
            write_captions(images, stack.enter_context(atomic_file(paths[name])))
    return list(paths.values())


def _is_split(name: str) -> bool:
    return name in SPLITS or name.startswith("train-")


def _check_apart(pictures: Mapping[str, set[str]]) -> None:
    """Check the pictures of files, which are given by their paths."""
    for one, other in combinations(pictures, 2):
        shared = sorted(pictures[one] & pictures[other])
        trained = all(Path(path).stem.startswith("train") for path in (one, other))
        check(
            trained or not shared,
            f"{one} and {other} would share {counted(len(shared), 'picture')} ({', '.join(shared[:3])}): "
            "what is trained on cannot be tested on",
        )

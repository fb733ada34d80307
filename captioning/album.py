"""The gallery of a run of `caption`: a page of all pictures, to look through and to correct the captions in.

A run with side files goes on with the gallery of an earlier run, as it does with the files of results.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path, PurePosixPath

from captioning.inputs import Input
from captioning.pages.gallery import ATTENTION, SCRIPT, GalleryFolder, check_gallery_folder
from captioning.plan import Plan
from captioning.report import Record
from captioning.result_files import GalleryScript, ResultFile, continued
from captioning.sidecars import SUFFIX
from s2s.decoding.results import Caption
from s2s.errors import warn
from s2s.views.attention_file import read_items

_PAGE, _CARD = 0.3, 0.05  # MB of a picture at most, with its page and without
_MANY = 20  # pictures, from which on the size is told


class Album:
    """Takes pictures and their captions.

    Args:
        options: of the command, with `gallery` or `attention`
        plan: of the run
        language: of the captions

    Raises:
        UserError: the folder cannot be written to.
    """

    def __init__(self, options: argparse.Namespace, plan: Plan, language: str) -> None:
        directory: Path = options.attention or options.gallery
        go_on = options.sidecars and not options.force
        check_gallery_folder(directory, force=options.force, go_on=go_on)
        self._sidecars, self._suffix = plan.sidecars, options.sidecar_suffix or SUFFIX
        form, script = GalleryScript(), directory / SCRIPT
        rows = form.read(script) if go_on and script.is_file() else []
        kept, known = continued(form, rows, plan.readable_texts())
        self._done = set(known)
        _tell_size(directory, len(plan.pictures) - len(self._done), pages=bool(options.attention))
        directory.mkdir(exist_ok=True)
        taken = [Path(row["thumbnail"]).stem for row in kept if row.get("thumbnail")]
        items = _kept_items(directory / ATTENTION, plan, go_on=go_on) if options.attention else None
        folder = Path(options.paths[0]).resolve().name if plan.relative else ""
        title = f"Captions of {folder}" if folder else "Captions"
        self._folder = GalleryFolder(directory, title, folder, taken, items, language)
        self._script = ResultFile(script, form, kept)

    def add(self, picture: Input, entry: Record, found: Caption | None) -> str:
        """Draw a picture, and enter it; return why it could not be drawn, or ""."""
        if found is None and picture.path in self._done:
            return ""
        drawn, problem = ({}, "") if entry.get("problem") else self._folder.draw(picture.name, picture.source, found)
        side = self._sidecars.path(picture) if self._sidecars else None
        name = side.name if side else PurePosixPath(picture.path).stem + self._suffix
        place = {"side": PurePosixPath(picture.path).with_name(name).as_posix()} if picture.file else {}
        self._script.add(entry | drawn | place | ({"problem": problem} if problem else {}))
        return problem

    def close(self) -> None:
        """Close all files."""
        self._script.close()
        self._folder.close()


def _kept_items(path: Path, plan: Plan, *, go_on: bool) -> list[bytes]:
    """The attention of pictures that are not captioned anew."""
    if not go_on or not path.is_file():
        return []
    anew = {each.name for each in plan.todo()}
    items = [(item, json.loads(item)["segments"][0].get("photograph") or {}) for item in read_items(path)]
    return [item for item, photograph in items if photograph.get("path") not in anew]


def _tell_size(directory: Path, pictures: int, *, pages: bool) -> None:
    """Say how much will be written, and warn if the disk has less room."""
    megabytes = pictures * (_PAGE if pages else _CARD)
    if pictures >= _MANY:
        print(f"{directory}: up to {megabytes:,.0f} MB for {pictures:,} pictures", file=sys.stderr)
    free = shutil.disk_usage(directory if directory.is_dir() else directory.absolute().parent).free / 1e6
    if free < megabytes:
        warn(f"{directory}: only {free:,.0f} MB are free on its disk")

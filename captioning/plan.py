"""What a run of `caption` has to do: which pictures it captions, and which ones have a caption in a side file."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from captioning.inputs import Input
from captioning.report import side_record
from captioning.result_files import FORMATS, ResultFile, Row, continued
from captioning.results import ImageId, image_id
from captioning.sidecars import SUFFIX, Sidecars
from s2s.errors import check, counted, first_few
from s2s.files import is_device


@dataclass
class Plan:
    """What is to be done.

    Attributes:
        pictures: in order
        sidecars: their side files; None if none are written
        texts: the caption of each picture that has a side file, by its path
        problems: why the side file of a picture cannot be read, by its path
    """

    pictures: Sequence[Input]
    sidecars: Sidecars | None = None
    texts: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, pictures: Sequence[Input], options: argparse.Namespace) -> Plan:
        """Plan a run.

        Raises:
            UserError: side files cannot be written.
        """
        if not options.sidecars:
            check(options.sidecar_suffix is None, "--sidecar-suffix is of --sidecars; add --sidecars")
            return cls(pictures)
        sidecars = Sidecars(pictures, SUFFIX if options.sidecar_suffix is None else options.sidecar_suffix)
        plan = cls(pictures, sidecars)
        if not options.force:
            plan._read(sidecars)
        sidecars.check_writable(plan.todo())
        return plan

    def _read(self, sidecars: Sidecars) -> None:
        for picture in self.pictures:
            path = sidecars.path(picture)
            try:
                text = sidecars.text(picture)
            except (ValueError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
                self.problems[picture.path] = f"its side file {path} is unreadable ({reason}); mend it, or move it away"
                continue
            if text is not None:
                self.texts[picture.path] = text

    def todo(self) -> list[Input]:
        """The pictures to caption."""
        return [each for each in self.pictures if each.path not in self.texts and each.path not in self.problems]

    def readable_texts(self) -> dict[str, str | None]:
        """The text of each picture's side file, or None if it has none; pictures with unreadable ones are left out."""
        return {each.path: self.texts.get(each.path) for each in self.pictures if each.path not in self.problems}

    @property
    def relative(self) -> bool:
        """Whether the paths of the pictures are relative to a folder that was given."""
        return any(each.file and each.file.as_posix() != each.path for each in self.pictures)

    def notes(self) -> Iterator[str]:
        """Lines that say in sum what is not captioned, and what is named in a way that one may not expect."""
        if self.texts:
            have = counted(len(self.texts), "picture has a side file", "pictures have side files")
            yield f"{have} already; --force captions them anew"
        if self.sidecars and self.sidecars.shared:
            names = first_few([path.name for path in self.sidecars.shared])
            yield f"{names}: share their names with other pictures, so their side files keep the suffix, as in .jpg.txt"

    def files(self, options: argparse.Namespace) -> tuple[list[ResultFile], dict[str, ImageId]]:
        """Open the files of results; what an earlier run wrote into them is kept where side files are.

        Returns:
            the files, and how COCO's results call each picture, by its path

        Raises:
            UserError: a file is not what it should be, or another process is writing it.
        """
        paths = {name: path for name in FORMATS if (path := getattr(options, OPTIONS[name]))}
        keep = options.sidecars and not options.force
        texts = self.readable_texts()
        kept: dict[str, list[Row]] = {}
        known: dict[str, set[str]] = {}
        ids: dict[str, ImageId] = {}
        for name, path in paths.items():
            rows = FORMATS[name].read(path) if keep and path.exists() and not is_device(path) else []
            kept[name], found = continued(FORMATS[name], rows, texts)
            known[name] = set(found)
            ids = {key: value for key, value in found.items() if value != ""} | ids
        ids = image_ids(self.pictures, ids, kept.get("json", []))
        files = {name: ResultFile(path, FORMATS[name], kept[name]) for name, path in paths.items()}
        for each in self.pictures:  # whose side file was there before the file of results
            if each.path in self.texts:
                for name, file in files.items():
                    if each.path not in known[name]:
                        file.add(side_record(each.path, ids[each.path], self.texts[each.path]))
        return list(files.values()), ids


OPTIONS = {"json": "json", "jsonl": "report", "csv": "csv"}


def image_ids(pictures: Sequence[Input], known: dict[str, ImageId], rows: Sequence[Row]) -> dict[str, ImageId]:
    """How COCO's results call each picture: never two of them alike.

    Args:
        pictures: of this run
        known: those that have names from an earlier run, by their paths
        rows: of all pictures of an earlier run
    """
    names = {each.path: image_id(Path(each.path)) for each in pictures}
    counts = Counter(names.values())
    taken = {row.get("image_id") for row in rows}
    ids: dict[str, ImageId] = {}
    for each in pictures:
        name = names[each.path]
        choices = [each.path, Path(each.name).as_posix(), Path(each.name).absolute().as_posix()]
        choices = choices if counts[name] > 1 else [name, *choices]
        ids[each.path] = known.get(each.path) or next((name for name in choices if name not in taken), choices[-1])
    return ids

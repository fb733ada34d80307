"""Pictures and their captions: any source of `captioning/caption_files.py` as one typed list, with a report.

What a file is made of must be right, but what it says need not be: a picture that is not there, or an empty caption,
is left out and reported.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from captioning.caption_files import read_entries
from captioning.caption_records import Entry
from captioning.results import ImageId, entry_image_id
from s2s.errors import check, counted
from s2s.files import atomic_file, check_readable
from s2s.vision.picture_files import picture_suffixes

SHOWN = 3  # places that a report shows for each reason


@dataclass(frozen=True)
class CaptionedImage:
    """A picture, what people said about it, and where they wrote it (the first of it), e.g. `line 17 of mine.csv`.

    `image_id` is what COCO's results call it.
    """

    path: Path
    captions: tuple[str, ...]
    where: str
    image_id: ImageId


@dataclass(frozen=True)
class DroppedCaptions:
    """How often something was left out for one reason, and the first places of it."""

    reason: str
    count: int
    places: tuple[str, ...]

    def __str__(self) -> str:
        if not self.count:
            return f"{self.reason} 0"
        more = ", ..." if self.count > len(self.places) else ""
        return f"{self.reason} {self.count:,} ({', '.join(self.places)}{more})"


@dataclass(frozen=True)
class CaptionReport:
    """What reading left out. `str(report)` is one line: `mine.csv: kept 9 of 10 images, 45 captions: ...`.

    Of missing images and those without any caption the images are counted, of the other reasons the captions.
    """

    source: Path
    total: int
    kept: int
    captions: int
    dropped: tuple[DroppedCaptions, ...]

    def __str__(self) -> str:
        kept = f"kept {self.kept:,} of {counted(self.total, 'image')}, {counted(self.captions, 'caption')}"
        return f"{self.source}: {kept}: {', '.join(map(str, self.dropped))}"


def read_captions(
    source: Path, images: Path | None = None, *, splits: Collection[str] = (), keep_duplicates: bool = False
) -> tuple[list[CaptionedImage], CaptionReport]:
    """Read captions in any format, pictures in the order in which they first appear; see `collect` for what is kept.

    Names of pictures start from the folder `images`, or else from that of `source`. Of Karpathy's files, which hold
    several splits, `splits` are read. Raises UserError for what cannot be read, and where nothing is left.
    """
    if source.is_dir():
        check(images is None, f"{source}: is a folder with its pictures in it; leave out the other one, {images}")
        return collect(read_entries(source, splits), source, source, keep_duplicates=keep_duplicates)
    check_readable(source)
    folder = source.parent if images is None else images
    return collect(read_entries(source, splits), folder, source, keep_duplicates=keep_duplicates)


def collect(
    entries: Iterable[Entry], folder: Path, source: Path, *, keep_duplicates: bool = False
) -> tuple[list[CaptionedImage], CaptionReport]:
    """Join the entries of each picture in `folder`, and leave out what is of no use; `source` is for messages.

    Captions are kept as they were written, in Unicode's NFC. Of equal captions of one picture the first one stays;
    `keep_duplicates` is for references, where what two people said counts twice.
    """
    check(folder.is_dir(), f"{folder}: is no folder; name the one with the pictures of {source}")
    _pictures.cache_clear()  # the folder may have changed since
    gathered: dict[Path, _Gathered] = {}
    empty, duplicate = [], []
    for entry in entries:
        gather = gathered.setdefault(Path(entry.image), _Gathered(entry.where, entry_image_id(entry)))
        for caption in entry.captions:
            check(_is_unicode(caption), f"{source}: {entry.where}: half a character (a lone surrogate); mend it")
            text = unicodedata.normalize("NFC", caption)
            words = tuple(text.split())
            if not words:
                empty.append(entry.where)
            elif words in gather.seen and not keep_duplicates:
                duplicate.append(entry.where)
            else:
                gather.captions.append(text)
                gather.seen.add(words)
    kept, missing, silent = [], [], []
    absent = ""
    for name, gather in gathered.items():
        path = _find(folder, name)
        if path is None:
            absent = absent or _why_missing(folder, name)
            missing.append(gather.where)
        elif not gather.captions:
            silent.append(gather.where)
        else:
            kept.append(CaptionedImage(path, tuple(gather.captions), gather.where, gather.image_id))
    absentees = "text without a picture" if source.is_dir() else "missing image"
    reasons = {absentees: missing, "no caption": silent, "empty caption": empty}
    if not keep_duplicates:
        reasons["duplicate caption"] = duplicate
    dropped = tuple(DroppedCaptions(reason, len(places), tuple(places[:SHOWN])) for reason, places in reasons.items())
    report = CaptionReport(source, len(gathered), len(kept), sum(len(image.captions) for image in kept), dropped)
    looked = f" ({absent})" if absent else ""
    check(
        kept, f"{source}: no picture with a caption is left{looked}; check the folder of the pictures, and the captions"
    )
    return kept, report


@dataclass
class _Gathered:
    where: str
    image_id: ImageId
    captions: list[str] = field(default_factory=list)
    seen: set[tuple[str, ...]] = field(default_factory=set)  # the captions without regard to spaces


def _find(folder: Path, name: Path) -> Path | None:
    r"""The file of that name; None if there is none, or more than one that could be meant.

    Accents may be stored composed or, as on a Mac, decomposed. Where no file has the very name, spaces around it are
    left out, `\` is `/`, and upper case and a missing suffix do not matter.
    """
    plain = str(name).strip().replace("\\", "/")
    for text in dict.fromkeys(
        [str(name), *(unicodedata.normalize(form, each) for each in (str(name), plain) for form in ("NFC", "NFD"))]
    ):
        path = folder / text
        if os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises for a name that is too long
            return path
    wanted = folder / plain
    found = _pictures(wanted.parent).get(unicodedata.normalize("NFC", wanted.name).casefold(), [])
    return found[0] if len(found) == 1 else None


def _why_missing(folder: Path, name: Path) -> str:
    if address := re.match(r"([a-z]{2,}):/+(.*)", str(name), re.IGNORECASE):  # `Path` has taken a slash off
        return f"{address[1]}://{address[2]} is an address: download the pictures, and name the files"
    return f"there is no {folder / name}"


@lru_cache(maxsize=64)
def _pictures(folder: Path) -> dict[str, list[Path]]:
    """The pictures in a folder by their names without upper case, with and without their suffixes."""
    found: dict[str, list[Path]] = {}
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in picture_suffixes())
    except OSError:
        return found
    for path in paths:
        for text in (path.name, path.stem):
            found.setdefault(unicodedata.normalize("NFC", text).casefold(), []).append(path)
    return found


def _is_unicode(text: str) -> bool:
    return text.encode(errors="ignore").decode() == text


def write_captions(images: Iterable[CaptionedImage], path: Path) -> None:
    """Write JSONL that `read_captions` reads back, with names of pictures relative to the folder of `path`."""
    base = os.path.realpath(path.parent)
    with atomic_file(path) as aside, aside.open("w", encoding="utf-8", newline="\n") as file:
        for image in images:
            # The folder of the picture is resolved, because `..` does not lead back out of a symbolic link.
            name = Path(os.path.relpath(os.path.realpath(image.path.parent), base), image.path.name)
            file.write(json.dumps({"image": str(name), "captions": image.captions}) + "\n")

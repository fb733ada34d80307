"""COCO results, `[{"image_id": 42, "caption": "a dog"}, ...]`, and references by the same names of pictures.

The name of a picture is COCO's number where it has one, in a `captions_*.json` or in its file's name, else its file's
name without folders, in Unicode's NFC: a disk may keep it otherwise than a CSV.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from captioning.caption_files import number_of, read_entries
from captioning.caption_records import Entry
from s2s.errors import UserError, check, first_few, warn
from s2s.files import atomic_file, check_readable
from s2s.text.lines import read_lines

ImageId = int | str


@dataclass(frozen=True)
class Result:
    """The caption of a picture, and how sure the model is of it (None if its confidence is not calibrated), and why."""

    image_id: ImageId
    caption: str
    confidence: float | None = None
    reasons: tuple[str, ...] = ()


_MOST = 1_000_000  # COCO's numbers are smaller
SHOWN = 3  # places that a message names


def read_results(path: Path) -> dict[ImageId, str]:
    """The caption of each picture. UserError for what is not COCO's results, or names a picture twice.

    A file in JSON Lines has an object per line, and a table (.csv, .tsv) a row, as `caption` writes them. Entries whose
    caption is null, or that say why there is none, are left out with a warning.
    """
    check_readable(path)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        rows = ((entry.image, caption) for entry in read_entries(path) for caption in entry.captions)
        entries: Any = [{"image_id": image, "caption": caption} for image, caption in rows]
    else:
        entries = _lines(path) if suffix in (".jsonl", ".ndjson") else _parsed(path)
    check(isinstance(entries, list), f'{path}: must be a list, [{{"image_id": 42, "caption": "a dog"}}, ...]')
    silent = [entry for entry in entries if _is_silent(entry)]
    if silent:
        warn(f"{path}: left out {_places('image_id', [entry.get('image_id') for entry in silent])}: no caption (null)")
    entries = [entry for entry in entries if not _is_silent(entry)]
    wrong = [number for number, entry in enumerate(entries, start=1) if not _is_result(entry)]
    check(
        not wrong,
        f"{path}: {_places('entry', wrong)} must be an object with an image_id (a number or a text) and a caption",
    )
    check(entries, f"{path}: has no captions in it")
    captions: dict[ImageId, str] = {}
    twice = dict[ImageId, None]()
    for entry in entries:
        name = entry["image_id"]
        picture = name if isinstance(name, int) else unicodedata.normalize("NFC", name)
        if picture in captions:
            twice[picture] = None
        captions[picture] = entry["caption"]
    several = _places("image_id", [*twice])
    check(not twice, f"{path}: {several} is there more than once; keep one caption of each picture")
    return captions


def match_results(
    captions: Mapping[ImageId, str], references: Mapping[ImageId, Collection[str]], source: Path
) -> dict[ImageId, str]:
    """The captions under the names that the references have for the pictures.

    A picture may be called by its number, by a text with the number (padded with zeros or not), or by the name of its
    file, with or without folders and suffix. A name that no reference has stays as it is.

    Raises:
        UserError: a name fits several pictures of the references, or two names fit one.
    """
    aliases: dict[ImageId, set[ImageId]] = {}
    for picture in references:
        for alias in _aliases(picture):
            aliases.setdefault(alias, set()).add(picture)
    found: dict[ImageId, str] = {}
    named: dict[ImageId, ImageId] = {}
    for name, caption in captions.items():
        fitting = {name} if name in references else set[ImageId]()
        for alias in _aliases(name):
            fitting = fitting or aliases.get(alias, set())
        several = ", ".join(sorted(map(repr, fitting))[:SHOWN])
        check(len(fitting) < 2, f"{source}: image_id {name!r} may be any of {several} of the references; rename it")
        picture = next(iter(fitting), name)
        other = named.setdefault(picture, name)
        check(
            other == name, f"{source}: image_id {other!r} and {name!r} are both picture {picture!r}; keep one of them"
        )
        found[picture] = caption
    return found


def _aliases(picture: ImageId) -> Iterator[ImageId]:
    """The names by which a picture may be called, the most exact first."""
    yield picture
    if isinstance(picture, str):
        path = Path(picture)
        yield from (path.name, number_of(picture), image_id(path), path.stem, number_of(path.stem))


def write_results(path: Path, results: Iterable[Result]) -> None:
    """Write what `read_results`, and COCO's own tools, read. Two pictures of one name are two entries."""
    entries = [_entry(result) for result in results]
    with atomic_file(path) as aside:
        # A name that is not UTF-8 holds lone surrogates, which JSON can escape.
        aside.write_bytes(json.dumps(entries, ensure_ascii=False).encode("utf-8", "backslashreplace"))


def image_id(path: Path) -> ImageId:
    """COCO's number of a picture (`COCO_val2014_000000000042.jpg` is 42), else the file's name.

    Twelve digits alone are one of COCO's names up to `_MOST`; a larger number is a date or a bar code.
    """
    number = re.fullmatch(r"(COCO_\w+_)?(\d{12})", path.stem, re.ASCII)
    if number and (number[1] or int(number[2]) < _MOST):
        return int(number[2])
    return unicodedata.normalize("NFC", path.name)


def entry_image_id(entry: Entry) -> ImageId:
    """What COCO's results call the picture of an entry, whatever the format of its source."""
    return image_id(Path(entry.image)) if entry.image_id is None else entry.image_id


def check_distinct(files: Iterable[tuple[ImageId, object]], source: Path) -> None:
    """Raise a UserError where COCO's results have one name for two files."""
    found: dict[ImageId, object] = {}
    for picture, file in files:
        check(
            found.setdefault(picture, file) == file,
            f"{source}: {found[picture]} and {file} are one name to COCO's results, {picture}; rename one",
        )


def read_references(source: Path, splits: Collection[str] = ()) -> dict[ImageId, tuple[str, ...]]:
    """All captions of each picture in any format of `captioning.caption_files`; the pictures need not be there.

    Empty captions are left out with a warning. Equal captions of a picture are not: the scores depend on how many there
    are. A picture may be left without any caption.
    """
    check(source.exists(), f"{source}: no such file or folder; check the path")
    entries = list(read_entries(source, splits))
    check_distinct(((entry_image_id(entry), Path(entry.image)) for entry in entries), source)
    references: dict[ImageId, tuple[str, ...]] = {}
    blank = []
    for entry in entries:
        picture = entry_image_id(entry)
        references[picture] = (*references.get(picture, ()), *filter(str.strip, entry.captions))
        blank += [] if all(map(str.strip, entry.captions)) else [entry.where]
    if blank:
        warn(f"{source}: left out the empty captions of {first_few(blank)}")
    return references


def _entry(result: Result) -> dict[str, Any]:
    """Without a confidence, the keys that COCO has; with one, two more, which COCO's tools pass over."""
    entry = {"image_id": result.image_id, "caption": result.caption}
    if result.confidence is None:
        return entry
    return {**entry, "confidence": round(result.confidence, 4), "reasons": list(result.reasons)}


def _parsed(path: Path) -> Any:
    try:
        return json.loads("\n".join(read_lines(path)))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not valid JSON: {error}") from error


def _lines(path: Path) -> list[Any]:
    try:
        return [json.loads(line) for line in read_lines(path) if line.strip()]
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not valid JSON Lines: {error}") from error


def _is_silent(entry: Any) -> bool:
    """Whether an entry says that a picture has no caption."""
    return isinstance(entry, dict) and "image_id" in entry and (entry.get("caption", "") is None or "problem" in entry)


def _is_result(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    picture, caption = entry.get("image_id"), entry.get("caption")
    return isinstance(picture, int | str) and not isinstance(picture, bool) and isinstance(caption, str)


def _places(what: str, found: list[Any]) -> str:
    """`image_id 1, 2, 3, ...`."""
    return f"{what} {', '.join(map(str, found[:SHOWN]))}{', ...' if len(found) > SHOWN else ''}"

"""The formats in which people keep captions, read into entries: an image's name, captions, and where they stand.

| source | looks like |
|---|---|
| `.csv`, `.tsv`, `.txt`, `.token` | a table with a header such as `image,caption`; a picture and a caption per row |
| `Flickr8k.token.txt` | `dog.jpg#0`, a tab and a caption per line |
| `.jsonl` | an object per line: `{"image": "dog.jpg", "caption": "..."}`, or with a list of captions |
| `.json` | a list of such objects; names with captions; COCO's `captions_*.json`; Karpathy's `dataset_*.json` |
| a folder | pictures, and `dog.jpg.txt`, `dog.txt` or `dog.caption` beside `dog.jpg`, a caption per line |

captioning/caption_records.py lists the names of columns and fields, docs/caption_formats.md shows each format. What
is not understood is refused, with the header or the fields that were found; what is broken names its line.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from captioning.caption_records import SPLIT, Entry, described, of_splits, read_record, texts_of
from captioning.caption_tables import read_table
from s2s.errors import UserError, check
from s2s.text.lines import read_lines
from s2s.vision.picture_files import picture_suffixes

_TEXTS = (".txt", ".caption")  # beside a picture; the second where there is no file of the first kind
_TABLES = (".csv", ".tsv", ".txt", ".token")
_OBJECTS = (".jsonl", ".ndjson")


def read_entries(source: Path, splits: Collection[str] = ()) -> Iterable[Entry]:
    """The entries of a file or folder, told by its suffix and its content; of a source with splits, those chosen."""
    if source.is_dir():
        check(not splits, f"{source}: has no splits to choose {', '.join(splits)} from; it is a folder")
        return read_folder(source)
    suffix = source.suffix.lower()
    known = (*_TABLES, *_OBJECTS, ".json")
    check(suffix in known, f"{source}: its suffix must be {', '.join(known[:-1])} or .json, or it must be a folder")
    if suffix == ".json":
        return of_splits((entry for found in read_json(source).values() for entry in found), splits, source)
    return of_splits(read_table(source) if suffix in _TABLES else read_jsonl(source), splits, source)


def read_jsonl(source: Path) -> Iterator[Entry]:
    """An object a line: an image and its caption, or all its captions."""
    for number, line in enumerate(read_lines(source), start=1):
        if line.strip():
            place = f"{source}: line {number}"
            yield read_record(_parsed(line, place), place, f"line {number} of {source.name}")


def read_json(source: Path) -> Mapping[str | None, list[Entry]]:
    """The entries of each split, in Karpathy's format for example; those of a source that has none, under None."""
    several = f"has several values, as JSON Lines has: rename it to {source.stem}.jsonl"
    data = _parsed("\n".join(read_lines(source)), str(source), several)
    if isinstance(data, list):
        entries = _listed(data, source)
    elif not isinstance(data, dict):
        raise UserError(f"{source}: {_EXPECTED}; it is neither a list nor an object")
    elif "annotations" in data:
        entries = _coco(data, source)
    elif "images" in data:
        entries = _karpathy(data, source)
    else:
        entries = _named(data, source)
    splits: dict[str | None, list[Entry]] = {}
    for entry in entries:
        splits.setdefault(entry.split, []).append(entry)
    check(splits, f"{source}: has no images")
    return splits


_EXPECTED = "must be a list of objects with image and caption, names of pictures with captions, or COCO's or Karpathy's"


def _listed(data: list[Any], source: Path) -> list[Entry]:
    """BLIP's and LAVIS' lists, and lists of COCO's annotations."""
    check(data, f"{source}: is an empty list; {_EXPECTED}")
    entries = [
        read_record(record, f"{source}: entry {number}", f"entry {number} of {source.name}", ("image_id",))
        for number, record in enumerate(data, start=1)
    ]
    return [each if each.image_id is None else replace(each, image_id=number_of(each.image_id)) for each in entries]


def _named(data: Mapping[str, Any], source: Path) -> list[Entry]:
    """Names of pictures with a caption, a list of captions, or an object with them, as kohya's scripts write it."""
    entries = []
    for name, value in data.items():
        place = f"{source}: {name!r}"
        found = value
        if isinstance(value, Mapping):
            texts = [value[key] for key in ("caption", "captions", "text", "tags") if key in value]
            check(texts, f"{place}: needs 'caption' or 'tags'; it has {described(value)}")
            found = texts[0]
        usable = found is None or isinstance(found, str | list)
        check(usable, f"{source}: {_EXPECTED}; it is an object with {described(data)}")
        entries.append(Entry(name, texts_of(found, place, "caption"), f"{name} in {source.name}"))
    return entries


def _coco(dataset: Mapping[str, Any], source: Path) -> list[Entry]:
    """COCO's images joined with its annotations. An id may be a number, or a text that is one: 42, "42", "000042"."""
    names: dict[int | str, str] = {}
    keys: dict[Path, int | str] = {}
    for number, image in enumerate(
        _field(dataset, "images", list, str(source)) if "images" in dataset else [], start=1
    ):
        where = f"{source}: image {number}"
        key = number_of(_field(image, "id", (int, str), where))
        check(key not in names, f"{where}: its id {key} has been given to an image before")
        names[key] = name = _field(image, "file_name", str, where)
        known = keys.setdefault(Path(name), key)
        check(known == key, f"{where}: its file_name {name} is that of the image with the id {known} too; keep one")
    captions: dict[int | str, list[str]] = {key: [] for key in names}
    for number, annotation in enumerate(_field(dataset, "annotations", list, str(source)), start=1):
        where = f"{source}: annotation {number}"
        caption = _field(annotation, "caption", (str, type(None)), where) or ""
        key = number_of(_field(annotation, "image_id", (int, str), where))
        captions.setdefault(key, []).append(caption)
    # An image that only annotations know is listed by its id: such a file is not found, and so reported.
    return [
        Entry(names.get(key, str(key)), tuple(texts), f"image id {key} of {source.name}", image_id=key)
        for key, texts in captions.items()
    ]


def number_of(key: int | str) -> int | str:
    """An id as a number, if it is one or a text of digits."""
    return int(key) if isinstance(key, str) and key.isascii() and key.isdigit() else key


def _karpathy(dataset: Mapping[str, Any], source: Path) -> list[Entry]:
    entries = []
    for number, image in enumerate(_field(dataset, "images", list, str(source)), start=1):
        where = f"{source}: image {number}"
        split, name = (_field(image, key, str, where) for key in (SPLIT, "filename"))
        if "filepath" in image:
            name = f"{_field(image, 'filepath', str, where)}/{name}"
        sentences = _field(image, "sentences", list, where)
        captions = tuple(_field(sentence, "raw", str, f"{where}: a sentence") for sentence in sentences)
        entries.append(Entry(name, captions, f"image {number} of {source.name}", split=split))
    return entries


def read_folder(source: Path) -> Iterator[Entry]:
    """Pictures at any depth in the order of their paths, then texts without a picture; hidden files are passed over.

    The text of `dog.jpg` is `dog.jpg.txt`, else `dog.txt`, else the same with `.caption`.
    """
    files = [path.relative_to(source) for path in sorted(source.rglob("*")) if not path.is_dir()]
    files = [path for path in files if not any(part.startswith(".") for part in path.parts)]
    texts = {path.with_suffix(""): path for kind in _TEXTS[::-1] for path in files if path.suffix.lower() == kind}
    pictures = [path for path in files if path.suffix.lower() in picture_suffixes()]
    stems = {path: path if path in texts else path.with_suffix("") for path in pictures}
    orphans = {stem: stem for stem in texts if stem not in set(stems.values())}
    for picture, stem in (stems | orphans).items():
        text = texts.get(stem)
        if text is None:
            yield Entry(str(picture), (), str(picture))
            continue
        for number, line in enumerate(read_lines(source / text), start=1):
            yield Entry(str(picture), (line,), f"line {number} of {text}")


def _parsed(text: str, where: str, several: str = "") -> Any:
    """A text in JSON. `several` is what to say of a sound value that more text follows."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        followed = isinstance(error, json.JSONDecodeError) and error.msg == "Extra data"
        problem = several if followed and several else f"not valid JSON: {error}"
        raise UserError(f"{where}: {problem}") from error


_KINDS = {str: "a text", list: "a list", (int, str): "a number or a text", (str, type(None)): "a text"}


def _field(record: Any, key: str, kind: Any, where: str) -> Any:
    """The value of `key` in a record that must be an object and have it."""
    value = record.get(key, ...) if isinstance(record, dict) else ...
    check(isinstance(value, kind), f"{where}: needs {key!r}, {_KINDS[kind]}")
    return value

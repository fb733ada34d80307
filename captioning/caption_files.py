"""The formats in which people keep captions, read into entries: an image's name, captions, and where they stand.

| source | looks like |
|---|---|
| `.csv` | a header `image,caption`, then a picture and a caption a row; quotes around what has commas in it |
| `.tsv` | the same with tabs, and no quotes |
| `.jsonl` | an object a line: `{"image": "dog.jpg", "caption": "..."}` or `{"image": ..., "captions": ["...", ...]}` |
| `.json` | COCO's `captions_*.json`, or Karpathy's `dataset_*.json`, which holds several splits |
| a folder | pictures, each with a `.txt` of the same name beside it, a caption a line |

A table may have a third column, `kind`, which says where a caption comes from.

All of it must be as it should: a wrong header, a column too many or broken JSON is a UserError that names the line.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from s2s.errors import UserError, check, counted
from s2s.text.lines import read_lines
from s2s.vision.picture_files import picture_suffixes

_COLUMNS = ["image", "caption"]
_KIND = "kind"  # a column that a table may have


@dataclass(frozen=True)
class Entry:
    """What a source says of a picture at one place, e.g. `line 17 of mine.csv`; `image` is its name as written.

    `image_id` is what COCO's own files call the picture, None elsewhere. `kind` is what a table says of the captions,
    such as `human`.
    """

    image: str
    captions: tuple[str, ...]
    where: str
    image_id: int | str | None = field(default=None, compare=False)
    kind: str = field(default="", compare=False)


def read_entries(source: Path, splits: Collection[str] = ()) -> Iterable[Entry]:
    """The entries of a file or folder, told by its suffix; of Karpathy's files, those of `splits`."""
    suffix = source.suffix.lower()
    if not source.is_dir() and suffix == ".json":
        return _chosen(read_json(source), splits, source)
    check(not splits, f"{source}: has no splits to choose {', '.join(splits)} from; only Karpathy's dataset_*.json has")
    if source.is_dir():
        return read_folder(source)
    readers = {".csv": read_csv, ".tsv": read_tsv, ".jsonl": read_jsonl}
    check(suffix in readers, f"{source}: its suffix must be .csv, .tsv, .jsonl or .json, or it must be a folder")
    return readers[suffix](source)


def read_csv(source: Path) -> Iterator[Entry]:
    """Comma-separated values; a quoted caption may hold commas, quotes (doubled) and line breaks."""
    lines = (f"{line}\n" for line in read_lines(source))
    # strict: else a quote that is never closed would swallow the rest of the file without a word
    return _rows(csv.reader(lines, strict=True), source)


def read_tsv(source: Path) -> Iterator[Entry]:
    """Tab-separated values, where a quote is a quote, as IANA registered them."""
    lines = (f"{line}\n" for line in read_lines(source))
    return _rows(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True), source)


def _rows(reader: Any, source: Path) -> Iterator[Entry]:
    header: list[str] = []
    while True:
        number = reader.line_num + 1  # a row may go over several lines: this is its first
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise UserError(f"{source}: line {number}: {error}; mend this row") from error
        if row is None:
            break
        if not header:
            header = [name.strip() for name in row]
            columns = sorted(name for name in header if name != _KIND)
            check(columns == sorted(_COLUMNS), f"{source}: line {number}: the header must be {_header(source)}")
        elif row:  # an empty line is no row
            check(
                len(row) == len(header),
                f"{source}: line {number}: {counted(len(row), 'column')} instead of {len(header)}"
                + ("; put quotes around a caption with commas in it" if source.suffix.lower() != ".tsv" else ""),
            )
            fields = dict(zip(header, row))
            where = f"line {number} of {source.name}"
            yield Entry(fields["image"], (fields["caption"],), where, kind=fields.get(_KIND, ""))
    check(header, f"{source}: is empty; its first line must be {_header(source)}")


def _header(source: Path) -> str:
    return "image<TAB>caption" if source.suffix.lower() == ".tsv" else "image,caption"


def read_jsonl(source: Path) -> Iterator[Entry]:
    """An object a line: an image and its caption, or all its captions."""
    for number, line in enumerate(read_lines(source), start=1):
        if not line.strip():
            continue
        where = f"{source}: line {number}"
        record = _parsed(line, where)
        image = _field(record, "image", str, where)
        unknown = set(record) - {"image", "caption", "captions"}
        check(not unknown, f"{where}: has {', '.join(sorted(unknown))}; it may have image and caption or captions only")
        check(("caption" in record) != ("captions" in record), f"{where}: needs either 'caption' or 'captions'")
        captions = [_field(record, "caption", str, where)] if "caption" in record else record["captions"]
        check(
            isinstance(captions, list) and all(isinstance(caption, str) for caption in captions),
            f"{where}: 'captions' must be a list of texts",
        )
        yield Entry(image, tuple(captions), f"line {number} of {source.name}")


def read_json(source: Path) -> Mapping[str | None, list[Entry]]:
    """The entries of each split in Karpathy's format; those of COCO's format, which has none, under None."""
    dataset = _parsed("\n".join(read_lines(source)), str(source))
    images = dataset.get("images") if isinstance(dataset, dict) else None
    check(isinstance(images, list), f"{source}: is neither COCO's captions_*.json nor Karpathy's dataset_*.json")
    return {None: _coco(dataset, source)} if "annotations" in dataset else _karpathy(dataset, source)


def _coco(dataset: Mapping[str, Any], source: Path) -> list[Entry]:
    names: dict[int | str, str] = {}
    keys: dict[Path, int | str] = {}
    for number, image in enumerate(dataset["images"], start=1):
        where = f"{source}: image {number}"
        key = _field(image, "id", (int, str), where)
        check(key not in names, f"{where}: its id {key} has been given to an image before")
        names[key] = name = _field(image, "file_name", str, where)
        known = keys.setdefault(Path(name), key)
        check(known == key, f"{where}: its file_name {name} is that of the image with the id {known} too; keep one")
    for number, annotation in enumerate(_field(dataset, "annotations", list, str(source)), start=1):
        where = f"{source}: annotation {number}"
        _field(annotation, "caption", str, where)
        for name in ("id", "image_id"):
            _field(annotation, name, (int, str), where)

    from pycocotools.coco import COCO  # late: other formats do without its start-up time

    coco, content = COCO(), {"images": dataset["images"], "annotations": dataset["annotations"]}
    coco.dataset = cast(Any, content)
    with open(os.devnull, "w") as nothing, redirect_stdout(nothing):  # noqa: PTH123 - it prints
        coco.createIndex()
    annotations: Mapping[int | str, Any] = cast(Any, coco.imgToAnns)
    # An image that only annotations know is listed by its id: such a file is not found, and so reported.
    return [
        Entry(
            names.get(key, str(key)),
            tuple(annotation["caption"] for annotation in annotations.get(key, [])),
            f"image id {key} of {source.name}",
            image_id=key,
        )
        for key in dict.fromkeys([*names, *annotations])
    ]


def _karpathy(dataset: Mapping[str, Any], source: Path) -> dict[str | None, list[Entry]]:
    splits: dict[str | None, list[Entry]] = {}
    for number, image in enumerate(dataset["images"], start=1):
        where = f"{source}: image {number}"
        split, name = (_field(image, key, str, where) for key in ("split", "filename"))
        if "filepath" in image:
            name = f"{_field(image, 'filepath', str, where)}/{name}"
        sentences = _field(image, "sentences", list, where)
        captions = tuple(_field(sentence, "raw", str, f"{where}: a sentence") for sentence in sentences)
        splits.setdefault(split, []).append(Entry(name, captions, f"image {number} of {source.name}"))
    check(splits, f"{source}: has no images")
    return splits


def _chosen(found: Mapping[str | None, list[Entry]], splits: Collection[str], source: Path) -> list[Entry]:
    if None in found:
        check(not splits, f"{source}: is COCO's own format, which has no splits to choose {', '.join(splits)} from")
        return found[None]
    known = ", ".join(str(name) for name in found)
    check(splits, f"{source}: holds the splits {known}; write each to a file: s2s prepare coco --help")
    for split in splits:
        check(split in found, f"{source}: has no split {split}; it has {known}")
    return [entry for split in splits for entry in found[split]]


def read_folder(source: Path) -> Iterator[Entry]:
    """Pictures at any depth in the order of their paths, then texts without a picture; hidden files are no pictures."""
    files = [path.relative_to(source) for path in sorted(source.rglob("*")) if not path.is_dir()]
    files = [path for path in files if not any(part.startswith(".") for part in path.parts)]
    texts = {path.with_suffix(""): path for path in files if path.suffix.lower() == ".txt"}
    pictures = {path: path.with_suffix("") for path in files if path.suffix.lower() in picture_suffixes()}
    illustrated = set(pictures.values())
    orphans = {stem: stem for stem in texts if stem not in illustrated}
    for picture, stem in (pictures | orphans).items():
        text = texts.get(stem)
        if text is None:
            yield Entry(str(picture), (), str(picture))
            continue
        for number, line in enumerate(read_lines(source / text), start=1):
            yield Entry(str(picture), (line,), f"line {number} of {text}")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not valid JSON: {error}") from error


_KINDS = {str: "a text", list: "a list", (int, str): "a number or a text"}


def _field(record: Any, key: str, kind: Any, where: str) -> Any:
    """The value of `key` in a record that must be an object and have it."""
    value = record.get(key) if isinstance(record, dict) else None
    check(isinstance(value, kind), f"{where}: needs {key!r}, {_KINDS[kind]}")
    return value

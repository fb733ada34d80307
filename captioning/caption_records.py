"""Records about pictures, such as rows of a table or objects of JSON, with the names that people give their fields.

| field | names, the first that a record has counts |
|---|---|
| the picture | those of `IMAGES`: image, file_name, filename, ... |
| its captions | those of `CAPTIONS`: caption, captions, text, ... |

Upper case, spaces and hyphens in a name do not matter. All other fields are ignored, except `split` and `kind`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from s2s.errors import check

IMAGES = (
    *("image", "file_name", "filename", "image_name", "image_path", "image_file"),
    *("img", "img_path", "filepath", "file_path", "path", "file"),
)
CAPTIONS = (
    *("caption", "captions", "text", "texts", "comment", "sentence", "sentences"),
    *("description", "raw", "prompt", "title", "tags"),
)
KIND = "kind"  # where a caption comes from, such as `human`
SPLIT = "split"
_SHOWN = 12  # names of fields that a message quotes


@dataclass(frozen=True)
class Entry:
    """What a source says of a picture at one place, e.g. `line 17 of mine.csv`; `image` is its name as written.

    `image_id` is what COCO's own files call the picture, None elsewhere. `kind` is what a table says of the captions,
    such as `human`. `split` is the part of the data set that the picture belongs to, if the source says it.
    """

    image: str
    captions: tuple[str, ...]
    where: str
    image_id: int | str | None = field(default=None, compare=False)
    kind: str = field(default="", compare=False)
    split: str | None = field(default=None, compare=False)


def plain(name: object) -> str:
    """The name of a field as it is compared: `Image Name` is `image_name`."""
    return str(name).strip().strip("\ufeff").casefold().replace(" ", "_").replace("-", "_")


def first_of(names: Iterable[str], found: Collection[str]) -> str | None:
    """The first of `names` that is in `found`."""
    return next((name for name in names if name in found), None)


def described(names: Iterable[object]) -> str:
    """The fields that a source has, for messages."""
    shown = [str(name) for name in names]
    return ", ".join(shown[:_SHOWN]) + (", ..." if len(shown) > _SHOWN else "") or "none"


def read_record(record: Any, place: str, where: str, names: Collection[str] = ()) -> Entry:
    """The entry of an object of JSON.

    Args:
        record: an object with a name of a picture and one caption or a list of them
        place: the source and the place in it, for messages
        where: the place, for the entry
        names: the picture may be named by one of these fields, too, by a number

    Raises:
        UserError: it is none; the message says which fields it has.
    """
    check(isinstance(record, Mapping), f"{place}: needs an object such as {_EXAMPLE}")
    fields = {plain(name): value for name, value in record.items()}
    image = first_of(IMAGES, fields) or first_of(names, fields)
    has = f"it has {described(record)}"
    check(image, f"{place}: needs 'image' or 'file_name', the name of a picture; {has}")
    name = fields[image or ""]
    number = isinstance(name, int) and not isinstance(name, bool) and image in names
    check(number or isinstance(name, str), f"{place}: needs {image!r}, a text")
    caption = first_of(CAPTIONS, fields)
    check(caption, f"{place}: needs 'caption' or 'text', a caption or a list of them; {has}")
    check(not {"caption", "captions"} <= fields.keys(), f"{place}: needs either 'caption' or 'captions'; leave one out")
    identity = name if image in names else None
    split = fields.get(SPLIT)
    return Entry(
        str(name),
        texts_of(fields[caption or ""], place, caption or ""),
        where,
        image_id=identity,
        split=split if isinstance(split, str) else None,
    )


_EXAMPLE = '{"image": "dog.jpg", "caption": "a dog"}'


def texts_of(value: Any, place: str, name: str) -> tuple[str, ...]:
    """The captions in a text, in a list of texts, or in a list of objects with a text in `raw` or `caption`.

    null is an empty caption, which is left to the report of those who read it.
    """
    listed = value if isinstance(value, list) else [value]
    texts = [_text(each) for each in listed]
    check(all(text is not None for text in texts), f"{place}: {name!r} must be a text or a list of texts")
    return tuple(text for text in texts if text is not None)


def _text(value: Any) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("raw", value.get("caption", ...))
    return value if isinstance(value, str) else "" if value is None else None


def of_splits(entries: Iterable[Entry], splits: Collection[str], source: object) -> Iterator[Entry]:
    """The entries of the splits that are chosen, or of the only one.

    Raises:
        UserError: there are several and none is chosen, or one that is chosen is not there.
    """
    kept = list(entries)
    known = dict.fromkeys(entry.split for entry in kept)
    if not splits and len(known) < 2:
        yield from kept
        return
    named = ", ".join(sorted(str(name) for name in known if name))
    check(named, f"{source}: has no splits to choose {', '.join(splits)} from")
    check(
        splits,
        f"{source}: holds the splits {named}; write each to a file, for a data set of COCO's kind by s2s prepare coco",
    )
    for split in splits:
        check(split in known, f"{source}: has no split {split}; it has {named}")
    yield from (entry for split in splits for entry in kept if entry.split == split)

"""A folder with photographs of COCO and their captions, as splits to train, validate and test with.

    FOLDER/annotations/captions_train2014.json, captions_val2014.json; FOLDER/train2014, val2014       the release
    FOLDER/captions.csv (image,caption,kind), train.txt, val.txt, test.txt, images                      a selection

Of a selection, the training captions of each kind become a split of their own, `train-KIND`, so that a recipe can give
each a weight. Validation and test have the captions of people (kind `human`) only. A selection may lack the column
`kind`, and all lists but train.txt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from captioning.caption_files import read_json
from captioning.caption_records import Entry
from captioning.caption_tables import read_table
from captioning.corpus import SHOWN, CaptionedImage, DroppedCaptions, collect
from s2s.errors import UserError, check
from s2s.text.lines import read_lines

YEARS = ("2014", "2017")
HUMAN = "human"
LISTS = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}
_RELEASED = {"train": "train", "validation": "val"}  # our name of a split -> that of the release

Splits = dict[str, list[CaptionedImage]]


def read_coco_folder(folder: Path) -> tuple[Splits, list[str], list[Path]]:
    """Read the captioned pictures of a folder.

    Returns:
        the pictures of each split; reports of what was left out, one line each; the files that were read

    Raises:
        UserError: it is no such folder, a list names a picture of another list, or a file is damaged.
    """
    check(folder.is_dir(), f"{folder}: is no folder; name the one with the captions and pictures of COCO")
    if (folder / "captions.csv").is_file():
        return _read_selection(folder)
    for year in YEARS:
        files = {split: folder / "annotations" / f"captions_{name}{year}.json" for split, name in _RELEASED.items()}
        if all(map(Path.is_file, files.values())):
            return _read_release(folder, files, year)
    raise UserError(
        f"{folder}: has neither captions.csv nor annotations/captions_train{YEARS[0]}.json and captions_val"
        f"{YEARS[0]}.json; unpack COCO's annotations and pictures there"
    )


def _read_release(folder: Path, files: dict[str, Path], year: str) -> tuple[Splits, list[str], list[Path]]:
    splits, reports = Splits(), []
    for split, path in files.items():
        entries = read_json(path)
        check(None in entries, f"{path}: is not in COCO's own format; use --annotations for Karpathy's files")
        images = folder / f"{_RELEASED[split]}{year}"
        splits[split], report = collect(entries[None], images, path, keep_duplicates=split != "train")
        reports.append(f"{split}: {report}")
    return splits, reports, list(files.values())


def _read_selection(folder: Path) -> tuple[Splits, list[str], list[Path]]:
    captions = folder / "captions.csv"
    entries: dict[str, list[Entry]] = {}
    for entry in read_table(captions):
        entries.setdefault(entry.image, []).append(entry)
    lists = {split: folder / name for split, name in LISTS.items() if (folder / name).is_file()}
    check("train" in lists, f"{folder}: has no {LISTS['train']}, which lists the pictures to train on")
    splits, reports, listed = Splits(), [], dict[str, str]()
    for split, path in lists.items():
        chosen: list[Entry] = []
        for number, name in enumerate(dict.fromkeys(filter(None, map(str.strip, read_lines(path)))), start=1):
            check(listed.setdefault(name, split) == split, f"{path}: {name} is in {LISTS[listed[name]]}, too")
            chosen += entries.get(name, [Entry(name, (), f"picture {number} of {path.name}")])
        for name, part in _by_kind(split, chosen):
            splits[name], report = collect(part, folder / "images", captions, keep_duplicates=split != "train")
            reports.append(f"{name}: {report}")
    unlisted = [name for name in entries if name not in listed]
    left = DroppedCaptions("images in no list", len(unlisted), tuple(unlisted[:SHOWN]))
    return splits, [*reports, f"{captions}: left out {left}"], [captions, *lists.values()]


def _by_kind(split: str, entries: Sequence[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """The entries of each kind, with the name of their split; those without captions count with the first kind."""
    kinds = list(dict.fromkeys(entry.kind for entry in entries if entry.captions)) or [""]
    if split != "train" and HUMAN in kinds:
        kinds = [HUMAN]
    for kind in kinds:
        part = [entry for entry in entries if entry.kind == kind or (not entry.captions and kind == kinds[0])]
        yield (f"{split}-{kind}" if kind and split == "train" else split), part

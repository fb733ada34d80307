"""Prepare the captions of Flickr8k for training.

    s2s prepare flickr8k --from FOLDER --output data/flickr8k

Flickr8k (Hodosh et al., 2013) has 8,000 photographs with five captions each. The texts of Flickr8k_text (or
captions.csv with train.txt, val.txt and test.txt) are converted to `train.jsonl`, `validation.jsonl` and `test.jsonl`,
with 6,000, 1,000 and 1,000 photographs. Nothing is downloaded, because the authors give access to texts and photographs
on request only.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from captioning.caption_records import Entry
from captioning.caption_tables import read_table
from captioning.corpus import SHOWN, CaptionedImage, DroppedCaptions, collect
from data_prep.splits import report_and_write
from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.errors import UserError, check
from s2s.text.lines import read_lines

IMAGES = ("images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset")  # the first c is how the archive spells it
LISTS = {
    "train": ("Flickr_8k.trainImages.txt", "train.txt"),
    "validation": ("Flickr_8k.devImages.txt", "val.txt"),
    "test": ("Flickr_8k.testImages.txt", "test.txt"),
}

TERMS = (
    "The photographs belong to their Flickr authors. They may be used for non-commercial research only, and may not be "
    "redistributed. Request text and photographs from the authors of the data set at the University of Illinois."
)


def read_tokens(source: Path) -> Iterator[Entry]:
    """The captions of `Flickr8k.token.txt`: `NAME.jpg#NUMBER`, a tab, a caption."""
    for number, line in enumerate(read_lines(source), start=1):
        key, tab, caption = line.partition("\t")
        image, mark, index = key.rpartition("#")
        check(tab and mark and index.isdecimal(), f"{source}: line {number}: is not NAME.jpg#NUMBER<TAB>CAPTION")
        yield Entry(image, (caption,), f"line {number} of {source.name}")


CAPTIONS = {"Flickr8k.token.txt": read_tokens, "captions.csv": read_table, "captions.txt": read_table}


def prepare_flickr8k(folder: Path, images: Path | None = None) -> tuple[dict[str, list[CaptionedImage]], list[str]]:
    """The captioned pictures of each split in `folder`, and reports of what was left out, one line each.

    `images` is the folder of photographs; by default one of `IMAGES` in `folder`.
    """
    check(folder.is_dir(), f"{folder}: is no folder; name the one with the texts of Flickr8k")
    captions = _first(folder, tuple(CAPTIONS))
    lists = {split: _first(folder, names) for split, names in LISTS.items()}
    images = _first(folder, IMAGES) if images is None else images
    entries: dict[str, list[Entry]] = {}
    for entry in CAPTIONS[captions.name](captions):
        entries.setdefault(entry.image, []).append(entry)

    splits, reports, listed = {}, [], dict[str, str]()
    for split, path in lists.items():
        chosen: list[Entry] = []
        for name, where in _names(path):
            check(listed.setdefault(name, split) == split, f"{path}: {where}: {name} is in {listed[name]}, too")
            chosen += entries.get(name, [Entry(name, (), f"{where} of {path.name}")])
        splits[split], report = collect(chosen, images, path, keep_duplicates=split != "train")
        reports.append(str(report))
    unlisted = [name for name in entries if name not in listed]
    reports.append(
        f"{captions}: left out {DroppedCaptions('images in no split', len(unlisted), tuple(unlisted[:SHOWN]))}"
    )
    return splits, reports


def _first(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        if (folder / name).exists():
            return folder / name
    raise UserError(f"{folder}: has no {' or '.join(names)}; unpack Flickr8k there")


def _names(path: Path) -> Iterator[tuple[str, str]]:
    """The names of pictures in a list, each once, and their lines."""
    seen = set[str]()
    for number, line in enumerate(read_lines(path), start=1):
        if (name := line.strip()) and name not in seen:
            seen.add(name)
            yield name, f"line {number}"


def flickr8k(arguments: list[str]) -> int:
    """Prepare the splits in the folder that the arguments name; return the exit code."""
    parser = Parser(
        description="Convert Flickr8k to train.jsonl, validation.jsonl and test.jsonl, with its official splits.",
        epilog=TERMS,
    )
    parser.add_argument(
        "--from", dest="folder", type=Path, required=True, metavar="FOLDER", help="the unpacked folder Flickr8k_text"
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help=f"the photographs (default: FOLDER/{IMAGES[0]} or FOLDER/{IMAGES[2]})",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    options: argparse.Namespace = parser.parse_args(arguments)
    splits, reports = prepare_flickr8k(options.folder, options.images)
    report_and_write(splits, reports, options.output, force=options.force)
    return 0


def main() -> int:
    """Entry point."""
    return command.run(flickr8k)


if __name__ == "__main__":
    sys.exit(main())

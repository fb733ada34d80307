"""Prepare the captions of COCO for training.

    s2s prepare coco --from FOLDER --output data/coco
    s2s prepare coco --annotations captions_val2017.json --split validation --images val2017 --output data/coco
    s2s prepare coco --annotations dataset_coco.json --images . --restval --output data/coco

The captions (Chen et al., 2015) are in COCO's own format or in Karpathy's splits. One file `NAME.jsonl` is written for
each split. Karpathy's files (also those of Flickr8k and Flickr30k) contain all splits. A file in COCO's own format is
one split, and `--split` names it. `--from` names a whole folder: the release of 2014 or 2017, or a selection of its
pictures (see data_prep/coco_folder.py).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from captioning.caption_files import read_json
from captioning.caption_records import Entry
from captioning.corpus import SHOWN, CaptionedImage, DroppedCaptions, collect
from data_prep.coco_folder import read_coco_folder
from data_prep.splits import SPLITS, report_and_write
from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.errors import check

KARPATHY = {"train": "train", "val": "validation", "test": "test"}  # his name of a split -> ours

TERMS = (
    "COCO's annotations are licensed under CC BY 4.0, the photographs under the licences of their Flickr authors. "
    "Download both from https://cocodataset.org; this command downloads nothing."
)


def choose_splits(
    found: Mapping[str | None, list[Entry]], annotations: Path, *, split: str | None = None, restval: bool = False
) -> tuple[dict[str, list[Entry]], list[Entry]]:
    """The entries of each split by our names, and those that are left out.

    COCO's own format gives `split`. In Karpathy's, `restval` is the part of the official validation images that is
    neither validated nor tested on; it is trained on or left out.
    """
    if None in found:
        check(split, f"{annotations}: is one split in COCO's format; say which: --split {'|'.join(SPLITS)}")
        check(not restval, f"{annotations}: has no restval, which is Karpathy's; leave out --restval")
        return {split or "": found[None]}, []
    known = {name or "": entries for name, entries in found.items()}
    check(not split, f"{annotations}: has splits of its own ({', '.join(known)}); leave out --split")
    check(not restval or "restval" in known, f"{annotations}: has no restval, only {', '.join(known)}")
    strange = known.keys() - KARPATHY.keys() - {"restval"}
    check(not strange, f"{annotations}: has splits that Karpathy's files do not have: {', '.join(sorted(strange))}")
    splits = {ours: known[his] for his, ours in KARPATHY.items() if his in known}
    if not restval:
        return splits, known.get("restval", [])
    return splits | {"train": splits.get("train", []) + known["restval"]}, []


def prepare_coco(
    annotations: Path, images: Path, *, split: str | None = None, restval: bool = False
) -> tuple[dict[str, list[CaptionedImage]], list[str]]:
    """The captioned pictures of each split, and reports of what was left out, one line each."""
    chosen, rest = choose_splits(read_json(annotations), annotations, split=split, restval=restval)
    splits, reports = {}, []
    for name, entries in chosen.items():
        splits[name], report = collect(entries, images, annotations, keep_duplicates=name != "train")
        reports.append(f"{name}: {report}")
    if rest:
        left = DroppedCaptions("images of restval", len(rest), tuple(entry.where for entry in rest[:SHOWN]))
        reports.append(f"{annotations}: left out {left}; --restval trains on them")
    return splits, reports


def coco(arguments: list[str]) -> int:
    """Prepare the splits that the arguments name; return the exit code."""
    parser = Parser(
        description="Convert COCO's captions_*.json, Karpathy's dataset_*.json, or a whole folder, to train.jsonl, "
        "validation.jsonl and test.jsonl.",
        epilog=TERMS,
    )
    add = parser.add_argument
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--from",
        dest="folder",
        type=Path,
        metavar="FOLDER",
        help="the unpacked release (annotations, train2014, val2014), or a selection (captions.csv, train.txt, images)",
    )
    source.add_argument("--annotations", type=Path, metavar="FILE", help="captions_*.json or dataset_*.json")
    add("--images", type=Path, metavar="DIR", help="the folder to which the names in --annotations are relative")
    add("--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    add("--split", choices=SPLITS, help="the split that a captions_*.json file becomes")
    add("--restval", action="store_true", help="add Karpathy's restval to the training split, as is usual")
    add("--force", action="store_true", help="overwrite existing files")
    options: argparse.Namespace = parser.parse_args(arguments)
    if options.folder:
        only = [name for name in ("images", "split", "restval") if getattr(options, name)]
        check(not only, f"--{' and --'.join(only)} belong to --annotations; leave them out with --from")
        splits, reports, inputs = read_coco_folder(options.folder)
        report_and_write(splits, reports, options.output, force=options.force, inputs=inputs)
        return 0
    check(options.images, "--annotations needs --images, the folder of the pictures")
    splits, reports = prepare_coco(options.annotations, options.images, split=options.split, restval=options.restval)
    report_and_write(splits, reports, options.output, force=options.force, inputs=[options.annotations])
    return 0


def main() -> int:
    """Entry point."""
    return command.run(coco)


if __name__ == "__main__":
    sys.exit(main())

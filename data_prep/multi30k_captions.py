"""Prepare captions in German or English from Multi30k's descriptions of photographs that are at hand.

    s2s prepare multi30k --descriptions --output data/multi30k
    s2s prepare multi30k-captions --from data/multi30k --pictures pictures.tsv --images photos --output data/german

Multi30k (task 2) describes each of its 29,000 training photographs five times in English and five times in German,
independently. A table says which lines have their photograph at hand, and in which split of Flickr8k (Hodosh et al.,
2013) it is: the photographs of its official validation and test splits are held out, so that figures can be compared.
The command writes `train.jsonl`, `validation.jsonl` and `test.jsonl`.

The columns of the table are separated by tabs. Its first line names them: `set` (as in Multi30k's file names, such as
`train`), `line` (from 1), `image` (the name of a file), and `split` or `flickr8k_split` (train, val or test).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from captioning.caption_records import Entry
from captioning.corpus import SHOWN, CaptionedImage, DroppedCaptions, collect
from data_prep import multi30k, splits
from data_prep.picture_lists import PicturedLine, read_rows
from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.errors import check
from s2s.text.lines import read_lines

DESCRIBED = "train"  # the set whose photographs task 2 describes
SPLITS = {"train": "train", "val": "validation", "test": "test"}  # Flickr8k's name of a split -> ours


def prepare_captions(
    parts: Sequence[Path], table: Path, images: Path
) -> tuple[dict[str, list[CaptionedImage]], list[str]]:
    """The captioned photographs of each split, and reports of what was left out, one line each.

    Args:
        parts: files in which line n describes the n-th photograph of Multi30k's training set
        table: see the module
        images: the folder of photographs

    Raises:
        UserError: the files have different lengths, or the table has no splits, a line that they lack, or a photograph
            of two lines or in no split.
    """
    rows = read_rows(table)
    described = [row for row in rows if row.set == DESCRIBED]
    _check_rows(described, table)
    lines = [list(read_lines(part)) for part in parts]
    lengths = {part.name: len(each) for part, each in zip(parts, lines)}
    check(len(set(lengths.values())) == 1, f"{parts[0].parent}: the files differ in their numbers of lines: {lengths}")
    last = max(described, key=lambda row: row.line)
    check(
        last.line <= len(lines[0]),
        f"{table}: names line {last.line:,} of {DESCRIBED}, but {parts[0]} has {len(lines[0]):,} lines",
    )
    entries: dict[str, list[Entry]] = {name: [] for name in SPLITS.values()}
    for row in described:
        captions = tuple(each[row.line - 1] for each in lines)
        entries[SPLITS[row.split or ""]].append(Entry(row.image, captions, f"line {row.line:,} of {DESCRIBED}"))
    found, reports = {}, []
    for split, chosen in entries.items():
        if chosen:
            found[split], report = collect(chosen, images, table, keep_duplicates=split != "train")
            reports.append(f"{split}: {report}")
    others = [row for row in rows if row.set != DESCRIBED]
    places = tuple(f"line {row.line:,} of {row.set}" for row in others[:SHOWN])
    reports.append(f"{table}: left out {DroppedCaptions('images without descriptions', len(others), places)}")
    return found, reports


def _check_rows(rows: Sequence[PicturedLine], table: Path) -> None:
    """Check that each photograph is in one split: else one that is held out may be trained on."""
    check(rows, f"{table}: has no row of the set {DESCRIBED}, the one with descriptions")
    seen: dict[str, int] = {}
    for row in rows:
        where = f"{table}: line {row.line:,} of {DESCRIBED}"
        check(row.split is not None, f"{table}: needs a column split, which says what is held out (train, val, test)")
        check(row.split in SPLITS, f"{where}: its split is {row.split!r}; it must be {', '.join(SPLITS)}")
        check(row.line > 0, f"{where}: lines are counted from 1")
        line = seen.setdefault(row.image, row.line)
        check(line == row.line, f"{where}: {row.image} is the photograph of line {line:,} too")


def multi30k_captions(arguments: list[str]) -> int:
    """Prepare the splits that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    parts = [options.folder / name for name in multi30k.descriptions(options.language)]
    missing = next((part for part in parts if not part.is_file()), None)
    check(
        missing is None,
        f"{missing}: does not exist; `s2s prepare multi30k --descriptions --output {options.folder}` downloads it",
    )
    found, reports = prepare_captions(parts, options.pictures, options.images)
    inputs = [*parts, options.pictures]
    splits.report_and_write(found, reports, options.output, force=options.force, inputs=inputs)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        description="Write captions from Multi30k's descriptions in a language, of the photographs that are at hand. "
        "Flickr8k's validation and test photographs are held out.",
        epilog=multi30k.TERMS,
    )
    add = parser.add_argument
    add(
        "--from",
        dest="folder",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="the folder with descriptions/train.1.de and so on, which `s2s prepare multi30k --descriptions` writes",
    )
    add("--language", choices=multi30k.DESCRIBED, default="de", help="language of the captions (default: de)")
    add(
        "--pictures",
        type=Path,
        required=True,
        metavar="TABLE",
        help="which lines have their photograph: a table with tabs, and set, line, image and split in its first line",
    )
    add("--images", type=Path, required=True, metavar="DIR", help="the folder of photographs")
    add("--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    add("--force", action="store_true", help="overwrite existing files")
    return parser


def main() -> int:
    """Entry point."""
    return command.run(multi30k_captions)


if __name__ == "__main__":
    sys.exit(main())

"""The first pass of preparing a corpus: its text is cleaned in parts, and pairs that occurred before are left out.

A part is so many pairs of the raw text that it fits in memory. Its files lie in the folder of the shards and have the
name of the shard that will be made of it:

    NAME.text         the sources, one a line, then the targets
    NAME.lines.npy    and NAME.hashes.npy: see s2s/storage/token_shards.py
    NAME.cleaned      a JSON record, written last: the part is done
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from s2s.files import atomic_file, sha256
from s2s.storage.token_shards import HASHES, LINES, fitting, part_path, write_part
from s2s.text.duplicates import SeenHashes, hashes_of_pairs
from translation.corpus import Cleaning, CleaningReport, CountedLines, ParallelText, bare_text, clean
from translation.recipe import Corpus

PART = 1 << 18  # pairs of the raw text in a part; a preparation that has begun keeps the size it began with


@dataclass(frozen=True)
class CleanedPart:
    """A part that is done.

    Attributes:
        name: of its shard
        pairs: that were kept
        report: about the cleaning
        checksums: of the files of its shard so far, see `Shard`
    """

    name: str
    pairs: int
    report: CleaningReport
    checksums: dict[str, str]


def part_name(corpus: int, number: int) -> str:
    """The name of a part of a corpus, both counted from 0."""
    return f"{corpus:03}-{number:06}"


def part_names(corpus: int, pairs: int, size: int) -> list[str]:
    """The names of all parts of a corpus of so many raw pairs, in parts of a size."""
    return [part_name(corpus, number) for number in range(-(-pairs // size))]


def clean_corpus(folder: Path, number: int, corpus: Corpus, cleaning: Cleaning, size: int) -> int:
    """Clean a corpus, but for the parts that are done; return how many pairs are kept.

    Args:
        folder: of the shards
        number: of the corpus, from 0
        corpus: of which `count` has been called: its files are whole
        cleaning: what is kept
        size: of a part, in pairs of the raw text
    """
    seen, kept = SeenHashes(), 0
    for part, raw in enumerate(_raw_parts(corpus, size)):
        name = part_name(number, part)
        if not is_cleaned(folder, name):
            _clean_part(folder, name, bare_text(raw), cleaning, seen)
        elif not cleaning.keep_duplicates:
            seen.add(np.load(part_path(folder, name, HASHES)))
        kept += read_cleaned(folder, name).pairs
    return kept


def is_cleaned(folder: Path, name: str) -> bool:
    """Whether a part is done."""
    return _record(folder, name).exists()


def discard_damaged(folder: Path, name: str, *, text: bool) -> None:
    """Take a part for not done if its files are not whole, as after a crash of the system: they are not flushed.

    Args:
        folder, name: of the part
        text: whether its text is still needed
    """
    if not is_cleaned(folder, name):
        return
    try:
        record = json.loads(_record(folder, name).read_bytes())
        checksums = {part_path(folder, name, part): checksum for part, checksum in record["checksums"].items()}
        whole = all(sha256(path) == checksum for path, checksum in checksums.items())
        whole = whole and (not text or sha256(text_path(folder, name)) == record["text"])
    except (ValueError, FileNotFoundError):
        whole = False
    if not whole:
        _record(folder, name).unlink()


def read_cleaned(folder: Path, name: str) -> CleanedPart:
    """The record of a part that is done."""
    record: dict[str, Any] = json.loads(_record(folder, name).read_bytes())
    counts = [CountedLines(**(each | {"lines": tuple(each["lines"])})) for each in record["counts"]]
    report = CleaningReport(record["total"], tuple(counts[:-1]), counts[-1], record["unescaped"])
    return CleanedPart(name, record["pairs"], report, record["checksums"])


def read_text(folder: Path, part: CleanedPart) -> tuple[list[str], list[str]]:
    """The sources and targets of a part that is done."""
    lines = text_path(folder, part.name).read_bytes().decode().split("\n")[:-1]
    return lines[: part.pairs], lines[part.pairs :]


def text_path(folder: Path, name: str) -> Path:
    """The file of the text of a part."""
    return folder / f"{name}.text"


def remove_cleaned(folder: Path, name: str) -> None:
    """Remove what is needed of a part only until its shard is made."""
    text_path(folder, name).unlink(missing_ok=True)
    _record(folder, name).unlink(missing_ok=True)


def _record(folder: Path, name: str) -> Path:
    return folder / f"{name}.cleaned"


def _raw_parts(corpus: Corpus, size: int) -> Iterator[ParallelText]:
    pairs, first = corpus.pairs(), 1
    while part := list(islice(pairs, size)):
        sources, targets = zip(*part)
        yield ParallelText(sources, targets, range(first, first + len(part)))
        first += len(part)


def _clean_part(folder: Path, name: str, bare: ParallelText, cleaning: Cleaning, seen: SeenHashes) -> None:
    text, report = clean(bare, replace(cleaning, keep_duplicates=True))
    hashes = hashes_of_pairs(zip(text.source, text.target))
    if not cleaning.keep_duplicates:
        new = seen.add(hashes)
        again = CountedLines.of("duplicate", [text.lines[row] for row in np.flatnonzero(~new).tolist()])
        report = replace(report, dropped=(*report.dropped, again))
        text, hashes = text.pick(np.flatnonzero(new).tolist()), hashes[new]
    with (
        atomic_file(text_path(folder, name), durable=False) as aside,
        aside.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.writelines(f"{line}\n" for side in (text.source, text.target) for line in side)
        file.flush()
        checksum = sha256(aside)
    lines = np.array(text.lines, dtype=fitting(max(text.lines, default=0)))
    checksums = {LINES: write_part(folder, name, LINES, lines), HASHES: write_part(folder, name, HASHES, hashes)}
    record = {
        "pairs": len(text),
        "total": report.total,
        "counts": [asdict(each) for each in (*report.dropped, report.entities)],
        "unescaped": report.unescaped,
        "text": checksum,
        "checksums": checksums,
    }
    with atomic_file(_record(folder, name), durable=False) as aside:
        aside.write_text(json.dumps(record), encoding="utf-8")

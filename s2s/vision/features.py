"""Feature maps of a frozen CNN, extracted once: a folder of rows that grows, one row a picture.

    FOLDER/  header.json  what the rows are: backbone and SHA-256 of its weights, preprocessing, shape, number format
             rows.jsonl   a line a row: SHA-256 of the picture's file, height and width that the photograph fills,
                          CRC-32 of these two numbers and of the cells
             cells.f16    the rows, one after the other: float16 (rows, columns, dim), little-endian
             lock         held while a process adds rows

Rows are only ever added, and cells are on the disk before the line that counts them: whoever is killed at any moment
loses the rows at hand. Pictures whose files have the same bytes are one row.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from s2s.config import from_dict, to_dict
from s2s.errors import UserError, check, warn
from s2s.files import atomic_file
from s2s.locking import lock_file
from s2s.storage.verified import seal, unseal
from s2s.vision.crops import Augmentation
from s2s.vision.grids import photograph_mask
from s2s.vision.images import Preprocessing

VERSION = 3  # of the folder's format, and of what a row means
_HEADER, _INDEX, _CELLS, _LOCK = "header.json", "rows.jsonl", "cells.f16", "lock"
_DTYPE = np.dtype("<f2")
_ANEW = "delete the folder, and it will be made anew"


@dataclass(frozen=True)
class Header:
    """What all rows of a folder have in common.

    Attributes:
        backbone: name of the CNN
        weights: SHA-256 of its weights
        precision: of its matrix products, "bfloat16" or "float32"
        preprocessing: of the pictures
        view: what was seen of them
        shape: rows, columns and dim of a feature map
    """

    backbone: str
    weights: str
    precision: str
    preprocessing: Preprocessing
    view: Augmentation
    shape: tuple[int, int, int]
    version: int = VERSION

    @property
    def row_bytes(self) -> int:
        """Of one row in the file of cells."""
        return prod(self.shape) * _DTYPE.itemsize


@dataclass(frozen=True)
class Row:
    """Where the features of a picture are, the pixels of the square that its photograph fills, and the checksum."""

    number: int
    height: int
    width: int
    checksum: int


class FeatureFile:
    """The features of some pictures, in their order; they stay on the disk until they are asked for.

    Args:
        folder: as described above
        header: its header
        rows: of the pictures
    """

    def __init__(self, folder: Path, header: Header, rows: Sequence[Row]) -> None:
        self.folder, self.header = folder, header
        self._rows = set(rows)
        self._numbers = np.array([row.number for row in rows], dtype=np.int64)
        self._extents = torch.tensor([(row.height, row.width) for row in rows], dtype=torch.int64).view(-1, 2)

    def __len__(self) -> int:
        return len(self._numbers)

    def verify(self) -> None:
        """Raise a UserError if a row differs from what was written.

        Once, when the file is opened: 0.94 GB, the features of 7,499 photographs, took 0.25 s of one core by CRC-32
        once they were in memory, and 0.54 s before; the pages that this reads are those that the first epoch will read.
        """
        for row in sorted(self._rows, key=lambda row: row.number):  # as they lie on the disk
            good = row.checksum == _checksum((row.height, row.width), self._cells[row.number])
            check(good, f"{self.folder / _CELLS}: row {row.number + 1} is damaged (its checksum differs); {_ANEW}")

    def gather(self, pictures: Sequence[int]) -> Tensor:
        """Feature maps of pictures by their numbers: (pictures, rows, columns, dim) float32."""
        return torch.from_numpy(self._cells[self._numbers[list(pictures)]]).float()

    def mask(self, pictures: Sequence[int]) -> Tensor | None:
        """Which cells have a part of the photograph: (pictures, rows, columns) bool; None where all do."""
        if self.header.preprocessing.fit == "stretch":
            return None
        size = self.header.preprocessing.size
        grid = torch.Size(self.header.shape[:2])
        return photograph_mask(self._extents[list(pictures)], torch.Size((size, size)), grid)

    @cached_property
    def _cells(self) -> np.ndarray:
        """All whole rows there are, mapped from the disk; another process may be adding one."""
        path = self.folder / _CELLS
        whole = path.stat().st_size // self.header.row_bytes
        return np.memmap(path, _DTYPE, mode="r", shape=(whole, *self.header.shape))


def read_header(folder: Path) -> Header:
    """What a folder of features holds; raises UserError where it is none, damaged, or of another version."""
    record = unseal(folder / _HEADER)
    version = record.get("version")
    check(version == VERSION, f"{folder}: its format is version {version}, not {VERSION}; {_ANEW}")
    fields = {name: value for name, value in record.items() if name != "format_version"}
    return from_dict(Header, fields, source=str(folder / _HEADER))


def read_rows(folder: Path, header: Header) -> dict[str, Row]:
    """The rows of a folder by the SHA-256 of the pictures' files; none where there is no folder yet.

    Raises UserError: the index is damaged, or the file of cells is shorter than the index says.
    """
    index, cells = folder / _INDEX, folder / _CELLS
    if not index.exists():
        return {}
    rows: dict[str, Row] = {}
    for number, line in enumerate(_lines(index.read_bytes())):
        try:
            sha256, height, width, checksum = json.loads(line)
            rows[sha256] = Row(number, int(height), int(width), int(checksum))
        except (ValueError, TypeError) as error:
            raise UserError(f"{index}: line {number + 1} is damaged; {_ANEW}") from error
        check(len(rows) == number + 1, f"{index}: line {number + 1} names a picture twice; {_ANEW}")
    length = cells.stat().st_size if cells.exists() else 0
    expected = len(rows) * header.row_bytes
    check(length >= expected, f"{cells}: is cut short ({length:,} bytes, not {expected:,}); {_ANEW}")
    return rows


class FeatureWriter:
    """Adds rows to a folder; `feature_writer` makes one."""

    def __init__(self, header: Header, cells: BinaryIO, index: BinaryIO) -> None:
        self._header, self._cells, self._index = header, cells, index

    def append(self, extents: Mapping[str, tuple[int, int]], cells: np.ndarray) -> None:
        """Add rows, and wait until they are on the disk.

        Args:
            extents: height and width of the photographs by the SHA-256 of their files, in the order of the rows
            cells: float16 (pictures, rows, columns, dim)
        """
        assert cells.shape == (len(extents), *self._header.shape)
        cells = np.ascontiguousarray(cells, _DTYPE)
        self._cells.write(cells.data)
        _flush(self._cells)
        rows = [[name, *extent, _checksum(extent, row)] for (name, extent), row in zip(extents.items(), cells)]
        self._index.write(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
        _flush(self._index)


@contextmanager
def feature_writer(folder: Path, header: Header) -> Iterator[FeatureWriter]:
    """Make the folder, or go on with it: what a killed process left behind without an entry in the index is cut off.

    One process at a time writes; another one waits for it. Raises UserError as `read_rows` does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("ab") as lock:
        _wait(lock.fileno(), folder)
        if not (folder / _HEADER).exists():
            with atomic_file(folder / _HEADER) as aside:
                aside.write_bytes(seal(to_dict(header)))
        check(read_header(folder) == header, f"{folder}: holds features of something else; {_ANEW}")
        rows = read_rows(folder, header)
        with (folder / _CELLS).open("ab") as cells, (folder / _INDEX).open("ab") as index:
            cells.truncate(len(rows) * header.row_bytes)
            index.truncate(sum(len(line) + 1 for line in _lines((folder / _INDEX).read_bytes())))
            yield FeatureWriter(header, cells, index)


def _checksum(extent: tuple[int, int], cells: np.ndarray) -> int:
    """The CRC-32 of a row; a damaged name needs none, for nobody asks for it."""
    return zlib.crc32(cells.data, zlib.crc32("{} {}".format(*extent).encode()))


def _lines(data: bytes) -> list[bytes]:
    """The whole ones."""
    return data.split(b"\n")[:-1]


def _wait(descriptor: int, folder: Path) -> None:
    """Lock an open file, however long another process holds it."""
    told = False
    while True:
        try:
            return lock_file(descriptor)
        except (BlockingIOError, PermissionError):
            if not told:
                warn(f"{folder}: waiting for another process that extracts the same features")
            told = True
            time.sleep(0.5)
        except OSError as error:
            return warn(f"{folder}: cannot be locked ({error.strerror}); start no second extraction")


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())

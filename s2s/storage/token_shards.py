"""Token shards: pairs of token sequences on disk, in NumPy's own format, of which any part is read without the rest.

A shard is four files that `numpy.load(..., mmap_mode="r")` opens:

    NAME.tokens.npy   the token ids of all pairs, one after the other, each source before its target: uint16, or uint32
                      for vocabularies of more than 65,536 tokens
    NAME.offsets.npy  where each sequence begins in them, and the end: (2 * pairs + 1,) uint32, or uint64
    NAME.lines.npy    the line of each pair in its file, from 1: (pairs,) uint32, or uint64
    NAME.hashes.npy   a 64-bit hash of the text of each pair, see s2s/text/duplicates.py: (pairs,) uint64

Source i is `tokens[offsets[2 * i]:offsets[2 * i + 1]]`, and its target ends at `offsets[2 * i + 2]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from s2s.files import atomic_file, sha256
from s2s.storage.verified import check_file, file_error, verify_checksum

TOKENS, OFFSETS, LINES, HASHES = PARTS = ("tokens", "offsets", "lines", "hashes")


@dataclass(frozen=True)
class Sequences:
    """Pairs of token sequences, one after the other.

    Attributes:
        tokens: (all tokens,), each source before its target
        offsets: where each sequence begins, and the end: (2 * pairs + 1,) int64
    """

    tokens: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], dtype: type) -> Sequences:
        """The sequences of lists of token ids."""
        rows = list(chain.from_iterable(zip(sources, targets)))
        offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return cls(np.fromiter(chain.from_iterable(rows), dtype=dtype, count=int(offsets[-1])), offsets)

    @classmethod
    def joined(cls, parts: Sequence[Sequences]) -> Sequences:
        """The pairs of several, one after the other."""
        lengths = [np.diff(part.offsets) for part in parts]
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.concatenate(lengths))])
        return cls(np.concatenate([part.tokens for part in parts]), offsets)

    def __len__(self) -> int:
        return len(self.offsets) // 2

    @property
    def lengths(self) -> np.ndarray:
        """Of the source and the target of each pair: (pairs, 2) int64."""
        return np.diff(self.offsets).reshape(-1, 2)

    def pair(self, row: int) -> tuple[list[int], list[int]]:
        """The source and the target of a pair."""
        first, middle, end = self.offsets[2 * row : 2 * row + 3]
        return self.tokens[first:middle].tolist(), self.tokens[middle:end].tolist()


@dataclass(frozen=True)
class Shard:
    """A shard of a folder.

    Attributes:
        folder, name: its files are `folder/name.PART.npy`
        pairs: how many there are
        checksums: the SHA-256 of each file, by the name of the part
    """

    folder: Path
    name: str
    pairs: int
    checksums: Mapping[str, str]

    def path(self, part: str) -> Path:
        """The file of a part."""
        return part_path(self.folder, self.name, part)

    def verify(self) -> None:
        """Raise a UserError if a file is missing or damaged."""
        for part in PARTS:
            check_file(self.path(part))
            verify_checksum(self.path(part), sha256(self.path(part)), self.checksums.get(part))

    def open(self, part: str) -> np.ndarray:
        """A part, mapped into memory."""
        check_file(self.path(part))
        return _mapped(self.path(part))

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[Sequences]:
        """The pairs of some ranges, [first, end) each.

        They are read from the files and not from mapped memory, for which the system reads megabytes around each place.
        """
        found = []
        with ArrayFile(self.path(OFFSETS)) as offsets, ArrayFile(self.path(TOKENS)) as tokens:
            for first, end in ranges:
                own = offsets.read(2 * first, 2 * end + 1).astype(np.int64)
                found.append(Sequences(tokens.read(own[0], own[-1]), own - own[0]))
        return found


class ArrayFile:
    """An array of one dimension in a `.npy` file, of which parts are read."""

    def __init__(self, path: Path) -> None:
        check_file(path)
        mapped = _mapped(path)
        self._path, self._dtype, self._begin = path, mapped.dtype, mapped.offset
        self._file = path.open("rb", buffering=0)

    def read(self, first: int, end: int) -> np.ndarray:
        """The elements from `first` to `end`."""
        self._file.seek(self._begin + int(first) * self._dtype.itemsize)
        values = np.fromfile(self._file, self._dtype, int(end) - int(first))
        if len(values) != end - first:  # cut off since it was verified
            raise file_error(self._path, "is damaged or truncated")
        return values

    def __enter__(self) -> ArrayFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _mapped(path: Path) -> np.memmap:
    try:
        return np.load(path, mmap_mode="r")
    except ValueError as error:  # cut off since it was verified
        raise file_error(path, "is damaged or truncated") from error


def part_path(folder: Path, name: str, part: str) -> Path:
    """The file of a part of a shard."""
    return folder / f"{name}.{part}.npy"


def write_part(folder: Path, name: str, part: str, values: np.ndarray) -> str:
    """Write a part of a shard; return its SHA-256. It is not flushed to the disk, see `atomic_file`."""
    path = part_path(folder, name, part)
    with atomic_file(path, durable=False) as aside:
        np.save(aside, values)
        return sha256(aside)


def write_sequences(folder: Path, name: str, sequences: Sequences) -> dict[str, str]:
    """Write the tokens and the offsets of a shard; return the SHA-256 of each."""
    offsets = sequences.offsets.astype(fitting(int(sequences.offsets[-1])))
    return {
        TOKENS: write_part(folder, name, TOKENS, sequences.tokens),
        OFFSETS: write_part(folder, name, OFFSETS, offsets),
    }


def fitting(largest: int) -> type[np.unsignedinteger]:
    """The smallest type for numbers up to `largest` that shards use for them, other than tokens."""
    return np.uint32 if largest < 2**32 else np.uint64


def token_type(vocabulary_size: int) -> type[np.unsignedinteger]:
    """The type of token ids."""
    return np.uint16 if vocabulary_size <= 2**16 else np.uint32

"""The second pass of preparing a corpus: cleaned parts become token shards, each by itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from s2s.errors import UserError
from s2s.files import atomic_file
from s2s.storage.token_shards import Sequences, Shard, token_type, write_sequences
from s2s.text.vocabulary import Vocabulary, load_vocabulary
from translation.configuration import MAX_LENGTH_RATIO
from translation.corpus_cleaning import read_cleaned, read_text, text_path

_PAIRS = 1 << 16  # that are encoded at once
_RATIO_STEPS = 100  # bins of the ratio of lengths, for each 1.0


@dataclass(frozen=True)
class VocabularyFile:
    """Where a vocabulary lies, and how `load_vocabulary` reads it."""

    path: Path
    kind: str
    placeholders: int

    def load(self) -> Vocabulary:
        """The vocabulary."""
        return load_vocabulary(self.kind, self.path.read_bytes(), self.placeholders)


@dataclass(frozen=True)
class EncodedPart:
    """What is known of a shard beside its tokens.

    Attributes:
        name: of the shard
        pairs: how many it has
        tokens: how many it has, of both sides
        longest: source in tokens
        ratios: how many pairs have target tokens per source token of each hundredth, rounded down
        characters: how often each character of the vocabulary occurs in the sources
        checksums: see `Shard`
    """

    name: str
    pairs: int
    tokens: int
    longest: int
    ratios: dict[int, int]
    characters: dict[str, int]
    checksums: dict[str, str]


def encode_part(folder: Path, name: str, source: VocabularyFile, target: VocabularyFile) -> int:
    """Make the shard of a cleaned part, if it is not there; return how many pairs it has."""
    if not _record(folder, name).exists():
        cleaned = read_cleaned(folder, name)
        sides = _loaded(source), _loaded(target)
        texts = read_text(folder, cleaned)
        dtype = token_type(max(map(len, sides)))
        sequences = Sequences.joined([*_encoded(texts, sides, dtype)])
        sources, targets = sequences.lengths.T
        ratios = np.minimum(targets / np.maximum(sources, 1), MAX_LENGTH_RATIO) * _RATIO_STEPS
        record = {
            "pairs": cleaned.pairs,
            "tokens": len(sequences.tokens),
            "longest": int(sources.max(initial=0)),
            "ratios": dict(Counter(ratios.astype(int).tolist())),
            "characters": _characters(texts[0], sides[0]),
            "checksums": {**cleaned.checksums, **write_sequences(folder, name, sequences)},
        }
        with atomic_file(_record(folder, name), durable=False) as aside:
            aside.write_text(json.dumps(record), encoding="utf-8")
    text_path(folder, name).unlink(missing_ok=True)  # it takes more room than the shard
    return read_encoded(folder, name).pairs


def read_encoded(folder: Path, name: str) -> EncodedPart:
    """The record of a shard that is done."""
    record: dict[str, Any] = json.loads(_record(folder, name).read_bytes())
    ratios = {int(ratio): count for ratio, count in record.pop("ratios").items()}
    return EncodedPart(name, ratios=ratios, **record)


def discard_damaged(folder: Path, name: str) -> None:
    """Take a shard for not done if its files are not whole, see `translation.corpus_cleaning.discard_damaged`."""
    if not is_encoded(folder, name):
        return
    try:
        part = read_encoded(folder, name)
        Shard(folder, name, part.pairs, part.checksums).verify()
    except (ValueError, UserError):
        remove_encoded(folder, name)


def is_encoded(folder: Path, name: str) -> bool:
    """Whether a shard is done."""
    return _record(folder, name).exists()


def remove_encoded(folder: Path, name: str) -> None:
    """Remove the record of a shard, whose content is in the index."""
    _record(folder, name).unlink(missing_ok=True)


def length_ratio(ratios: dict[int, int]) -> float:
    """The target tokens per source token that 99.9 % of the pairs do not exceed, rounded up to a hundredth."""
    wanted, seen = 0.999 * (sum(ratios.values()) - 1), 0
    for ratio in sorted(ratios):
        seen += ratios[ratio]
        if seen > wanted:
            return (ratio + 1) / _RATIO_STEPS
    return 1.0


def _record(folder: Path, name: str) -> Path:
    return folder / f"{name}.encoded"


@lru_cache(maxsize=2)
def _loaded(file: VocabularyFile) -> Vocabulary:
    """The vocabulary, loaded once in a process that encodes many parts."""
    return file.load()


def _encoded(
    texts: tuple[list[str], list[str]], sides: tuple[Vocabulary, Vocabulary], dtype: type
) -> Iterator[Sequences]:
    for start in range(0, max(1, len(texts[0])), _PAIRS):
        source, target = (side.encode_all(text[start : start + _PAIRS]) for side, text in zip(sides, texts))
        yield Sequences.of(source, target, dtype)


def _characters(lines: Sequence[str], vocabulary: Vocabulary) -> dict[str, int]:
    """How often each character of a vocabulary occurs in a text."""
    counts = np.zeros(0x110000, dtype=np.int64)
    for start in range(0, len(lines), _PAIRS):
        points = np.frombuffer("".join(lines[start : start + _PAIRS]).encode("utf-32-le"), dtype="<u4")
        counts += np.bincount(points, minlength=len(counts))
    return {character: int(counts[ord(character)]) for character in sorted(vocabulary.characters)}

"""A prepared corpus: a folder of token shards, their vocabularies and an index, which training streams from.

    index.json          what the corpus was made from, and the shards with their checksums; it holds its own checksum
    source.vocabulary   and target.vocabulary: as `Vocabulary.to_bytes` gives them
    shards              see s2s/storage/token_shards.py

`s2s prepare corpus` makes it (translation/corpus_preparation.py); docs/scale.md describes the format.
"""

from __future__ import annotations

import sys
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any

import numpy as np

from s2s import cache, config
from s2s.errors import check, printable, warn
from s2s.files import sha256
from s2s.storage.token_shards import HASHES, LINES, OFFSETS, Sequences, Shard
from s2s.storage.verified import file_error, unseal, verify_checksum
from s2s.text.duplicates import hashes_of_pairs
from s2s.text.vocabulary import Vocabulary, load_vocabulary
from s2s.training.block_order import BLOCK
from translation.corpus import ParallelText
from translation.prepare import overlap_message, read_validation, unknown_in_validation, validation_key
from translation.reading import rare_of_counted
from translation.recipe import Recipe

CORPUS_FORMAT = 1
INDEX, SHARDS, SIDES = "index.json", "shards", ("source", "target")
MADE_BY = "s2s prepare corpus RECIPE --output"
# Keys of [data] that may not differ between the preparation and a training.
_BOUND = (
    *("source_language", "target_language", "validation_source", "validation_target"),
    *("train_source", "train_target", "corpora"),
)
# Keys of [vocabulary] that may differ.
FREE_VOCABULARY = ("bpe_dropout", "unknown_copies", "rare_character")


@dataclass(frozen=True)
class PreparedCorpus:
    """A corpus on disk, the validation text and the vocabularies; two with one `key` have the same content.

    Attributes:
        folder: of the corpus
        corpora: the shards of each corpus
        lines: how many pairs there are
        characters: how often each character of the vocabulary occurs in the sources
        longest_source, length_ratio: see `translation.examples.TrainingData`
    """

    folder: Path
    corpora: Sequence[Sequence[Shard]]
    validation: ParallelText
    source: Vocabulary
    target: Vocabulary
    key: str
    lines: int
    characters: Mapping[str, int]
    longest_source: int
    length_ratio: float

    def rare_characters(self, threshold: int) -> str:
        """See `translation.examples.TrainingData`."""
        return rare_of_counted(self.characters, self.lines, self.source.characters, threshold)

    @property
    def shards(self) -> list[Shard]:
        """The shards of all corpora."""
        return [shard for corpus in self.corpora for shard in corpus]

    def read(self, ranges: Sequence[tuple[int, int]]) -> Sequences:
        """Read pairs by their numbers in all corpora; each of the ranges [first, end) lies in one shard."""
        shards = self.shards
        firsts = [0, *accumulate(shard.pairs for shard in shards)]
        places = sorted((bisect(firsts, first) - 1, first, end, i) for i, (first, end) in enumerate(ranges))
        parts: list[Sequences | None] = [None] * len(places)
        for number, group in groupby(places, key=lambda place: place[0]):
            own = list(group)
            read = shards[number].read([(first - firsts[number], end - firsts[number]) for _, first, end, _ in own])
            for (*_, i), part in zip(own, read):
                parts[i] = part
        return Sequences.joined([part for part in parts if part is not None])

    def longest_of_blocks(self) -> tuple[np.ndarray, np.ndarray]:
        """The first pair of each block of `BLOCK` pairs, and the tokens of its longest pair: (blocks,) each.

        The sizes of all pairs are read from the disk once, shard by shard.
        """
        firsts, longest, first = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
        for shard in self.shards:
            lengths = np.diff(shard.open(OFFSETS)[::2].astype(np.int64))  # of source and target together
            starts = np.arange(0, shard.pairs, BLOCK)
            firsts.append(first + starts)
            longest.append(np.maximum.reduceat(lengths, starts) if len(starts) else lengths)
            first += shard.pairs
        return np.concatenate(firsts), np.concatenate(longest)

    def line(self, pair: int) -> tuple[int, int]:
        """The number of the corpus of a pair, and the line of the pair in its file."""
        for number, corpus in enumerate(self.corpora):
            for shard in corpus:
                if pair < shard.pairs:
                    return number, int(shard.open(LINES)[pair])
                pair -= shard.pairs
        raise IndexError(pair)


def read_index(folder: Path) -> dict[str, Any]:
    """Read the index of a prepared corpus.

    Raises:
        UserError: it is missing, damaged or of a newer format.
    """
    path = folder / INDEX
    interrupted = (folder / "preparation.json").exists()
    advice = (
        f"its preparation was interrupted: run `{MADE_BY} {folder}` again, which goes on where it stopped"
        if interrupted
        else f"is not a prepared corpus (it has no {INDEX}); make one with `{MADE_BY} DIR`"
    )
    check(path.exists(), f"{folder}: {advice}")
    index = unseal(path)
    version = index.get("corpus_format")
    check(isinstance(version, int), f"{path}: is not the index of a prepared corpus; make one with `{MADE_BY} DIR`")
    check(
        version == CORPUS_FORMAT,
        f"{path}: is of format {version}, and this version of the toolkit reads {CORPUS_FORMAT}; prepare the corpus "
        "again",
    )
    return index


def fill_in(table: dict[str, Any]) -> None:
    """Fill in what a recipe with `data.prepared` leaves out: its text, its cleaning and its vocabulary.

    Args:
        table: the recipe as read from TOML; changed in place.
    """
    data = table.get("data")
    folder = data.get("prepared") if isinstance(data, dict) else None
    if not isinstance(folder, str) or folder == "none" or not isinstance(data, dict):
        return
    made_from = read_index(Path(folder))["made_from"]
    text = ("train_source", "train_target", "corpora")
    others = made_from["data"] if not any(key in data for key in text) else _without(made_from["data"], text)
    for key, value in others.items():
        if key != "prepared":
            data.setdefault(key, value)
    for name, stored in (
        ("cleaning", made_from["cleaning"]),
        ("vocabulary", _without(made_from["vocabulary"], FREE_VOCABULARY)),
    ):
        section = table.setdefault(name, {})
        if isinstance(section, dict):
            for key, value in stored.items():
                section.setdefault(key, value)


def read_corpus(recipe: Recipe, known: tuple[Vocabulary, Vocabulary] | None = None) -> PreparedCorpus:
    """Read the corpus that `data.prepared` names, verify its files, and report on the validation text.

    Args:
        recipe: how to train
        known: the vocabularies of the model that training starts from

    Raises:
        UserError: a file is missing or damaged, or the corpus was made by another recipe.
    """
    folder = recipe.data.prepared
    assert folder is not None
    index = read_index(folder)
    _check_made_by(folder, recipe, index["made_from"])
    _warn_of_changes(folder, recipe, index["made_from"]["files"])
    source, target = (read_vocabulary(folder, side, index) for side in SIDES)
    check(
        known is None or [side.to_bytes() for side in known] == [source.to_bytes(), target.to_bytes()],
        f"{folder}: was not prepared with the vocabulary of the model in start; prepare it with a recipe that has "
        "this start",
    )
    corpora = shards_of(folder, index)
    validation = read_validation(recipe)
    corpus = PreparedCorpus(
        folder,
        corpora,
        validation,
        source,
        target,
        key=cache.key([index["corpora"], index["vocabularies"], *validation_key(recipe)]),
        lines=index["pairs"],
        characters=index["characters"],
        longest_source=index["longest_source"],
        length_ratio=index["length_ratio"],
    )
    for shard in corpus.shards:
        shard.verify()
    overlap = _overlap(recipe, corpus)
    for line in [*index["reports"], *unknown_in_validation(recipe, validation, (source, target)), *overlap]:
        print(printable(line), file=sys.stderr)
    return corpus


def shards_of(folder: Path, index: Mapping[str, Any]) -> list[list[Shard]]:
    """The shards of each corpus that an index names; `Shard.verify` tells whether they are whole."""
    return [
        [Shard(folder / SHARDS, shard["name"], shard["pairs"], shard["checksums"]) for shard in corpus]
        for corpus in index["corpora"]
    ]


def vocabulary_path(folder: Path, side: str) -> Path:
    """The file of the vocabulary of a side."""
    return folder / f"{side}.vocabulary"


def description_of(recipe: Recipe) -> dict[str, Any]:
    """What of a recipe a prepared corpus depends on."""
    return {
        "data": _without(config.to_dict(recipe.data), ("prepared",)),
        "cleaning": config.to_dict(recipe.cleaning),
        "vocabulary": config.to_dict(recipe.vocabulary),
    }


def read_vocabulary(folder: Path, side: str, index: Mapping[str, Any]) -> Vocabulary:
    """The vocabulary of a side; raises `UserError` if its file is missing or damaged."""
    path, about = vocabulary_path(folder, side), index["vocabularies"][side]
    if not path.is_file():
        raise file_error(path, "is missing")
    verify_checksum(path, sha256(path), about["checksum"])
    return load_vocabulary(about["kind"], path.read_bytes(), about["placeholders"])


def _check_made_by(folder: Path, recipe: Recipe, made_from: Mapping[str, Any]) -> None:
    """Raise a UserError unless the recipe would make this corpus; how often each corpus is read may differ."""
    asked = description_of(recipe)
    changed = [f"data.{key}" for key in _BOUND if _differs(key, asked, made_from)]
    for section in ("cleaning", "vocabulary"):
        for key in config.differences(made_from[section], asked[section]):
            if section == "cleaning" or key not in FREE_VOCABULARY:
                changed.append(f"{section}.{key}")
    check(
        not changed,
        f"{folder}: was prepared by another recipe, which differs in {', '.join(changed)}: leave these keys out, or "
        "prepare the corpus again into another folder",
    )


def _differs(key: str, asked: Mapping[str, Any], made_from: Mapping[str, Any]) -> bool:
    first, second = asked["data"][key], made_from["data"][key]
    if key == "corpora":
        first, second = ([_without(corpus, ("weight",)) for corpus in side] for side in (first, second))
    return first != second


def _warn_of_changes(folder: Path, recipe: Recipe, files: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    """Warn of text that is no longer what was prepared, as far as its size and date tell; it need not be there."""
    for corpus, known in zip(recipe.data.training, files):
        for path, about in zip(corpus.paths, known):
            if path.is_file() and (path.stat().st_size, path.stat().st_mtime_ns) != (about["size"], about["modified"]):
                warn(f"{path}: may have changed since {folder} was prepared from it, and the corpus is used as it was")


def _overlap(recipe: Recipe, corpus: PreparedCorpus) -> Iterator[str]:
    """How much of the validation text was trained on, see `translation.prepare`."""
    pairs = zip(corpus.validation.source, corpus.validation.target)
    wanted = hashes_of_pairs((source.strip(), target.strip()) for source, target in pairs)
    found = [np.intersect1d(wanted, shard.open(HASHES)) for shard in corpus.shards]
    count = int(np.isin(wanted, np.concatenate(found)).sum())
    if count:
        yield overlap_message(recipe, count, len(corpus.validation))


def _without(table: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in keys}

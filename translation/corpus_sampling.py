"""A sample of cleaned text, from which vocabularies are learned where all of it would be too much.

A pair is in the sample if its hash is among the smallest: the sample is random, and the same every time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import compress
from pathlib import Path

import numpy as np

from s2s.storage.token_shards import HASHES, part_path
from s2s.training.mixing import Mixture
from translation.corpus import ParallelText
from translation.corpus_cleaning import read_cleaned, read_text
from translation.recipe import Recipe

SAMPLE = 500_000  # pairs at most: SentencePiece learns the same vocabulary from more, and needs more memory


def sample_corpora(folder: Path, recipe: Recipe, corpora: Sequence[Sequence[str]]) -> list[ParallelText]:
    """A sample of each corpus, in the shares that training reads them in; all of it where the text is small.

    Args:
        folder: of the parts
        recipe: with the weights of the corpora
        corpora: the names of the parts of each corpus
    """
    hashes = [[np.load(part_path(folder, name, HASHES), mmap_mode="r") for name in names] for names in corpora]
    sizes = [sum(map(len, parts)) for parts in hashes]
    weights = [corpus.weight for corpus in recipe.data.training]
    epochs = math.ceil(1 / max(weights))  # so many that the corpus with the largest weight is read at least once
    counts = [epochs * count for count in Mixture(sizes, weights, temperature=recipe.data.temperature).counts]
    share = min(1.0, SAMPLE / max(1, sum(counts)))
    return [
        _sample(folder, names, parts, size, round(share * count))
        for names, parts, size, count in zip(corpora, hashes, sizes, counts)
    ]


def _sample(folder: Path, names: Sequence[str], hashes: Sequence[np.ndarray], size: int, count: int) -> ParallelText:
    """So many pairs of one corpus: all of it as often as they reach, and some of it once more."""
    whole, rest = divmod(count, size) if size else (0, 0)
    limit = _rank(hashes, rest) if rest else None
    sources, targets = list[str](), list[str]()
    for name, own in zip(names, hashes):
        chosen = np.array(own) <= limit if limit is not None else np.zeros(len(own), dtype=bool)
        if whole or chosen.any():
            for side, lines in zip((sources, targets), read_text(folder, read_cleaned(folder, name))):
                for _ in range(whole):
                    side += lines
                side += compress(lines, chosen.tolist())
    return ParallelText(sources, targets, range(1, len(sources) + 1))


def _rank(hashes: Sequence[np.ndarray], rank: int) -> np.uint64:
    """The hash of a rank, counted from 1, among all of them; `rank` hashes are held in memory at most twice."""
    smallest = np.zeros(0, dtype=np.uint64)
    for part in hashes:
        smallest = np.concatenate([smallest, part])
        smallest = np.partition(smallest, rank - 1)[:rank] if len(smallest) > rank else smallest
    return smallest.max()

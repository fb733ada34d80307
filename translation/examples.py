"""The training pairs as a task reads them: which pairs share a batch, and their token ids in an epoch."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from s2s import seeds
from s2s.text.subwords import SubwordVocabulary
from s2s.text.vocabulary import Vocabulary
from s2s.training.batches import BucketedBatches
from s2s.training.mixing import Mixture
from translation.augmentation import Augmentation
from translation.corpus import ParallelText
from translation.prepare import PreparedPairs
from translation.reading import word_pattern
from translation.recipe import Recipe, VocabularyConfig


class TrainingData(Protocol):
    """What a recipe trains on, and what a model has to know of it."""

    @property
    def validation(self) -> ParallelText:
        """The validation text."""
        ...

    @property
    def source(self) -> Vocabulary:
        """Of the source."""
        ...

    @property
    def target(self) -> Vocabulary:
        """Of the target; the same one as `source` if it is joint."""
        ...

    @property
    def key(self) -> str:
        """The same for the same content."""
        ...

    @property
    def longest_source(self) -> int:
        """The most tokens that a source has."""
        ...

    @property
    def length_ratio(self) -> float:
        """The target tokens per source token that 99.9 % of the pairs do not exceed."""
        ...

    def rare_characters(self, threshold: int) -> str:
        """The characters of the source that are too rare to be learned, see `translation.reading.rare_characters`."""
        ...


@dataclass(frozen=True)
class EncodedRows:
    """Token ids of some pairs.

    Attributes:
        sources, targets: of each pair
        numbers: of the pairs in their text
    """

    sources: Sequence[list[int]]
    targets: Sequence[list[int]]
    numbers: Sequence[int]

    def pick(self, rows: Sequence[int]) -> EncodedRows:
        """Some of the pairs."""
        sources, targets = ([side[i] for i in rows] for side in (self.sources, self.targets))
        return EncodedRows(sources, targets, [self.numbers[i] for i in rows])


class TrainingExamples(Protocol):
    """The examples of a `TranslationTask`: see `s2s.training.task.Task` for plan, longest and whereabouts."""

    def plan(self, epoch: int) -> Sequence[Sequence[int]]:
        """Return the examples of each batch of an epoch."""
        ...

    def rows(self, epoch: int, examples: Sequence[int]) -> EncodedRows:
        """Return the pairs of a batch of an epoch."""
        ...

    def longest(self) -> Sequence[int]:
        """Return the batch of the first epoch that needs the most memory."""
        ...

    def report(self) -> str:
        """Return a line about the batches of the first epoch."""
        ...

    def whereabouts(self, examples: Sequence[int]) -> str:
        """Return where examples of the last epoch asked for stand in the user's files."""
        ...


class PairsInMemory:
    """The examples of pairs that are all held in memory.

    The whole text is encoded before the batches of an epoch are made, because BPE-dropout lengthens every row
    differently: in batches of lengths without dropout a quarter of the tokens would be padding.

    Args:
        recipe: how to train
        data: the pairs
    """

    def __init__(self, recipe: Recipe, data: PreparedPairs) -> None:
        self._recipe, self._data = recipe, data
        self._augmentation = Augmentation(
            data.train.source,
            data.train.target,
            recipe.augmentation,
            unknown_copies=recipe.vocabulary.unknown_copies,
            words=word_pattern(data.source),
            placeholders=data.source.placeholders,
        )
        self._mixture = Mixture(
            data.sizes,
            [corpus.weight for corpus in recipe.data.training],
            temperature=recipe.data.temperature,
            seed=recipe.training.seed,
        )
        self._epoch = -1
        self._read_epoch(0)

    def plan(self, epoch: int) -> list[list[int]]:
        """See `TrainingExamples`."""
        self._read_epoch(epoch)
        return self._batches.epoch(epoch)

    def rows(self, epoch: int, examples: Sequence[int]) -> EncodedRows:
        """See `TrainingExamples`."""
        self._read_epoch(epoch)
        return self._pairs.pick(examples)

    def longest(self) -> list[int]:
        """See `TrainingExamples`."""
        return self._batches.longest(self.plan(0))

    def report(self) -> str:
        """See `TrainingExamples`."""
        batches = self.plan(0)
        share = self._batches.padding_share(batches)
        return f"{len(self._pairs.numbers):,} pairs in {len(batches):,} batches, {share:.1%} of their tokens padding"

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `TrainingExamples`."""
        ends = list(accumulate(self._data.sizes))
        lines: dict[Path, list[int]] = {}
        for i in sorted({self._pairs.numbers[row] for row in examples}):
            path = self._recipe.data.training[bisect(ends, i)].paths[0]
            lines.setdefault(path, []).append(self._data.train.lines[i])
        return lines_of_files(lines)

    def _read_epoch(self, epoch: int) -> None:
        """Encode the training text with the random choices of an epoch, unless it is that of the last call."""
        if self._epoch == epoch:
            return
        recipe, seed = self._recipe, self._recipe.training.seed
        numbers = self._mixture.epoch(epoch)
        if self._augmentation.changes_texts or recipe.vocabulary.bpe_dropout:
            text_seeds = seeds.of_text(seed, epoch)
            texts = self._augmentation.texts(text_seeds[0], numbers)
            vocabularies = self._data.source, self._data.target
            sources, targets = (encode_text(*side, recipe.vocabulary) for side in zip(vocabularies, texts, text_seeds))
        else:
            sources, targets = ([side[i] for i in numbers] for side in self._data.tokens)
        self._epoch, self._pairs = epoch, EncodedRows(sources, targets, numbers)
        self._batches = batches_of(recipe, sources, targets, seed)


def encode_text(vocabulary: Vocabulary, texts: list[str], seed: int, config: VocabularyConfig) -> list[list[int]]:
    """Return token ids, with BPE-dropout if the recipe has it."""
    if config.bpe_dropout and isinstance(vocabulary, SubwordVocabulary):
        return vocabulary.encode_sampled(texts, dropout=config.bpe_dropout, seed=seed)
    return vocabulary.encode_all(texts)


def batches_of(
    recipe: Recipe, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], seed: int
) -> BucketedBatches:
    """Batches of pairs of like lengths, as large as the recipe says; END or START is counted."""
    lengths = [(len(source) + 1, len(target) + 1) for source, target in zip(sources, targets)]
    return BucketedBatches(lengths, sentences=recipe.batch.sentences, tokens=recipe.batch.tokens, seed=seed)


def lines_of_files(lines: Mapping[Path, Sequence[int]]) -> str:
    """`lines 3, 17 of train.en; lines 4 of more.en`."""
    return "; ".join(f"lines {', '.join(map(str, sorted(of)))} of {path}" for path, of in lines.items())

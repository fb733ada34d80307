"""The examples of a prepared corpus, which is streamed from the disk in buffers.

An epoch is a sequence of blocks in random order (s2s/training/block_order.py), cut into buffers of `BUFFER` pairs. Of a
buffer, and never of more, the pairs are held in memory: they are shuffled, sorted by length, cut into batches, and the
batches are shuffled. A buffer of so many pairs has a number of batches that is known before it is read. So everything
follows from the seed, the epoch and the position of a batch, and a training resumes in the middle of an epoch by
reading one buffer.

Text is made of the tokens, changed and encoded again where the recipe changes it (augmentation, BPE-dropout). What the
vocabulary does not know remains unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import overload

import numpy as np

from s2s import seeds
from s2s.storage.token_shards import Sequences
from s2s.text.tokens import UNKNOWN_CHARACTER
from s2s.training.batches import BucketedBatches, cut_evenly, like_lengths_together
from s2s.training.block_order import BlockOrder
from translation.augmentation import Augmentation
from translation.examples import EncodedRows, encode_text, lines_of_files
from translation.lexicon import Lexicon
from translation.prepared_corpus import PreparedCorpus
from translation.reading import word_pattern
from translation.recipe import Recipe

BUFFER = 1 << 16  # pairs


@dataclass(frozen=True)
class Buffer:
    """The pairs of a buffer, and the rows of each batch."""

    pairs: Sequences
    batches: list[list[int]]


class StreamedPlan(Sequence[Sequence[int]]):
    """The batches of an epoch, each of which is read when it is asked for.

    Several processes read different buffers: of so many buffers as there are processes, each gives a batch in turn.

    Args:
        examples: what is read
        epoch: counted from 0
        readers: processes
    """

    def __init__(self, examples: StreamedPairs, epoch: int, readers: int) -> None:
        self._examples, self._epoch, self._readers = examples, epoch, readers
        self._full, self._counts = examples.batch_counts()

    def __len__(self) -> int:
        return self._full * (len(self._counts) - 1) + self._counts[-1]

    @overload
    def __getitem__(self, position: int) -> list[int]: ...
    @overload
    def __getitem__(self, position: slice) -> list[list[int]]: ...
    def __getitem__(self, position: int | slice) -> list[int] | list[list[int]]:
        if isinstance(position, slice):
            return [self[i] for i in range(*position.indices(len(self)))]
        if not -len(self) <= position < len(self):
            raise IndexError(position)
        buffer, batch = self._place(position % len(self))
        return self._examples.batch(self._epoch, buffer, batch)

    def _place(self, position: int) -> tuple[int, int]:
        """The buffer of a batch, and its number there."""
        group, within = divmod(position, self._readers * self._full)
        first = group * self._readers
        counts = self._counts[first : first + self._readers]
        shortest = min(counts)  # only the last buffer of an epoch may have fewer batches than the others
        if within < shortest * len(counts):
            batch, reader = divmod(within, len(counts))
        else:
            extra, reader = divmod(within - shortest * len(counts), len(counts) - 1)
            batch = shortest + extra
        return first + reader, batch


class StreamedPairs:
    """See above, and `TrainingExamples`.

    Args:
        recipe: how to train
        data: the corpus
        readers: processes that train together
    """

    def __init__(self, recipe: Recipe, data: PreparedCorpus, readers: int = 1) -> None:
        self._recipe, self._data, self._readers = recipe, data, readers
        self._seed, self._size = recipe.training.seed, BUFFER
        self._order = BlockOrder(
            [[shard.pairs for shard in corpus] for corpus in data.corpora],
            [corpus.weight for corpus in recipe.data.training],
            temperature=recipe.data.temperature,
            seed=self._seed,
        )
        self._last_epoch = 0
        # A step may read the end of one buffer and the beginning of the next; two epochs meet at a validation.
        self._blocks = lru_cache(maxsize=2)(self._order.epoch)
        self._buffer = lru_cache(maxsize=2)(self._read_buffer)

    def plan(self, epoch: int) -> StreamedPlan:
        """See `TrainingExamples`."""
        return StreamedPlan(self, epoch, self._readers)

    def batch(self, epoch: int, buffer: int, batch: int) -> list[int]:
        """Return the examples of a batch of a buffer: positions in the epoch."""
        first = buffer * self._size
        return [first + row for row in self._buffer(epoch, buffer).batches[batch]]

    def rows(self, epoch: int, examples: Sequence[int]) -> EncodedRows:
        """See `TrainingExamples`."""
        self._last_epoch = epoch
        buffer = examples[0] // self._size
        pairs = self._buffer(epoch, buffer).pairs
        sources, targets = zip(*(pairs.pair(example - buffer * self._size) for example in examples))
        return EncodedRows(sources, targets, examples)

    def longest(self) -> list[int]:
        """See `TrainingExamples`: the largest batch of the buffer that reads the longest pair of the first epoch."""
        number = self._position_of_longest() // self._size
        buffer = self._buffer(0, number)
        lengths = buffer.pairs.lengths
        rows = max(buffer.batches, key=lambda rows: len(rows) * int(lengths[rows].max(0).sum()))
        return [number * self._size + row for row in rows]

    def _position_of_longest(self) -> int:
        """Return the position in the first epoch of its longest pair, measured before the text is augmented."""
        blocks = self._blocks(0)
        firsts, longest = self._data.longest_of_blocks()
        # A block that the epoch reads in part has at most this length.
        read = longest[np.searchsorted(firsts, blocks.first, side="right") - 1]
        block = int(read.argmax())
        begin = int(blocks.ends[block - 1]) if block else 0
        pairs = self._data.read(blocks.ranges(begin, int(blocks.ends[block])))
        return begin + int(pairs.lengths.sum(1).argmax())

    def report(self) -> str:
        """See `TrainingExamples`."""
        buffer = self._buffer(0, 0)
        share = BucketedBatches(buffer.pairs.lengths + 1, sentences=1).padding_share(buffer.batches)
        return (
            f"{self._order.pairs:,} pairs in {len(self.plan(0)):,} batches, streamed from {self._data.folder}; "
            f"{share:.1%} of the tokens of the first {len(buffer.pairs):,} pairs are padding"
        )

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `TrainingExamples`."""
        lines: dict[Path, list[int]] = {}
        blocks = self._blocks(self._last_epoch)
        for number in sorted({blocks.pair(example) for example in examples}):
            corpus, line = self._data.line(number)
            lines.setdefault(self._recipe.data.training[corpus].paths[0], []).append(line)
        return lines_of_files(lines)

    def batch_counts(self) -> tuple[int, list[int]]:
        """The number of batches of a full buffer, and of each buffer of an epoch."""
        sizes = [self._pairs_of(buffer) for buffer in range(self._buffers)]
        return self._batches_of(self._size), [self._batches_of(size) for size in sizes]

    @property
    def _buffers(self) -> int:
        return -(-self._order.pairs // self._size)

    def _pairs_of(self, buffer: int) -> int:
        return min(self._size, self._order.pairs - buffer * self._size)

    def _batches_of(self, pairs: int) -> int:
        """The number of batches that so many pairs give."""
        if self._recipe.batch.sentences:
            return -(-pairs // self._recipe.batch.sentences)
        return min(pairs, round(pairs * self._batches_per_pair) or 1)

    @cached_property
    def _batches_per_pair(self) -> float:
        """Of the first buffer, whose batches have at most as many padded tokens as the recipe says."""
        pairs = self._changed_pairs(0, 0)
        batches = BucketedBatches(pairs.lengths + 1, tokens=self._recipe.batch.tokens, seed=self._seed)
        return len(batches.epoch(0)) / len(pairs)

    def _read_buffer(self, epoch: int, buffer: int) -> Buffer:
        pairs = self._changed_pairs(epoch, buffer)
        random = np.random.Generator(np.random.PCG64(seeds.of_buffer(self._seed, epoch, buffer)))
        lengths = pairs.lengths + 1  # with END or START
        order = np.array(like_lengths_together(lengths, random))
        count = self._batches_of(len(pairs))
        if budget := self._recipe.batch.sentences:
            starts = np.arange(0, len(pairs), budget)
        else:
            starts = cut_evenly(lengths[order], count)
        batches = np.split(order, starts[1:])
        return Buffer(pairs, [batches[i].tolist() for i in random.permutation(count)])

    def _changed_pairs(self, epoch: int, buffer: int) -> Sequences:
        """The pairs of a buffer, with the changes of the recipe."""
        first = buffer * self._size
        ranges = self._blocks(epoch).ranges(first, first + self._pairs_of(buffer))
        pairs = self._data.read(ranges)
        if not (self._changes_texts or self._recipe.vocabulary.bpe_dropout):
            return pairs
        text_seeds = seeds.of_buffer_text(self._seed, epoch, buffer)
        sources, targets = self._texts(pairs)
        augmentation = self._augmentation(sources, targets, self._lexicon)
        texts = augmentation.texts(text_seeds[0], range(len(pairs)))
        sides = zip((self._data.source, self._data.target), texts, text_seeds)
        encoded = [encode_text(*side, self._recipe.vocabulary) for side in sides]
        return Sequences.of(*encoded, dtype=pairs.tokens.dtype.type)

    def _texts(self, pairs: Sequences) -> tuple[list[str], list[str]]:
        rows = [pairs.pair(row) for row in range(len(pairs))]
        source, target = self._data.source, self._data.target
        return (
            [source.decode(ids, unknown=UNKNOWN_CHARACTER) for ids, _ in rows],
            [target.decode(ids, unknown=UNKNOWN_CHARACTER) for _, ids in rows],
        )

    @cached_property
    def _changes_texts(self) -> bool:
        return self._augmentation([], []).changes_texts

    @cached_property
    def _lexicon(self) -> Lexicon:
        """Of the first buffer, which has pairs from everywhere."""
        return Lexicon(*self._texts(self._data.read(self._blocks(0).ranges(0, self._pairs_of(0)))))

    def _augmentation(
        self, sources: Sequence[str], targets: Sequence[str], lexicon: Lexicon | None = None
    ) -> Augmentation:
        return Augmentation(
            sources,
            targets,
            self._recipe.augmentation,
            unknown_copies=self._recipe.vocabulary.unknown_copies,
            words=word_pattern(self._data.source),
            placeholders=self._data.source.placeholders,
            lexicon=lexicon,
        )

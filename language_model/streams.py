"""Contiguous streams: a text as the rows of a batch, read chunk by chunk, for truncated back-propagation through time.

    text, 26 tokens, in 3 streams of 8 tokens, read in chunks of 4:

                 chunk 0     chunk 1
    stream 0     a b c d     e f g h
    stream 1     i j k l     m n o p
    stream 2     q r s t     u v w x      the next token of x is y; z is left out

A stream goes on in the next chunk where it stopped, so its state can be carried. All streams end with the epoch, and
begin the next epoch some tokens further right or left, so that every token is read in some epoch and chunks are cut at
other places.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from language_model.corpus import Tokens
from s2s import seeds
from s2s.errors import check


@dataclass(frozen=True)
class Streams:
    """Cuts a text.

    Attributes:
        tokens: the text, (tokens,)
        rows: how many streams there are
        steps: tokens of the longest chunk
        seed: the recipe's

    Raises:
        UserError: a stream would be shorter than a chunk.
    """

    tokens: Tokens
    rows: int
    steps: int
    seed: int

    def __post_init__(self) -> None:
        fewest = self.rows * self.steps + self.steps + 1
        check(
            len(self.tokens) >= fewest,
            f"the training text has {len(self.tokens):,} tokens, too few for batch.streams = {self.rows:,} streams "
            f"of at least batch.steps = {self.steps:,} tokens, which need {fewest:,}: lower one of them, or train on "
            "more text",
        )

    @property
    def length(self) -> int:
        """Tokens of a stream."""
        return (len(self.tokens) - 1 - self.steps) // self.rows

    @property
    def chunks(self) -> int:
        """How many chunks a stream has; they are equally long, up to one token."""
        return -(-self.length // self.steps)

    def bounds(self, chunk: int) -> tuple[int, int]:
        """Where a chunk begins and ends in its stream."""
        return self.length * chunk // self.chunks, self.length * (chunk + 1) // self.chunks

    def first(self, epoch: int) -> int:
        """The token with which the first stream begins in an epoch."""
        spare = len(self.tokens) - 1 - self.length * self.rows
        return int(random.Random(seeds.of_streams(self.seed, epoch)).random() * (spare + 1))

    def chunk(self, epoch: int, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the tokens of a chunk and the token after each, (rows, time) each."""
        begin, end = self.bounds(number)
        read = self.first(epoch) + np.arange(self.rows)[:, None] * self.length + np.arange(begin, end)
        return self.tokens[read].astype(np.int64), self.tokens[read + 1].astype(np.int64)

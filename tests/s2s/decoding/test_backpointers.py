"""Back-pointers: the walk back against one that follows a single hypothesis, while sentences leave the batch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fixtures import Library

from s2s.arrays import Array
from s2s.decoding.backpointers import StepRecord, read_hypotheses, walk_back
from s2s.decoding.search import Hypothesis

# Two sentences with two slots each, after a first step from one. The second sentence is alone in the batch at step 3.
RECORDS: list[tuple[list, list, list, list]] = [  # sentences, tokens, parents, attention
    ([0, 1], [[5, 6], [7, 8]], [[0, 0], [0, 0]], [[0.1], [0.2]]),
    ([0, 1], [[15, 16], [17, 18]], [[1, 0], [1, 1]], [[1.1], [1.2], [1.3], [1.4]]),
    ([1], [[27, 28]], [[1, 0]], [[2.3], [2.4]]),
]


def records_in(library: Library) -> list[StepRecord]:
    return [StepRecord(*(library(torch.tensor(values)) for values in record)) for record in RECORDS]


def test_hypotheses_are_read_out_with_their_tokens_scores_and_attention(library: Library) -> None:
    found = read_hypotheses(
        records_in(library),
        scores=library(torch.tensor([[-0.5, -1.0], [-2.0, -math.inf]])),
        lengths=library(torch.tensor([[1, 0], [3, 0]])),
        last_slots=library(torch.tensor([[1, 0], [0, 0]])),
        limits=library(torch.tensor([3, 3])),
        length_penalty=2.0,
    )
    (one_word, empty), (cut_off,) = found
    assert one_word == Hypothesis([6], -0.5, -2.0, None, finished=True)
    assert empty == Hypothesis([], -1.0, -1.0, None, finished=True)
    assert cut_off == Hypothesis([8, 18, 27], -2.0, -18.0, None, finished=False)
    attention = [hypothesis.attention for hypothesis in (one_word, empty, cut_off)]
    expected = [[[0.1], [1.2]], [[0.1]], [[0.2], [1.4], [2.4]]]  # one row for END, but not if a hypothesis is cut off
    for weights, rows in zip(attention, expected):
        assert isinstance(weights, np.ndarray)
        np.testing.assert_array_equal(weights, np.array(rows, dtype=np.float32))


def test_a_sentence_without_hypotheses_is_an_error_and_no_sentences_are_none(library: Library) -> None:
    scores, zeros = library(torch.tensor([[-1.0], [-math.inf]])), library(torch.zeros(2, 1, dtype=torch.int64))
    with pytest.raises(RuntimeError, match="sentence 1 of the batch"):
        read_hypotheses(records_in(library), scores, zeros, zeros, library(torch.tensor([3, 3])), 1.0)
    assert read_hypotheses([], scores[:0], zeros[:0], zeros[:0], zeros[:0, 0], 1.0) == []


@given(seed=st.integers(0, 10_000), attends=st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_walk_back_follows_each_hypothesis_through_every_batch(library: Library, seed: int, attends: bool) -> None:
    generator = torch.Generator().manual_seed(seed)

    def numbers(low: int, high: int, *shape: int) -> Array:
        return library(torch.randint(low, high, shape, generator=generator))

    sentences, steps, width = 5, 7, 3
    leaves_after = numbers(1, steps + 1, sentences)  # steps
    leaves_after[2] = steps  # a search ends when its batch is empty
    records, batch, slots = list[StepRecord](), library(torch.arange(sentences)), 1
    for time in range(steps):
        if not (leaves_after[batch] > time).all():
            batch = batch[leaves_after[batch] > time]
        weights = library(torch.rand(len(batch) * slots, 2, generator=generator)) if attends else None
        tokens, parents = numbers(0, 100, len(batch), width), numbers(0, slots, len(batch), width)
        records.append(StepRecord(batch, tokens, parents, weights))
        slots = width
    lengths = numbers(0, 1_000, sentences, 2) % (leaves_after + 1)[:, None]
    last_slots = numbers(0, width, sentences, 2) * (lengths > 0)
    tokens, attention = walk_back(records, lengths, last_slots)
    assert (attention is not None) == attends
    for sentence in range(sentences):
        for rank, (length, slot) in enumerate(zip(lengths[sentence].tolist(), last_slots[sentence].tolist())):
            for time in reversed(range(min(length + 1, int(leaves_after[sentence])))):
                record, place = records[time], records[time].sentences.tolist().index(sentence)
                if time < length:
                    assert tokens[sentence, rank, time] == record.tokens[place, slot]
                    slot = int(record.parents[place, slot])
                if attention is not None and record.attention is not None:
                    rows = record.attention.reshape(len(record.sentences), -1, 2)
                    assert (attention[sentence, rank, time] == rows[place, slot]).all()

"""Streams: every stream is a contiguous part of the text, chunk after chunk, and epochs differ."""

from __future__ import annotations

import numpy as np
import pytest

from language_model.streams import Streams
from s2s.errors import UserError

TOKENS = np.arange(1000, dtype=np.int32)


@pytest.mark.parametrize(("rows", "steps"), [(1, 7), (4, 30), (13, 5), (30, 31)])
def test_chunks_go_on_where_they_stopped(rows: int, steps: int) -> None:
    streams = Streams(TOKENS, rows, steps, seed=1)
    for epoch in range(3):
        chunks = [streams.chunk(epoch, number) for number in range(streams.chunks)]
        read = np.concatenate([tokens for tokens, _ in chunks], 1)
        assert all(1 <= tokens.shape[1] <= steps for tokens, _ in chunks)
        assert max(tokens.shape[1] for tokens, _ in chunks) - min(tokens.shape[1] for tokens, _ in chunks) <= 1
        assert read.shape == (rows, streams.length)
        assert read.ravel().tolist() == [*range(streams.first(epoch), streams.first(epoch) + rows * streams.length)]
        assert all((targets == tokens + 1).all() for tokens, targets in chunks)


def test_every_token_is_read_in_some_epoch() -> None:
    streams = Streams(TOKENS, 13, 30, seed=1)
    read = {int(token) for epoch in range(400) for token in streams.chunk(epoch, 0)[0][0, :1]}
    spare = len(TOKENS) - 1 - 13 * streams.length
    assert read == {*range(spare + 1)}
    assert spare >= 30


def test_a_stream_shorter_than_a_chunk_is_an_error() -> None:
    Streams(TOKENS[:101], 9, 10, seed=1)
    with pytest.raises(UserError, match=r"has 100 tokens, too few for batch\.streams = 9 .* need 101"):
        Streams(TOKENS[:100], 9, 10, seed=1)

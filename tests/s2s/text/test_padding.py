"""Padding keeps every id, and the mask marks the real ones."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from s2s.text.padding import pad
from s2s.text.tokens import PAD


@given(st.lists(st.lists(st.integers(0, 99), max_size=9), max_size=9))
@settings(deadline=None)
def test_padding_keeps_every_id_and_marks_it(sequences: list[list[int]]) -> None:
    padded = pad(sequences)
    longest = max(map(len, sequences), default=0)
    assert padded.ids.shape == padded.mask.shape == (len(sequences), longest)
    assert (padded.ids.dtype, padded.lengths.dtype, padded.mask.dtype) == (np.int64, np.int64, np.bool_)
    assert padded.lengths.tolist() == [len(sequence) for sequence in sequences]
    assert [row[mask].tolist() for row, mask in zip(padded.ids, padded.mask)] == sequences
    assert (padded.ids[~padded.mask] == PAD).all()
    assert (np.diff(padded.mask.astype(int), axis=1) <= 0).all()  # the real ones come first


def test_moving_applies_to_both_arrays_and_the_mask_follows() -> None:
    padded = pad([[5, 6], [7]])
    moved = padded.moved(torch.from_numpy)
    assert moved.ids.equal(torch.tensor([[5, 6], [7, PAD]]))
    assert moved.lengths.equal(torch.tensor([2, 1]))
    assert moved.mask.equal(torch.tensor([[True, True], [True, False]]))

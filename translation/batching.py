"""Batches of sources of similar lengths, within a budget of memory."""

from __future__ import annotations

from collections.abc import Sequence


def length_batches(lengths: Sequence[int], *, tokens: int, sentences: int) -> list[list[int]]:
    """Group sources into batches by length; the longest come first, so that parallel workers end at about one time.

    Args:
        lengths: of the sources in tokens, without END
        tokens: of a batch at most, END and padding included; a longer source is a batch of its own
        sentences: of a batch at most

    Returns:
        the indices of the sources in each batch
    """
    batches: list[list[int]] = []
    batch: list[int] = []
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if batch and (len(batch) == sentences or (len(batch) + 1) * (lengths[i] + 1) > tokens):
            batches.append(batch)
            batch = []
        batch.append(i)
    if batch:
        batches.append(batch)
    return batches[::-1]

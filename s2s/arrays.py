"""Arrays: search runs on torch tensors and on NumPy arrays alike, by the array API standard.

`namespace(x)` has the functions of the standard for the library of `x`. NumPy follows it by itself, torch by way of
array-api-compat. The functions below are what the standard lacks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any  # a torch tensor or a NumPy array


def namespace(array: Array) -> Any:
    """The functions of the array API standard for the library of an array."""
    if isinstance(array, np.ndarray):
        return np
    import array_api_compat.torch  # late: without torch it is not installed

    return array_api_compat.torch


def take(rows: Array, columns: Array) -> Array:
    """From each row the elements in these columns: (n, m) and (n, k) int64 -> (n, k)."""
    if isinstance(rows, np.ndarray):
        return rows[np.arange(len(rows))[:, None], columns]  # `take_along_axis` takes three times as long
    return rows.gather(1, columns)


def repeat(rows: Array, times: int) -> Array:
    """Each row several times, side by side: (n, ...) -> (n * times, ...); older array-api-compat lacks it for torch."""
    return rows.repeat(times, axis=0) if isinstance(rows, np.ndarray) else rows.repeat_interleave(times, dim=0)


def smallest(keys: Array, count: int) -> Array:
    """The columns of the `count` smallest keys of each row, ascending; no two keys of a row may be equal.

    The standard has no partial sort, and a whole one would take longer than the step of the model before it.
    """
    if not isinstance(keys, np.ndarray):
        return keys.topk(count, largest=False).indices
    if count < keys.shape[1]:
        columns = np.argpartition(keys, count - 1, axis=1)[:, :count]
        return take(columns, np.argsort(take(keys, columns), axis=1))
    return np.argsort(keys, axis=1)


def exponential(like: Array, generator: Any = None) -> Array:
    """Draws from the exponential distribution, in the shape of `like`.

    Args:
        like: of the shape, the kind and the device of the result
        generator: a `torch.Generator` for tensors and a `numpy.random.Generator` for arrays; None for torch's
            global one, or for a new one of NumPy
    """
    if isinstance(like, np.ndarray):
        return (generator or np.random.default_rng()).standard_exponential(like.shape, dtype=like.dtype)
    return namespace(like).empty_like(like).exponential_(generator=generator)


def to_numpy(array: Array) -> NDArray[Any]:
    """The array on the CPU, without its history of gradients."""
    return array if isinstance(array, np.ndarray) else array.numpy(force=True)

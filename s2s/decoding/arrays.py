"""Arrays: search runs on torch tensors and on NumPy arrays alike, by the array API standard (array-api-compat).

`namespace(x)` has the functions of the standard for the library of `x`. The functions below are what it lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_torch_array
from numpy.typing import NDArray

from s2s.models.contracts import Array

namespace: Callable[..., Any] = array_namespace


def take(rows: Array, columns: Array) -> Array:
    """From each row the elements in these columns: (n, m) and (n, k) int64 -> (n, k)."""
    return namespace(rows).take_along_axis(rows, columns, axis=1)


def smallest(keys: Array, count: int) -> Array:
    """The columns of the `count` smallest keys of each row, ascending; no two keys of a row may be equal.

    The standard has no partial sort, and a whole one would take longer than the step of the model before it.
    """
    if is_torch_array(keys):
        return keys.topk(count, largest=False).indices
    if count < keys.shape[1]:
        columns = np.argpartition(keys, count - 1, axis=1)[:, :count]
        return take(columns, np.argsort(take(keys, columns), axis=1))
    return np.argsort(keys, axis=1)


def exponential(like: Array, generator: Any = None) -> Array:
    """Draws from the exponential distribution, in the shape of `like`.

    Args:
        like: of the shape, the kind and the device of the result
        generator: a `torch.Generator` for tensors and a `numpy.random.Generator` for arrays; None for the global one
    """
    if is_torch_array(like):
        return namespace(like).empty_like(like).exponential_(generator=generator)
    return (generator or np.random.default_rng()).standard_exponential(like.shape, dtype=like.dtype)


def to_numpy(array: Array) -> NDArray[Any]:
    """The array on the CPU, without its history of gradients."""
    return array.numpy(force=True) if is_torch_array(array) else array

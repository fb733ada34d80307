"""Weights in eight bits: the file of tensors of a finished model, at half the size of float16.

Each row of a matrix is stored as integers of -127 ... 127 and a scale, the same numbers as in the light form in int8
(s2s/export/matrices.py). So both engines compute with the same weights, and a training that starts from them starts
from rounded ones. Vectors, and rows too short for a scale of their own, stay in float16.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s2s.errors import check
from s2s.files import current_version
from s2s.storage.model_directory import read_model, replace_file
from s2s.storage.model_record import WEIGHTS
from s2s.storage.tensors import SCALES, cast, serialise

WEIGHT_LEVELS = 127
# Rows with fewer weights are stored in float16 where others are in eight bits. In EfficientNet-Lite2 these are 3 % of
# the weights, and half of the rounding error was theirs.
SHORT_ROW = 64
SMALLEST = float(np.finfo(np.float32).tiny)  # the scale of a row of zeros


def shrink(directory: Path) -> tuple[int, int]:
    """Store the weights of a model in eight bits, in place. A light form that it has must be made again.

    Returns:
        The bytes of the file of tensors before and after.

    Raises:
        UserError: `directory` is not a model directory, damaged, or cannot be written; or a weight is out of range.
    """
    model = read_model(directory)
    own = {name: tensor for name, tensor in model.tensors.items() if name not in model.tied}
    data, tied = serialise(pack(own))
    check(not tied, f"{directory}: has equal tensors under different names; store it again before it is shrunk")
    before = (current_version(directory) / WEIGHTS).stat().st_size
    replace_file(directory, WEIGHTS, data)
    return before, len(data)


def pack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `tensors` with each matrix as integers, and its scales (rows, 1, ...) beside it as `NAME::scales`."""
    packed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or tensor.dim() < 2 or tensor[0].numel() < SHORT_ROW:
            packed[name] = cast(name, tensor, torch.float16)
            continue
        integers, scales = quantise_rows(tensor.float().numpy())
        packed[name], packed[name + SCALES] = torch.from_numpy(integers), torch.from_numpy(scales)
    return packed


def quantise_rows(matrix: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(rows, ...) -> the matrix in -127 ... 127, and the scale of each row (rows, 1, ...)."""
    largest = np.abs(matrix).max(tuple(range(1, matrix.ndim)), keepdims=True)
    scales = np.maximum(largest / np.float32(WEIGHT_LEVELS), np.float32(SMALLEST))
    return np.rint(matrix / scales).astype(np.int8), scales

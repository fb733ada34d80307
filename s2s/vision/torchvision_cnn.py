"""The CNNs of torchvision that are known here: ResNet, EfficientNet, MobileNetV3 and ConvNeXt, by torchvision's names.

torchvision is imported when one of them is asked for, and by nothing else.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.error import URLError

import torch
from torch import Tensor, nn

from s2s.errors import UserError, check
from s2s.vision import efficientnet_lite

_FAMILIES = ["resnet*", "efficientnet_*", "mobilenet_v3_*", "convnext_*"]
_RESNET = {"conv1": "0.0", "bn1": "0.1", "layer1": "1", "layer2": "2", "layer3": "3", "layer4": "4"}


class Parts(NamedTuple):
    """A CNN's stages, the channels of the last one, and what pixels from 0 to 255 are normalised with."""

    stages: nn.Sequential
    dim: int
    mean: list[float]
    std: list[float]


def parts(name: str) -> Parts:
    """The CNN without its classifier, freshly initialised; a ResNet's stem is one stage, elsewhere each layer group is.

    Raises UserError: torchvision is not installed, or has no such CNN.
    """
    models = _models(name)
    network = models.get_model(name, weights=None)
    transforms = models.get_model_weights(name).DEFAULT.transforms()
    mean, std = ([255 * channel for channel in values] for values in (transforms.mean, transforms.std))
    if not name.startswith("resnet"):
        return Parts(network.features, _input_dim(network.classifier), mean, std)
    stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
    layers = [network.layer1, network.layer2, network.layer3, network.layer4]
    return Parts(nn.Sequential(stem, *layers), _input_dim(network.fc), mean, std)


def renamed(published: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The published weights under the names of `parts(name).stages`, without those of the classifier."""
    names = _RESNET if name.startswith("resnet") else {"features": ""}
    split = {key: key.partition(".") for key in published}
    return {
        f"{names.get(first, first)}.{rest}".lstrip("."): published[key]
        for key, (first, _, rest) in split.items()
        if first not in ("fc", "classifier")
    }


def downloaded(name: str) -> Mapping[str, Tensor]:
    """The best ImageNet weights that torchvision has: from its cache, or fetched, and checked by their SHA-256."""
    weights = _models(name).get_model_weights(name).DEFAULT
    try:
        return weights.get_state_dict(progress=True, check_hash=True, weights_only=True, map_location="cpu")
    except (URLError, RuntimeError, TimeoutError) as error:
        advice = f"fetch {weights.url} by other means and name the file as the backbone's weights"
        raise UserError(f"{name}: its weights could not be downloaded ({error}); {advice}") from error


def _models(name: str) -> Any:
    """`torchvision.models`, once it is known to have `name`."""
    try:
        with torch.device("cpu"):  # the import makes tensors, and PyTorch 2.6 fails if it makes them on the meta device
            from torchvision import models
    except ImportError as error:
        raise UserError(
            f"backbone {name}: needs torchvision, which is not installed: pip install torchvision, "
            f"or choose one of {', '.join(efficientnet_lite.NAMES)}"
        ) from error
    known = [*efficientnet_lite.NAMES, *models.list_models(module=models, include=_FAMILIES)]
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(known)}"
    check(name in known, f"unknown backbone {name!r} ({hint})")
    return models


def _input_dim(classifier: nn.Module) -> int:
    return next(layer for layer in classifier.modules() if isinstance(layer, nn.Linear)).in_features

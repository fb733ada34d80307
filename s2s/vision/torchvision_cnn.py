"""The CNNs of torchvision that can be a backbone: ResNet, EfficientNet, MobileNetV3 and ConvNeXt, by their names there.

torchvision is imported only when one of them is requested.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.error import URLError

import torch
from torch import Tensor, nn

from s2s.errors import UserError, check
from s2s.extras import installation
from s2s.vision import efficientnet_lite

_FAMILIES = ["resnet*", "efficientnet_*", "mobilenet_v3_*", "convnext_*"]
_RESNET = {"conv1": "0.0", "bn1": "0.1", "layer1": "1", "layer2": "2", "layer3": "3", "layer4": "4"}


class Parts(NamedTuple):
    """The parts of a backbone.

    Attributes:
        stages: the layers without the classifier.
        dim: channels of the last stage.
        mean: the mean of each channel, by which pixels from 0 to 255 are normalised.
        std: the standard deviation of each channel, likewise.
    """

    stages: nn.Sequential
    dim: int
    mean: list[float]
    std: list[float]


def build_parts(name: str) -> Parts:
    """Return the CNN of this name, randomly initialised, without its classifier.

    The stages are the stem and the four layer groups of a ResNet, or the items of `features` of any other CNN.

    Raises:
        UserError: torchvision is not installed, or has no such CNN.
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


def rename_weights(published: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the published weights under the names of `build_parts(name).stages`, without those of the classifier."""
    names = _RESNET if name.startswith("resnet") else {"features": ""}
    split = {key: key.partition(".") for key in published}
    return {
        f"{names.get(first, first)}.{rest}".lstrip("."): published[key]
        for key, (first, _, rest) in split.items()
        if first not in ("fc", "classifier")
    }


def download_weights(name: str) -> Mapping[str, Tensor]:
    """Return torchvision's best ImageNet weights, from its cache or downloaded; their SHA-256 is verified."""
    weights = _models(name).get_model_weights(name).DEFAULT
    try:
        return weights.get_state_dict(progress=True, check_hash=True, weights_only=True, map_location="cpu")
    except (URLError, RuntimeError, TimeoutError) as error:
        advice = f"download {weights.url} by other means, and name the file as the weights of the backbone"
        raise UserError(f"{name}: its weights could not be downloaded ({error}); {advice}") from error


def _models(name: str) -> Any:
    """Return `torchvision.models`; raise a UserError if torchvision is missing or has no CNN of this name."""
    try:
        with torch.device("cpu"):  # the import makes tensors, and PyTorch 2.6 fails if it makes them on the meta device
            from torchvision import models
    except ImportError as error:
        raise UserError(
            f"backbone {name}: needs torchvision, which is not installed; {installation('torch')}, "
            f"or choose one of {', '.join(efficientnet_lite.NAMES)}"
        ) from error
    known = [*efficientnet_lite.NAMES, *models.list_models(module=models, include=_FAMILIES)]
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"choose one of {', '.join(known)}"
    check(name in known, f"unknown backbone {name!r} ({hint})")
    return models


def _input_dim(classifier: nn.Module) -> int:
    """Return the number of inputs of the first linear layer."""
    return next(layer for layer in classifier.modules() if isinstance(layer, nn.Linear)).in_features

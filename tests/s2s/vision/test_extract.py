"""Extraction: every picture once, none lost, none in silence, whatever was there before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from s2s.errors import UserError
from s2s.files import sha256
from s2s.vision import extract as module
from s2s.vision.backbones import Backbone
from s2s.vision.crops import MIRRORED, WHOLE, Augmentation
from s2s.vision.extract import Extraction, extract
from s2s.vision.images import Preprocessing, read_image

SQUARE = Preprocessing(8)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def tiny(seed: int = 0) -> Backbone:
    torch.manual_seed(seed)
    stages = nn.Sequential(nn.Conv2d(3, 5, 4, stride=4, bias=False), nn.BatchNorm2d(5))
    return Backbone("tiny", stages, 5, [127.0] * 3, [128.0] * 3).eval()


def picture(path: Path, seed: int, size: tuple[int, int] = (8, 8)) -> Path:
    random = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (size[1], size[0], 3), dtype=torch.uint8, generator=random)
    Image.fromarray(pixels.numpy()).save(path)
    return path


def pictures(folder: Path, count: int) -> list[Path]:
    return [picture(folder / f"{number}.png", number) for number in range(count)]


def expected(
    backbone: Backbone, path: Path, *, view: Augmentation = WHOLE, preprocessing: Preprocessing = SQUARE
) -> Tensor:
    image = read_image(path)
    with torch.no_grad():
        picture = preprocessing.apply(view.apply(image, sha256(path)))
        return backbone(torch.from_numpy(picture.pixels)[None])[0]


def check_all(found: Extraction, backbone: Backbone, paths: Sequence[Path], *, view: Augmentation = WHOLE) -> None:
    got = found.features.gather(range(len(found.features)))
    want = torch.stack([expected(backbone, path, view=view) for path in paths])
    assert torch.allclose(got, want, rtol=2e-3, atol=2e-3)  # half precision


def float32(paths: Sequence[Path], backbone: Backbone, *, view: Augmentation = WHOLE) -> Extraction:
    return extract(paths, backbone, SQUARE, view=view, precision="float32")


def test_each_picture_has_the_features_of_the_cnn(tmp_path: Path) -> None:
    backbone, paths = tiny(), pictures(tmp_path, 7)
    found = float32(paths, backbone)
    assert found.kept == list(range(7))
    assert not found.failed
    check_all(found, backbone, paths)


@pytest.mark.parametrize("view", [MIRRORED, Augmentation(1), Augmentation(2, mirrored=True)])
def test_each_view_is_rows_of_its_own(view: Augmentation, tmp_path: Path) -> None:
    backbone, paths = tiny(), pictures(tmp_path, 3)
    plain, seen = float32(paths, backbone), float32(paths, backbone, view=view)
    assert plain.features.folder != seen.features.folder
    check_all(seen, backbone, paths, view=view)
    check_all(plain, backbone, paths)


def test_padded_pictures_know_what_is_padding(tmp_path: Path) -> None:
    paths = [picture(tmp_path / "wide.png", 0, (16, 8)), picture(tmp_path / "high.png", 1, (8, 16))]
    found = extract(paths, tiny(), Preprocessing(8, "pad"), precision="float32").features
    real = found.mask([0, 1])
    assert real is not None
    assert real.tolist() == [[[True, True], [False, False]], [[True, False], [True, False]]]


def test_a_picture_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    paths = pictures(tmp_path, 4)
    paths[1].write_bytes(paths[1].read_bytes()[:60])
    paths[2].unlink()
    (tmp_path / "again.png").write_bytes(paths[1].read_bytes())
    found = float32([*paths, tmp_path, tmp_path / "again.png"], backbone := tiny())
    assert found.kept == [0, 3]
    assert [error.path for error in found.failed] == [paths[1], paths[2], tmp_path, tmp_path / "again.png"]
    assert ["broken" in error.reason for error in found.failed] == [True, False, False, True]
    check_all(found, backbone, [paths[0], paths[3]])


def test_nothing_but_broken_pictures_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("text")
    found = float32([tmp_path / "text.png"], tiny())
    assert (len(found.features), found.kept, len(found.failed)) == (0, [], 1)


def test_files_of_equal_bytes_are_one_row(tmp_path: Path) -> None:
    paths = pictures(tmp_path, 2)
    (tmp_path / "copy.png").write_bytes(paths[0].read_bytes())
    found = float32([*paths, tmp_path / "copy.png"], tiny())
    assert len(found.features) == 3
    assert torch.equal(*found.features.gather([0, 2]))
    assert (found.features.folder / "cells.f16").stat().st_size == 2 * found.features.header.row_bytes


def test_what_is_there_is_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, paths = tiny(), pictures(tmp_path, 5)
    float32(paths[:3], backbone)
    decoded = []
    monkeypatch.setattr(module, "read_image", lambda path: decoded.append(path) or read_image(path))
    found = float32(paths[::-1], backbone)
    assert sorted(decoded) == paths[3:]
    check_all(found, backbone, paths[::-1])
    float32(paths, backbone)
    assert len(decoded) == 2


def test_an_interrupted_extraction_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, paths = tiny(), pictures(tmp_path, 9)
    monkeypatch.setattr(module, "_BATCH", 2)
    decoded = []

    def interrupted(path: Path) -> Image.Image:
        decoded.append(path)
        if len(decoded) == 7:
            raise KeyboardInterrupt
        return read_image(path)

    monkeypatch.setattr(module, "read_image", interrupted)
    with pytest.raises(KeyboardInterrupt):
        float32(paths, backbone)
    decoded.clear()
    monkeypatch.setattr(module, "read_image", lambda path: decoded.append(path) or read_image(path))
    found = float32(paths, backbone)
    assert len(decoded) < 9
    check_all(found, backbone, paths)


def test_features_that_were_damaged_on_the_disk_are_named(tmp_path: Path) -> None:
    paths = pictures(tmp_path, 2)
    cells = float32(paths, tiny()).features.folder / "cells.f16"
    cells.write_bytes(cells.read_bytes()[:-1] + b"\0")
    with pytest.raises(UserError, match=r"cells\.f16: row 2 is damaged .*; delete the folder"):
        float32(paths, tiny())


def test_what_makes_other_features_has_another_folder(tmp_path: Path) -> None:
    paths = pictures(tmp_path, 1)
    found = [
        extract(paths, tiny(), SQUARE, precision="float32"),
        extract(paths, tiny(), SQUARE, precision="bfloat16"),
        extract(paths, tiny(1), SQUARE, precision="float32"),
        extract(paths, tiny(), Preprocessing(12), precision="float32"),
        extract(paths, tiny(), SQUARE, precision="float32", view=MIRRORED),
    ]
    assert len({each.features.folder for each in found}) == len(found)
    assert extract(paths, tiny(), SQUARE, precision="float32").features.folder == found[0].features.folder


def test_a_feature_beyond_sixteen_bits_is_told_and_not_stored(tmp_path: Path) -> None:
    backbone, paths = tiny(), pictures(tmp_path, 1)
    with torch.no_grad():
        next(backbone.parameters()).mul_(1e6)
    with pytest.raises(UserError, match=r"tiny: a feature of .*0\.png is beyond 16 bits"):
        float32(paths, backbone)


def test_a_cache_that_cannot_be_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="set S2S_CACHE to a writable folder"):
        float32(pictures(tmp_path, 1), tiny())

"""`python -m data_prep.features`: extracts ahead what training will ask for, and names what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

from data_prep.features import features
from s2s.cli import command
from s2s.vision import backbones
from s2s.vision.backbones import Backbone
from s2s.vision.crops import MIRRORED, WHOLE
from s2s.vision.extract import extract
from s2s.vision.images import Preprocessing


def tiny(name: str, weights: Path | None) -> Backbone:
    torch.manual_seed(0)
    return Backbone(name, nn.Sequential(nn.Conv2d(3, 2, 4, stride=4)), 2, [0.0] * 3, [255.0] * 3).eval()


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two pictures; any backbone is a tiny one."""
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(backbones, "build_backbone", tiny)
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, colour in (("a.png", "red"), ("b.png", "blue")):
        Image.new("RGB", (20, 10), colour).save(folder / name)
    return folder


def test_training_finds_what_was_extracted(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [str(pictures), "--backbone", "tiny", "--size", "8", "--mirrored", "--precision", "float32"]
    assert features(arguments) == 0
    folders = [Path(line) for line in capsys.readouterr().out.splitlines()]
    kept = {folder: (folder / "cells.f16").stat() for folder in folders}
    for view, folder in zip([WHOLE, MIRRORED], folders, strict=True):
        paths = sorted(pictures.iterdir())
        found = extract(paths, tiny("tiny", None), Preprocessing(8), view=view, precision="float32")
        assert found.features.folder == folder
        assert (folder / "cells.f16").stat() == kept[folder]


def test_a_broken_picture_is_named_once_and_the_code_says_so(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "broken.jpg").write_bytes(b"")
    assert features([str(pictures), "--size", "8", "--mirrored"]) == 1
    error = capsys.readouterr().err
    assert error.count("broken.jpg: is empty") == 1
    assert "2 of 3 pictures, mirrored, 2 x 2 x 2 each" in error


def test_no_picture_at_all_is_a_mistake(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(features, [str(tmp_path / "none"), "--size", "8"]) == 2
    assert "no picture could be read" in capsys.readouterr().err

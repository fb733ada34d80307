"""What the encoder is given: pictures by their numbers, mirrored ones in their places, padding known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from s2s.errors import UserError
from s2s.vision.crops import MIRRORED, WHOLE
from s2s.vision.features import FeatureFile, Header, feature_writer, read_rows
from s2s.vision.images import Preprocessing
from s2s.vision.inputs import DecodedPixels, StoredFeatures


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Two wide pictures, white on the left and black on the right, and the other way round."""
    found = []
    for number, (left, right) in enumerate(((255, 0), (0, 255))):
        image = Image.new("RGB", (16, 8), (right,) * 3)
        image.paste((left,) * 3, (0, 0, 8, 8))
        found.append(tmp_path / f"{number}.png")
        image.save(found[-1])
    return found


@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_a_picture_is_mirrored_before_it_is_padded(fit: str, paths: list[Path]) -> None:
    pixels = DecodedPixels(paths, Preprocessing(16, fit))  # type: ignore[arg-type]
    upright, turned = pixels([0, 1], [WHOLE, WHOLE]), pixels([0, 1, 0], [MIRRORED, WHOLE, WHOLE])
    torch.testing.assert_close(turned.values[0], upright.values[1])
    torch.testing.assert_close(turned.values[1:], upright.values.flip(0))
    assert upright.values[0, :, 0, 0].tolist() == [255] * 3
    if fit == "stretch":
        assert turned.extent is None
    else:
        assert turned.extent is not None
        assert turned.extent.tolist() == [[8, 16]] * 3  # height and width


def test_a_picture_that_has_gone_is_named(paths: list[Path]) -> None:
    pixels = DecodedPixels(paths, Preprocessing(16))
    paths[1].unlink()
    with pytest.raises(UserError, match=r"1\.png: does not exist"):
        pixels([0, 1], [WHOLE, WHOLE])


def test_stored_views_stand_in_their_rows_with_their_own_padding(tmp_path: Path) -> None:
    """Some pictures whole, some mirrored, in any order: cells and masks follow."""
    header = Header("tiny", "0" * 64, "float32", Preprocessing(4, "pad"), WHOLE, (2, 2, 1))
    files = {}
    for number, view in enumerate((WHOLE, MIRRORED)):
        folder = tmp_path / str(number)
        cells = np.arange(8, dtype=np.float16).reshape(2, 2, 2, 1) + 100 * number
        with feature_writer(folder, replace(header, view=view)) as writer:
            writer.append({"a": (4, 4), "b": (4 - 2 * number, 4)}, cells)
        files[view] = FeatureFile(folder, header, list(read_rows(folder, replace(header, view=view)).values()))
    found = StoredFeatures(files)([1, 0, 1, 0], [MIRRORED, WHOLE, WHOLE, MIRRORED])
    assert found.cells[:, 0, 0, 0].tolist() == [104, 0, 4, 100]
    assert found.mask is not None
    assert found.mask[:, 1, 0].tolist() == [False, True, True, True]

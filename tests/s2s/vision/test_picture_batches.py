from __future__ import annotations

import numpy as np
import torch

from s2s.vision.batches import stack_pictures
from s2s.vision.grids import Pixels
from s2s.vision.images import Picture, Preprocessing


def test_pictures_are_stacked_in_their_order() -> None:
    pictures = [Picture(np.full((3, 4, 4), value, dtype=np.uint8), 4, 2 + value) for value in (0, 1)]
    assert stack_pictures(pictures, Preprocessing(4)).extent is None
    padded = stack_pictures(pictures, Preprocessing(4, "pad"))
    assert padded.values.shape == (2, 3, 4, 4)
    assert padded.values[1, 0, 0, 0] == 1
    assert padded.extent is not None
    assert padded.extent.tolist() == [[2, 4], [3, 4]]
    tensors = Pixels.of(padded)
    assert tensors.values.dtype == torch.uint8
    assert tensors.values.tolist() == padded.values.tolist()
    assert tensors.extent is not None
    assert tensors.extent.tolist() == padded.extent.tolist()

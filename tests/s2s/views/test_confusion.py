"""The confusion picture: a row for each label, as dark as the share of its row."""

from __future__ import annotations

import numpy as np
import pytest

from s2s.views.confusion import confusion_picture
from s2s.views.drawing import weight_colour


def share_of(picture: np.ndarray, share: float) -> int:
    """How many pixels have the colour of a share."""
    return int((picture == weight_colour(share)).all(2).sum())


def test_a_cell_has_the_colour_of_its_share_of_the_row() -> None:
    picture = np.asarray(confusion_picture([[30, 10], [0, 2]], ["a", "b"], "title"))
    cells = [share_of(picture, share) for share in (0.75, 0.25, 1.0, 0.0)]
    assert min(cells) > 2000
    other = np.asarray(confusion_picture([[30, 10], [1, 1]], ["a", "b"], "title"))
    assert share_of(other, 1.0) == 0


@pytest.mark.parametrize("labels", [1, 17, 200])
def test_any_number_of_labels_fits(labels: int) -> None:
    names = [f"label {i} " * 9 for i in range(labels)]
    picture = confusion_picture([[0] * labels] * labels, names, "a long title " * 50)
    assert picture.width < 3000
    assert picture.height < 3000

"""The folder that `s2s answer --attention DIR` writes: a page with all questions, and the weights as data.

A view has a row of weights for the question, over its words, and one for each hop, over the cells of the photograph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import log
from pathlib import Path

import numpy as np
from PIL import Image

from question_answering.answerer import Answer
from s2s.errors import warn
from s2s.files import check_output_folder
from s2s.views.attention_file import attention_writer
from s2s.views.attention_page import attention_page
from s2s.views.attention_view import AttentionView, Grid, Photograph, Words, round_weights
from s2s.views.light import shrink
from s2s.views.web_page import write_page
from s2s.vision.images import ImageError, read_image, upright_size

_QUESTIONS = 200  # on the page; more would make a file too large to open
_SIDE = 1280  # pixels of the longer side of a photograph that is kept for the page


@contextmanager
def attention_folder(directory: Path, *, force: bool = False) -> Iterator[Callable[[Answer], None]]:
    """Yield a function that takes each answer; index.html appears when the block ends well.

    Raises:
        UserError: pages cannot be written to `directory`, or it is not empty and `force` is not set.
    """
    check_output_folder(directory, force=force)
    directory.mkdir(exist_ok=True)
    with attention_writer(directory / "attention.json") as write:
        page = _Page(write)
        yield page.add
    write_page(directory / "index.html", attention_page(page.views, "Answers", page.photographs))
    if page.count > len(page.views):
        warn(
            f"{directory / 'index.html'}: shows the first {len(page.views):,} of {page.count:,} questions; "
            "attention.json has all"
        )


class _Page:
    """Collects the first answers for the page, and writes the weights of all.

    Args:
        write: takes the view of each answer
    """

    def __init__(self, write: Callable[[AttentionView], None]) -> None:
        self._write = write
        self.views: list[AttentionView] = []
        self.photographs: dict[str, Image.Image] = {}
        self.count = 0

    def add(self, found: Answer) -> None:
        """Take an answer without a problem."""
        try:
            image = read_image(Path(found.picture))
            view = answer_view(found, image)
        except (ImageError, OSError) as error:  # the file may have changed since it was read
            warn(f"{found.picture}: no page of it: {getattr(error, 'reason', error)}")
            return
        self.count += 1
        self._write(view)
        if len(self.views) < _QUESTIONS:
            self.views.append(view)
            self.photographs.setdefault(found.picture, shrink(image, _SIDE))


def answer_view(found: Answer, image: Image.Image) -> AttentionView:
    """The attention of an answer; `image` is the photograph, upright, perhaps smaller than in the file."""
    assert found.hops is not None
    hops, rows, columns = found.hops.shape
    width, height = upright_size(Path(found.picture), image)
    tall, wide = found.extent
    photograph = Photograph(found.picture, width, height, (0.0, 0.0, width / wide, height / tall))
    weights = np.zeros((hops + 1, rows * columns + len(found.words)), np.float64)
    if found.word_weights is not None:
        weights[0, rows * columns :] = found.word_weights
    weights[1:, : rows * columns] = found.hops.reshape(hops, -1)
    first = 0 if found.word_weights is not None else 1
    return AttentionView(
        f"{Path(found.picture).name}: {found.question} {found.text} ({found.probability:.0%})",
        (Grid("photograph", rows, columns, photograph), Words("question", found.words)),
        ("question", *(f"hop {number}" for number in range(1, hops + 1)))[first:],
        round_weights(weights[first:]),
        found.text,
        log(max(found.probability, 1e-12)),
    )

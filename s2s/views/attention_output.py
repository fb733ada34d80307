"""The file that an option `--attention` names: the attention of each line, in one of three formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.errors import warn
from s2s.files import atomic_file
from s2s.views.attention_file import attention_writer
from s2s.views.attention_view import AttentionView, Grid

if TYPE_CHECKING:
    from PIL import Image

PAGE_LINES, PICTURE_LINES = 500, 8  # more would make files that are too large to look through, or even to open
SUFFIXES = (".json", ".html", ".png")

Write = Callable[[AttentionView], None]


@contextmanager
def attention_file(path: Path) -> Iterator[Write]:
    """Yield a function that takes the view of each line; the file appears at `path` when the block ends well.

    The ending of the name chooses the format: `.json` holds all lines, written as they come; `.html` is a page of the
    first lines that are not blank; `.png` is a picture of the first lines that have attention. If lines were left out,
    a warning says so.
    """
    formats = {".json": attention_writer, ".html": _page, ".png": _picture}
    with formats[path.suffix.lower()](path) as write:
        yield write


class _FirstViews:
    """Keeps the first views and counts all."""

    def __init__(self, most: int) -> None:
        self.views: list[AttentionView] = []
        self._most, self._count = most, 0

    def add(self, view: AttentionView) -> None:
        self._count += 1
        if len(self.views) < self._most:
            self.views.append(view)

    def warn_if_incomplete(self, path: Path, kind: str) -> None:
        if self._count > self._most:
            warn(f"{path}: shows the first {self._most} of {self._count:,} {kind}; a .json file has no such limit")


@contextmanager
def _page(path: Path) -> Iterator[Write]:
    first = _FirstViews(PAGE_LINES)
    yield lambda view: first.add(view) if view.text else None
    from s2s.views.attention_page import attention_page
    from s2s.views.web_page import write_page

    write_page(path, attention_page(first.views, "Attention", _photographs(first.views)))
    first.warn_if_incomplete(path, "lines")


@contextmanager
def _picture(path: Path) -> Iterator[Write]:
    first = _FirstViews(PICTURE_LINES)
    yield lambda view: first.add(view) if view.weights else None
    from s2s.views.attention_matrix import attention_matrix

    with atomic_file(path) as aside:
        attention_matrix(first.views, _photographs(first.views)).save(aside, "PNG")
    first.warn_if_incomplete(path, "lines that have attention")


def _photographs(views: Sequence[AttentionView]) -> dict[str, Image.Image]:
    """Those that the views name; most views name none, and need no reader of pictures."""
    if not any(isinstance(segment, Grid) for view in views for segment in view.segments):
        return {}
    from s2s.views.photographs import load_photographs

    return load_photographs(views)

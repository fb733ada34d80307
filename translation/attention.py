"""What `translate --attention` writes: where each token of each line's translation looked, in one of three formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from s2s.decoding.results import Translation
from s2s.errors import warn
from s2s.files import atomic_file
from s2s.text.tokens import END, SPECIALS, UNK
from s2s.text.vocabulary import Vocabulary
from s2s.views.attention_file import attention_writer
from s2s.views.attention_view import AttentionView, Words, round_weights
from translation.copying import read

PAGE_LINES, PICTURE_LINES = 500, 8  # what one can look through; more of them make files that no viewer opens

Write = Callable[[AttentionView], None]


def view(line: str, best: Translation, vocabulary: Vocabulary, name: str) -> AttentionView:
    """The attention of a line's translation; `vocabulary` is that of the source. `name` says which line it is."""
    source = source_tokens(line, vocabulary)
    weights = None if best.attention is None else round_weights(best.attention[:, : len(source)])
    return AttentionView(name, (Words("source", source),), tuple(best.tokens), weights, best.text, best.score)


def source_tokens(line: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """What the positions of a line's grid stand for: pieces, unknown words as they were written, and END."""
    if not line.strip():
        return ()
    source = read(line.strip(), vocabulary.encode(line.strip()), vocabulary)
    unknown = iter(source.unknown)
    pieces = zip(vocabulary.pieces(source.text), source.ids)
    return (*(next(unknown, piece) if i == UNK else piece for piece, i in pieces), SPECIALS[END])


@contextmanager
def attention_file(path: Path) -> Iterator[Write]:
    """Yield a function that takes the view of each line; the file is there when the block has ended well.

    JSON holds all lines and is written as they come. A page holds the first lines that are not blank, a picture the
    first that have weights; if there were more a warning says so.
    """
    writers = {".json": attention_writer, ".html": _page, ".png": _picture}
    with writers[path.suffix.lower()](path) as write:
        yield write


class _First:
    """Keeps the first few views, and counts the others."""

    def __init__(self, most: int) -> None:
        self.views: list[AttentionView] = []
        self._most, self._all = most, 0

    def add(self, view: AttentionView) -> None:
        self._all += 1
        if len(self.views) < self._most:
            self.views.append(view)

    def report(self, path: Path, kind: str) -> None:
        if self._all > self._most:
            warn(f"{path}: shows the first {self._most} of {self._all:,} {kind}; a name with .json keeps all")


@contextmanager
def _page(path: Path) -> Iterator[Write]:
    first = _First(PAGE_LINES)
    yield lambda view: first.add(view) if view.text else None
    from s2s.views.attention_page import attention_page
    from s2s.views.web_page import write_page

    write_page(path, attention_page(first.views, "Attention"))
    first.report(path, "lines")


@contextmanager
def _picture(path: Path) -> Iterator[Write]:
    first = _First(PICTURE_LINES)
    yield lambda view: first.add(view) if view.weights else None
    from s2s.views.attention_matrix import attention_matrix

    with atomic_file(path) as aside:
        attention_matrix(first.views).save(aside, "PNG")
    first.report(path, "lines that have weights")

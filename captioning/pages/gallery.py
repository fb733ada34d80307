"""The folder that `caption --attention DIR` writes: for each picture a page, a strip and a thumbnail, and a gallery.

The files of a picture are written as soon as it is captioned, each of them complete or not at all. attention.json and
index.html, which lists all pictures, are written at the end, also after an interruption or an error.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from captioning.pages.caption_view import caption_view
from s2s.files import atomic_file, check_output_folder
from s2s.views.attention_file import attention_writer
from s2s.views.attention_page import attention_page
from s2s.views.attention_strip import attention_strip
from s2s.views.attention_view import AttentionView
from s2s.views.light import shrink, webp
from s2s.views.web_page import fill_template, write_page
from s2s.vision.images import ImageError, read_image

if TYPE_CHECKING:
    from s2s.decoding.results import Caption

_TEMPLATE = Path(__file__).parent / "data" / "gallery.html"
_INDEX = "index.html"
_THUMBNAIL = 480  # pixels of its longer side
_LONGEST = 100  # bytes of a file's name, without a number and an ending
# Names that Windows reserves for devices.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


@contextmanager
def attention_folder(directory: Path, *, force: bool = False) -> Iterator[Callable[[Caption], str]]:
    """Yield a function that draws the page of a picture, and returns why that failed, or "".

    Raises UserError as `check_output_folder` does.
    """
    check_output_folder(directory, force=force)
    directory.mkdir(exist_ok=True)
    end = None
    with attention_writer(directory / "attention.json") as write:
        gallery = _Gallery(directory, write)
        try:
            yield gallery.add
        except BaseException as failure:  # index.html still links to the pages written so far
            if gallery.empty:
                raise
            end = failure
    write_page(directory / _INDEX, gallery.page())
    if end is not None:
        raise end


class Names:
    """Makes file names that are safe on every system, and that differ even if the case of letters is ignored."""

    def __init__(self) -> None:
        self._taken = {"index", "attention", *_DEVICES}

    def __call__(self, path: Path) -> str:
        """The name of the files of the picture at `path`, without an ending."""
        plain = re.sub(r"[^\w.-]+", "_", unicodedata.normalize("NFC", path.stem)).strip(".-")
        plain = plain.encode()[:_LONGEST].decode(errors="ignore") or "picture"
        name, number = plain, 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{plain}-{number}"
        self._taken.add(name.casefold())
        return name


class _Gallery:
    """Writes the files of each picture, and collects the entries of index.html."""

    def __init__(self, directory: Path, write: Callable[[AttentionView], None]) -> None:
        self._directory, self._write = directory, write
        self._names = Names()
        self._pictures: list[str] = []
        self._failures: list[str] = []

    @property
    def empty(self) -> bool:
        """Whether no picture has been added yet."""
        return not self._pictures and not self._failures

    def add(self, found: Caption) -> str:
        """See `attention_folder`."""
        problem = found.problem or self._draw(found)
        if problem:
            self._failures.append(f"<tr><th>{_text(found.name)}</th><td>{_text(problem)}</td></tr>")
        return "" if found.problem else problem

    def page(self) -> str:
        """The HTML of index.html."""
        head = '<h2 id="failures"><b>not captioned</b></h2>'
        rows = "\n".join(self._failures)
        count = f"{len(self._pictures):,} captioned"
        if self._failures:
            count += f", {len(self._failures):,} failed"
        return fill_template(
            _TEMPLATE,
            "Captions",
            count=count,
            failures=f'{head}\n<table aria-labelledby="failures">\n{rows}\n</table>' if rows else "",
            pictures="\n".join(self._pictures),
        )

    def _draw(self, found: Caption) -> str:
        """Write the files of a picture; return why that failed, or ""."""
        path = Path(found.name)
        try:
            image = read_image(path)
            view = caption_view(found, image)
        except (ImageError, OSError) as error:  # the file may have changed since it was captioned
            return getattr(error, "reason", str(error))
        name = self._names(path)
        with atomic_file(self._directory / f"{name}.webp") as aside:
            aside.write_bytes(webp(shrink(image, _THUMBNAIL)))
        if view is not None:
            self._write(view)
            photographs = {found.name: image}
            page = attention_page([view], view.name, photographs, gallery=_INDEX)
            write_page(self._directory / f"{name}.html", page)
            with atomic_file(self._directory / f"{name}.png") as aside:
                attention_strip(view, photographs).save(aside, compress_level=1)  # four times as fast as 6, 4 % larger
        self._pictures.append(_card(name, path, found.text, drawn=view is not None))
        return ""


def _card(name: str, path: Path, caption: str, *, drawn: bool) -> str:
    """The entry of a picture in index.html. A caption made without attention has no page to link to."""
    address = quote(name)
    inner = f'<img src="{address}.webp" alt="" loading="lazy"><p class="caption">{_text(caption)}</p>'
    file = f'<span title="{_text(path)}">{_text(path.name)}</span>'
    if drawn:
        inner = f'<a href="{address}.html">{inner}</a>'
        file += f' · <a href="{address}.png">strip</a>'
    return f'<li>{inner}<p class="file">{file}</p></li>'


def _text(text: object) -> str:
    return html.escape(str(text))

"""The folder that `caption --gallery DIR` and `--attention DIR` write: a thumbnail of each picture, pages, index.html.

The files of a picture are written as soon as it is captioned, each of them complete or not at all. index.html reads
captions.js, which grows with the run: the page can be looked at while the run goes on.
"""

from __future__ import annotations

import html
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from captioning.pages.caption_view import caption_view
from s2s.files import atomic_file, check_output_folder
from s2s.growing_file import GrowingFile
from s2s.text.languages import ENGLISH
from s2s.views.attention_file import encode_view, growing_attention
from s2s.views.attention_page import attention_page
from s2s.views.light import webp_within
from s2s.views.web_page import fill_template, script, write_page
from s2s.vision.images import ImageError, decode_image, read_image

if TYPE_CHECKING:
    from PIL import Image

    from s2s.decoding.results import Caption

_DATA = Path(__file__).parent / "data"
_INDEX, SCRIPT, ATTENTION = "index.html", "captions.js", "attention.json"
_THUMBNAIL, _BYTES = 480, 40_000  # pixels of its longer side, and bytes
_LONGEST = 100  # bytes of a file's name, without a number and an ending
# Names that Windows reserves for devices.
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def check_gallery_folder(directory: Path, *, force: bool = False, go_on: bool = False) -> None:
    """Raise a UserError unless a gallery can be written to `directory`; see `check_output_folder`.

    With `go_on` it may be a gallery already.
    """
    check_output_folder(directory, force=force or (go_on and (directory / SCRIPT).is_file()))


class Names:
    """Makes file names that are safe on every system, and that differ even if the case of letters is ignored.

    Args:
        taken: names that are not given again
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {"index", "attention", "captions", *_DEVICES, *map(str.casefold, taken)}

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


class GalleryFolder:
    """Writes the thumbnail of each picture, and its page.

    Args:
        directory: which exists
        title: of index.html
        folder: the name of the folder that the paths of pictures are relative to; empty if there is no such folder
        taken: the names of files that stay
        kept: the items of attention.json that stay; None if no pages of attention are written
        language: of the captions, for browsers and what reads pages aloud
    """

    def __init__(
        self,
        directory: Path,
        title: str,
        folder: str = "",
        taken: Iterable[str] = (),
        kept: list[bytes] | None = None,
        language: str = ENGLISH,
    ) -> None:
        self._directory, self._names, self._language = directory, Names(taken), language
        self._attention: GrowingFile | None = None
        if kept is not None:
            self._attention = growing_attention(directory / ATTENTION, kept)
        parts = {"script": script(_DATA / "gallery.js"), "zip": script(_DATA / "zip.js"), "folder": html.escape(folder)}
        parts["language"] = html.escape(language)
        write_page(directory / _INDEX, fill_template(_DATA / "gallery.html", title, **parts))

    def draw(self, name: str, source: Path | bytes | str, found: Caption | None) -> tuple[dict[str, Any], str]:
        """Write the files of a picture.

        Args:
            name: of the picture, for messages and views
            source: its file or content
            found: its caption; None if only the thumbnail is wanted

        Returns:
            what index.html needs to find them, and why the picture could not be drawn, or ""
        """
        try:
            image = decode_image(source, name) if isinstance(source, bytes) else read_image(Path(source))
            file = self._names(Path(name))
            page = self._page(file, name, image, found) if found and self._attention else ""
        except (ImageError, OSError) as error:  # the file may have changed since it was captioned
            return {}, getattr(error, "reason", str(error))
        with atomic_file(self._directory / f"{file}.webp", durable=False) as aside:
            aside.write_bytes(webp_within(image, _THUMBNAIL, _BYTES)[0])
        size = [image.width, image.height]
        return {"thumbnail": f"{file}.webp", "page": page, "file": self._address(source), "size": size}, ""

    def _page(self, file: str, name: str, image: Image.Image, found: Caption) -> str:
        """Write the page of a caption; return its name, or "" for a caption that was made without attention."""
        view = caption_view(found, image)
        if view is None or self._attention is None:
            return ""
        self._attention.add(encode_view(view))
        page = attention_page([view], view.name, {found.name: image}, gallery=_INDEX, language=self._language)
        write_page(self._directory / f"{file}.html", page, durable=False)
        return f"{file}.html"

    def _address(self, source: Path | bytes | str) -> str:
        """The address of the picture itself, relative to index.html; empty where it cannot have one."""
        if not isinstance(source, Path):
            return ""
        try:
            path = os.path.relpath(os.path.abspath(source), os.path.realpath(self._directory))  # noqa: PTH100 - links stay
        except ValueError:  # another drive of Windows
            return ""
        return quote(os.fsencode(Path(path).as_posix()))

    def close(self) -> None:
        """Close attention.json."""
        if self._attention:
            self._attention.close()

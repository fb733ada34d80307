"""The formats that `translate` knows, and how a file's format is told. A format is imported when a file has it."""

from __future__ import annotations

import codecs
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

from s2s.errors import UserError, warn
from translation.formats.document import Document, FormatOptions

TEXT = "text"  # one sentence per line: no document, and read as a stream


@dataclass(frozen=True)
class Format:
    """A format of documents.

    Attributes:
        name: for --format
        module: with its function `read`, see `translation.formats.document`
        endings: of the names of its files, in lower case; `.gz` or `.zst` may follow
    """

    name: str
    module: str
    endings: tuple[str, ...]


_FORMATS = (
    Format("docx", "translation.formats.docx", (".docx", ".docm", ".dotx", ".dotm")),
    Format("html", "translation.formats.html", (".html", ".htm", ".xhtml")),
    Format("jsonl", "translation.formats.jsonl", (".jsonl", ".ndjson")),
    Format("markdown", "translation.formats.markdown", (".md", ".markdown", ".mdown", ".mkd")),
    Format("odt", "translation.formats.odt", (".odt", ".ott")),
    Format("po", "translation.formats.po", (".po", ".pot")),
    Format("srt", "translation.formats.srt", (".srt",)),
    Format("tsv", "translation.formats.tsv", (".tsv", ".tab")),
    Format("vtt", "translation.formats.webvtt", (".vtt",)),
)
NEEDED = {"jsonl": "field", "tsv": "columns"}  # options without which a format cannot be read
ONLY_OF = {  # the formats that an option of the command line concerns
    "columns": ("tsv",),
    "field": ("jsonl",),
    "line_length": ("srt", "vtt"),
    "replace_fuzzy": ("po",),
}
OLD_DOCUMENTS = (".doc", ".dot", ".rtf")  # of word processors, which can save them as DOCX
BINARY = ("docx", "odt")  # formats that a terminal cannot show
FORMATS = {each.name: each for each in _FORMATS}
NAMES = (TEXT, *FORMATS)


def format_of(path: Path) -> str:
    """The name of the format that the name of a file tells; `TEXT` if it tells none."""
    name = path.name.lower().removesuffix(".gz").removesuffix(".zst")
    return next((each.name for each in _FORMATS if name.endswith(each.endings)), TEXT)


def format_module(name: str) -> ModuleType:
    """The module of a format. Raises ModuleNotFoundError if a package that it needs is not installed."""
    return import_module(FORMATS[name].module)


def read_document(content: bytes, name: str, format_name: str, options: FormatOptions) -> Document:
    """Read a document.

    Args:
        content: of the file
        name: of the file, for messages
        format_name: one of `FORMATS`
        options: of formats

    Raises:
        UserError: the file is broken.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        warn(f"{name}: is in UTF-16; its translation is too")
    try:
        return format_module(format_name).read(content, replace(options, name=name))
    except UserError as error:
        raise UserError(f"{name}: {error}") from error

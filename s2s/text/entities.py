"""XML entities in text, such as `&quot;`: what a tokeniser of Moses or a web page leaves in it."""

from __future__ import annotations

import html
import re

_ENTITY = re.compile(r"&(?:quot|apos|amp|lt|gt|nbsp|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")


def has_entity(text: str) -> bool:
    """Return whether there is an entity of XML, a numeric one, or `&nbsp;` in a text."""
    return "&" in text and _ENTITY.search(text) is not None


def unescape_entities(text: str) -> str:
    """Return a text with these entities turned into the characters they stand for, once: `&amp;lt;` gives `&lt;`."""
    return _ENTITY.sub(lambda entity: html.unescape(entity[0]), text) if "&" in text else text

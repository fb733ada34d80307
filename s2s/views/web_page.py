"""Web pages that are one file: a template, a style, and data that cannot break out of it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

_STYLE = Path(__file__).parent / "data" / "page.css"


def filled(template: Path, title: str, **parts: str) -> str:
    """The template with `{{style}}`, `{{title}}` (any text) and all of its other `{{name}}`s (HTML) filled in."""
    known = {"style": _STYLE.read_text(encoding="utf-8"), "title": html.escape(title), **parts}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: known[found[1]], template.read_text(encoding="utf-8"))


def as_script(data: object) -> str:
    """`data` as the JSON content of a script element, which `</script>` in a string must not end."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")

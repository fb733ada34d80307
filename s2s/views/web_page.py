"""Web pages that are one file: a template, the style that all pages share, and data that cannot break out of it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from s2s.files import atomic_file

_STYLE = Path(__file__).parent / "data" / "page.css"


def fill_template(template: Path, title: str, **parts: str) -> str:
    """Fill in the template's `{{style}}`, its `{{title}}` (any text) and all of its other `{{name}}`s (HTML)."""
    known = {"style": _STYLE.read_text(encoding="utf-8"), "title": html.escape(title), **parts}
    return re.sub(r"\{\{(\w+)\}\}", lambda found: known[found[1]], template.read_text(encoding="utf-8"))


def script(module: Path) -> str:
    """A JavaScript module of one file as part of a page's script: its exports become plain declarations."""
    return re.sub(r"(?m)^export (?=const|let|function|class|async)", "", module.read_text(encoding="utf-8"))


def json_for_script(data: object) -> str:
    """`data` as the JSON content of a script element, which `</script>` in a string must not end."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def write_page(path: Path, page: str, *, durable: bool = True) -> None:
    r"""Write the HTML of a page, complete or not at all. Bytes of a file's name that are not UTF-8 become `\udc..`.

    For `durable` see `atomic_file`.
    """
    with atomic_file(path, durable=durable) as aside:
        aside.write_text(page, encoding="utf-8", errors="backslashreplace", newline="\n")

"""Check that no page of the site loads anything from the network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

# What a browser loads by itself; links that a reader may follow are <a href>.
LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio)\b[^>]*?\ssrc=[\"']?(?:https?:)?//[^\s\"'>]+|<link\b[^>]*?\shref=[\"']?(?:https?:)?//[^\s\"'>]+|@import\s+[\"'(]|url\([\"']?(?:https?:)?//[^)]+"
)


def loaded_from_the_network(text: str) -> list[str]:
    """Return the parts of a page or style sheet that make a browser load something from another server."""
    return LOADED.findall(text)


def on_post_build(config: MkDocsConfig) -> None:
    """Fail the build if there is such a page."""
    from mkdocs.exceptions import PluginError

    for path in sorted(Path(config.site_dir).rglob("*")):
        if path.suffix in (".html", ".css") and (found := loaded_from_the_network(path.read_text(encoding="utf-8"))):
            raise PluginError(f"{path}: loads from the network: {found[0]}")

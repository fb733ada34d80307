"""A text of several lines, to be translated line by line."""

from __future__ import annotations

from collections.abc import Sequence


class PlainText:
    r"""A text; its line ends (`\n` or `\r\n`) and blank lines come out as they are.

    Attributes:
        segments: what is to be translated: its lines
    """

    def __init__(self, text: str) -> None:
        self._parts = [(line.removesuffix("\r"), line.endswith("\r")) for line in text.split("\n")]
        self.segments = [line for line, _ in self._parts if line.strip()]

    def written(self, translations: Sequence[str]) -> str:
        """The text with the translation of each of its `segments`."""
        found = iter(translations)
        written = [next(found) if line.strip() else line for line, _ in self._parts]
        return "\n".join(line + "\r" * returned for line, (_, returned) in zip(written, self._parts))

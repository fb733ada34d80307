"""A text of several lines, to be translated line by line."""

from __future__ import annotations

from collections.abc import Sequence


class PlainText:
    r"""A text; its line ends (`\n` or `\r\n`) and blank lines come out as they are.

    Attributes:
        lines: what is to be translated
    """

    def __init__(self, text: str) -> None:
        self._parts = [(line.removesuffix("\r"), line.endswith("\r")) for line in text.split("\n")]
        self.lines = [line for line, _ in self._parts if line.strip()]

    def broken_lines(self, translations: Sequence[str]) -> list[str]:
        """See `HtmlText.broken_lines`: a plain text has no tags to lose."""
        return []

    def write(self, translations: Sequence[str], texts: Sequence[str] = ()) -> str:
        """The text with the translation of each of its `lines`."""
        found = iter(translations)
        written = [next(found) if line.strip() else line for line, _ in self._parts]
        return "\n".join(line + "\r" * returned for line, (_, returned) in zip(written, self._parts))

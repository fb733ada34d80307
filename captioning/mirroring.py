"""Captions of mirrored pictures: left is right (Desai & Johnson, 2021, "VirTex"), in the languages of `SIDES`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from s2s.errors import check
from s2s.text.languages import primary_subtag

_ENGLISH = re.compile(r"\b(?P<side>left|right)\b", re.IGNORECASE)
# What German compounds of the two have as their second part: not Rechtsanwalt, Rechteck and aufrecht.
_COMPOUNDS = (
    "abbieg|abweich|arm|außen|bein|bünd|bündig|dreh|drall|fuß|füß|galopp|gelenk|gerichtet|gewandt|gewende|geneigt|hand"
    "|händ|herum|kehr|kurv|lastig|lauf|läuf|liegend|neig|rum|schwenk|seit|steh|steuer|stürm|verkehr|wend|wärts"
)
_GERMAN = re.compile(
    rf"\b(?:halb|oben|unten|vorn|vorne|hinten|ganz|weit)?(?:(?P<side>links|rechts)(?:-?(?:{_COMPOUNDS})\w*)?"
    r"|(?P<stem>link|recht)e[mnrs]?)\b",
    re.IGNORECASE,
)
SIDES: Mapping[str, tuple[re.Pattern[str], Mapping[str, str]]] = MappingProxyType(
    {
        "en": (_ENGLISH, {"left": "right", "right": "left"}),
        "de": (_GERMAN, {"links": "rechts", "rechts": "links", "link": "recht", "recht": "link"}),
    }
)


def knows_sides(language: str) -> bool:
    """Whether it is known what left and right are called in a language."""
    return primary_subtag(language) in SIDES


def mirrored(language: str) -> Callable[[str], str]:
    """A function from a caption in a language to that of the mirrored picture: `left-hand` becomes `right-hand`.

    Raises:
        UserError: it is not known what left and right are called in this language.
    """
    check(knows_sides(language), unknown_sides(language))
    pattern, others = SIDES[primary_subtag(language)]

    def exchange(found: re.Match[str]) -> str:
        name = next(name for name, text in found.groupdict().items() if text)
        first, last = (place - found.start() for place in found.span(name))
        side = _in_case_of(found[name], others[found[name].lower()])
        return found[0][:first] + side + found[0][last:]

    return lambda caption: pattern.sub(exchange, caption)


def unknown_sides(language: str) -> str:
    """The message for a language of which that is not known."""
    return (
        f"what left and right are called, which are exchanged where a picture is mirrored, is known for "
        f"{', '.join(SIDES)}, not for {language}: set image.mirror = false"
    )


def _in_case_of(word: str, other: str) -> str:
    return other.upper() if word.isupper() else other.title() if word.istitle() else other

"""Captions of mirrored pictures, in the languages that are known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioning.mirroring import knows_sides, mirrored
from s2s.errors import UserError


@pytest.mark.parametrize(
    ("language", "caption", "expected"),
    [
        ("en", "a man on the left", "a man on the right"),
        ("en", "from left to right", "from right to left"),
        ("en-GB", "Left of a man.", "Right of a man."),
        ("en", "the left-hand side", "the right-hand side"),
        ("en", "a bright light over a man who stands upright", "a bright light over a man who stands upright"),
        ("de", "Links steht ein Mann, rechts eine Frau.", "Rechts steht ein Mann, links eine Frau."),
        ("de", "in der linken Hand ￭, im rechten Arm", "in der rechten Hand ￭, im linken Arm"),
        (
            "de",
            "ein linker Fuß und ein rechtes Bein auf RECHTEM Feld",
            "ein rechter Fuß und ein linkes Bein auf LINKEM Feld",
        ),
        ("de", "eine Linkskurve, rechtsgelenkt, halbrechts", "eine Rechtskurve, linksgelenkt, halblinks"),
        ("de", "ein Linkshänder, Rechts-Abbieger", "ein Rechtshänder, Links-Abbieger"),
        (
            "de",
            "ein recht großes Rechteck, aufrecht und senkrecht",
            "ein recht großes Rechteck, aufrecht und senkrecht",
        ),
        ("de", "Ein Rechtsanwalt mit Links im Browser", "Ein Rechtsanwalt mit Rechts im Browser"),
        ("de_AT", "left and right", "left and right"),
    ],
)
def test_sides_change_in_a_mirror(language: str, caption: str, expected: str) -> None:
    assert mirrored(language)(caption) == expected


WORDS = {
    "en": ["left", "right", "left-hand", "bright", "Right", "a", "dog"],
    "de": ["links", "Rechts", "linken", "RECHTE", "Rechtskurve", "recht", "aufrecht", "halblinks", "ein", "Hund"],
}


@given(
    st.sampled_from(sorted(WORDS)).flatmap(
        lambda code: st.tuples(st.just(code), st.lists(st.sampled_from(WORDS[code])))
    )
)
def test_twice_mirrored_is_not_mirrored(given: tuple[str, list[str]]) -> None:
    language, words = given
    mirror, caption = mirrored(language), " ".join(words)
    assert mirror(mirror(caption)) == caption


def test_a_language_whose_sides_are_unknown_is_refused() -> None:
    assert not knows_sides("fr")
    with pytest.raises(UserError, match=r"known for en, de, not for fr: set image\.mirror = false"):
        mirrored("fr")

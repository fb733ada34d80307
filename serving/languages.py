"""Names of languages in English, and which language a text is in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from s2s.text.languages import primary_subtag

_TABLE = (
    "ar=Arabic bg=Bulgarian bn=Bengali ca=Catalan cs=Czech da=Danish de=German el=Greek en=English eo=Esperanto "
    "es=Spanish et=Estonian fa=Persian fi=Finnish fr=French ga=Irish he=Hebrew hi=Hindi hr=Croatian hu=Hungarian "
    "id=Indonesian is=Icelandic it=Italian ja=Japanese ko=Korean lt=Lithuanian lv=Latvian ms=Malay mt=Maltese "
    "nb=Norwegian nl=Dutch pl=Polish pt=Portuguese ro=Romanian ru=Russian sk=Slovak sl=Slovenian sq=Albanian "
    "sr=Serbian sv=Swedish sw=Swahili th=Thai tl=Tagalog tr=Turkish uk=Ukrainian ur=Urdu vi=Vietnamese zh=Chinese"
)
_NAMES = {pair[:2]: pair[3:] for pair in _TABLE.split()}
_LOADING = Lock()
_OTHER = 0.5  # probability from which a text is taken to be in a language that no model reads


def language_name(code: str) -> str:
    """The English name of a language; its code if it is not among the common ones."""
    return _NAMES.get(primary_subtag(code), code)


@dataclass(frozen=True)
class Detected:
    """The languages that a text may be in.

    Attributes:
        languages: those of the models, likeliest first, with the probability of each among all languages known
        other: whether the text seems to be in another language
    """

    languages: tuple[tuple[str, float], ...]
    other: bool


def detect(texts: Iterable[str], languages: Sequence[str]) -> Detected:
    """Find the language of texts, with py3langid, which knows 139 of them.

    The probabilities of `languages` need not add up to 1: the rest belongs to languages that no model reads. They are
    too low rather than too high, see docs/server.md.
    """
    with _LOADING:
        identifier = language_identifier()
    found: dict[str, float] = dict(identifier.rank("\n".join(texts)))
    ranked = sorted(((code, found.get(primary_subtag(code), 0.0)) for code in languages), key=lambda pair: -pair[1])
    known = {primary_subtag(code) for code in languages}
    return Detected(tuple(ranked), any(p >= _OTHER for code, p in found.items() if code not in known))


@cache
def language_identifier() -> Any:
    """The classifier. It is loaded at first use: it takes most of a second and 90 MB."""
    from pathlib import Path

    import py3langid
    from py3langid.langid import LanguageIdentifier

    return LanguageIdentifier.from_modelpath(
        str(Path(py3langid.__file__).parent / "data" / "model.npz.xz"), norm_probs=True
    )

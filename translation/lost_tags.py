"""Lost tags: a segment whose translation has not all its tags is translated again, text by text between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from s2s.decoding.results import Sentence
from translation.formats.tags import join_texts, keeps_tags, texts_between
from translation.terms import checked_terms

if TYPE_CHECKING:
    from s2s.decoding.results import Translation

REASON = "its tags were lost, so that the texts between them were translated one by one"

Places = Sequence[tuple[int, ...]]


def with_tags(
    segments: Sequence[str],
    translations: Sequence[Translation],
    translate: Callable[[Sequence[str], Places], Sequence[Translation]],
    first: int,
) -> list[Translation]:
    """The translations of segments, each with the tags of its segment.

    Args:
        segments: with numbered tags, see `translation.formats.tags`
        translations: of them
        translate: texts at places, see `Translator.translate`
        first: the number of the first segment. The places of a text are the number of its segment and its own in that
            segment
    """
    broken = [i for i, pair in enumerate(zip(segments, translations)) if not keeps_tags(pair[0], pair[1].text)]
    texts = [(text, (first + i, part)) for i in broken for part, text in enumerate(texts_between(segments[i]))]
    found = iter(translate([text for text, _ in texts], [place for _, place in texts]) if texts else ())
    repaired = list(translations)
    for i in broken:
        parts = [next(found) for _ in texts_between(segments[i])]
        repaired[i] = _joined(segments[i], translations[i], parts)
    return repaired


def _joined(segment: str, lost: Translation, parts: Sequence[Translation]) -> Translation:
    """The translation of a segment in parts, of which nothing is known but the text and what is doubtful.

    Args:
        segment: with its tags
        lost: the translation that has lost tags
        parts: the translations of its texts
    """
    text = join_texts(segment, (part.text for part in parts))
    of_parts = (reason for part in parts if part.doubtful for reason in part.reasons)
    return replace(
        lost,
        n_best=(Sentence(text, 0.0),),
        confidence=None,
        doubtful=any(part.doubtful for part in parts),
        reasons=tuple(dict.fromkeys((REASON, *of_parts))),
        alignment=None,
        terms=checked_terms(text, lost.terms, any_case=True),
    )

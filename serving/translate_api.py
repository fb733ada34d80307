"""LibreTranslate's API: /translate, /detect, /languages, /frontend/settings."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from s2s.decoding.results import Translation
from s2s.errors import UserError
from s2s.text.languages import primary_subtag
from serving.bodies import read_values
from serving.context import Context, unless_gone
from serving.errors import RequestError
from serving.languages import detect, language_name
from serving.loading import Translating
from serving.parameters import parameter, read, shortened
from serving.plain_text import PlainText
from serving.results import translation_details
from translation.formats.html_text import html_parts
from translation.formats.tags import join_texts, keeps_tags, texts_between
from translation.formats.text_file import TextDocument, TextFile
from translation.glossary import Glossary

_KEY_HELP = "key, if the server asks for one"


@dataclass(frozen=True)
class TranslateParameters:
    """What is to be translated."""

    q: str | list[str] = parameter("text, or several texts", example="A man is sleeping.")
    source: str = parameter("language code of the text, or auto", example="en")
    target: str = parameter("language code of the translation", example="de")
    format: str = parameter("html: tags and their attributes stay as they are", "text", choices=("text", "html"))
    alternatives: int = parameter("how many more translations to return; there may be fewer", 0)
    details: bool = parameter("whether to return score, confidence and its reasons for each line", False)
    attention: bool = parameter("whether the details include tokens and attention weights", False)
    glossary: dict[str, str] | None = parameter("what terms become, by the terms; case counts, as in `translate`", None)
    keep: str | list[str] = parameter("a term, or several, that stay as they are", "")
    api_key: str = parameter(_KEY_HELP, "")


@dataclass(frozen=True)
class DetectParameters:
    """The text whose language is asked for."""

    q: str | list[str] = parameter("text, or several texts in one language", example="Ein Mann schläft.")
    api_key: str = parameter(_KEY_HELP, "")


async def translate(request: Request) -> JSONResponse:
    """Translate texts."""
    context = Context.of(request)
    values = await read_values(request)
    context.check_key(request, values)
    asked = read(TranslateParameters, values)
    texts, glossary = _texts(context, asked.q), _glossary(context, asked)
    detected: dict[str, Any] | None = None
    source = asked.source
    if source == "auto":
        detected = await _detected_source(context, texts)
        source = detected["language"]
    if primary_subtag(source) == primary_subtag(asked.target) and _known(context, source):
        written = [_Written(text, [], []) for text in texts]
    else:
        direction = _direction(context, source, asked.target)
        written = await unless_gone(request, _translate(context, direction, texts, asked, glossary))
    several = isinstance(asked.q, list)
    answer: dict[str, Any] = {"translatedText": _one_or_all([each.text for each in written], several)}
    if detected:
        answer["detectedLanguage"] = [detected] * len(texts) if several else detected
    if asked.alternatives:
        answer["alternatives"] = _one_or_all([each.alternatives for each in written], several)
    if asked.details or asked.attention:
        answer["details"] = _one_or_all([each.details for each in written], several)
    return JSONResponse(answer)


async def detect_language(request: Request) -> JSONResponse:
    """Tell the likeliest of the languages that the server knows."""
    context = Context.of(request)
    values = await read_values(request)
    context.check_key(request, values)
    asked = read(DetectParameters, values)
    texts = _texts(context, asked.q)
    found = await asyncio.to_thread(detect, texts, context.services.languages)
    return JSONResponse([{"language": code, "confidence": _percent(p)} for code, p in found.languages])


async def languages(request: Request) -> JSONResponse:
    """List the languages, and what each can be translated to."""
    services = Context.of(request).services
    found = []
    for code in services.languages:
        targets = [each.target for each in services.models.translating if each.source == code]
        found.append({"code": code, "name": language_name(code), "targets": targets})
    return JSONResponse(found)


async def frontend_settings(request: Request) -> JSONResponse:
    """Tell what LibreTranslate's page needs to know."""
    context = Context.of(request)
    first = next(iter(context.services.models.translating), None)
    sides = {"source": first.source if first else "", "target": first.target if first else ""}
    return JSONResponse(
        {
            "apiKeys": bool(context.keys),
            "keyRequired": bool(context.keys),
            "charLimit": context.limits.characters,
            "frontendTimeout": 500,
            "suggestions": False,
            "filesTranslation": False,
            "supportedFilesFormat": [],
            "language": {side: {"code": code, "name": language_name(code)} for side, code in sides.items()},
        }
    )


@dataclass(frozen=True)
class _Written:
    """A text that was translated, other translations of it, and the details of its lines."""

    text: str
    alternatives: list[str]
    details: list[dict[str, Any]]


async def _translate(
    context: Context, direction: Translating, texts: list[str], asked: TranslateParameters, glossary: Glossary | None
) -> list[_Written]:
    """Translate texts: the segments of all of them at once, then the texts between tags that got lost."""
    html = asked.format == "html"
    documents = [TextDocument(TextFile(text), html_parts(text)) if html else PlainText(text) for text in texts]
    segments = [segment for document in documents for segment in document.segments]
    translations = await context.services.translate(direction, segments, glossary)
    lost = [html and not keeps_tags(segment, line.text) for segment, line in zip(segments, translations)]
    between = [text for segment, is_lost in zip(segments, lost) if is_lost for text in texts_between(segment)]
    repaired = (each.text for each in await context.services.translate(direction, between, glossary))
    best = iter(
        [join_texts(s, repaired) if is_lost else line.text for s, line, is_lost in zip(segments, translations, lost)]
    )
    found, written = iter(translations), []
    for document in documents:
        lines = [next(found) for _ in document.segments]
        texts = [next(best) for _ in document.segments]
        others = _others(lines, texts, document.segments if html else None, asked.alternatives)
        versions = list(dict.fromkeys(document.written(each) for each in [texts, *others]))
        details = [translation_details(line, asked.alternatives, asked.attention) for line in lines]
        written.append(_Written(versions[0], versions[1 : asked.alternatives + 1], details))
    return written


def _others(
    lines: Sequence[Translation], best: Sequence[str], tagged: Sequence[str] | None, alternatives: int
) -> Iterator[list[str]]:
    """The n-th best translation of all lines, for each n from 2 on; a line without one gives its best.

    Args:
        lines: the translations
        best: what is written of each
        tagged: the segments, where a translation that has not their tags is none
        alternatives: how many more translations there are at most
    """
    for n in range(1, 1 + min(alternatives, max((len(line.n_best) for line in lines), default=1) - 1)):
        texts = [line.n_best[n].text if n < len(line.n_best) else None for line in lines]
        yield [
            first if text is None or (tagged and not keeps_tags(tagged[i], text)) else text
            for i, (text, first) in enumerate(zip(texts, best))
        ]


async def _detected_source(context: Context, texts: list[str]) -> dict[str, Any]:
    """The likeliest language among those that the server translates."""
    sources = list(dict.fromkeys(each.source for each in context.services.models.translating))
    found = await asyncio.to_thread(detect, texts, sources)
    if found.other or not found.languages:
        raise RequestError(400, f"the text does not seem to be in {' or '.join(sources)}; name its language as source")
    code, probability = found.languages[0]
    return {"language": code, "confidence": _percent(probability)}


def _direction(context: Context, source: str, target: str) -> Translating:
    """The translator of a direction."""
    for code in (source, target):
        if not _known(context, code):
            raise RequestError(400, f"{shortened(code)} is not supported")
    found = context.services.find(source, target)
    if found is None:
        raise RequestError(400, f"{source} to {target} is not supported; see /languages")
    return found


def _known(context: Context, code: str) -> bool:
    return primary_subtag(code) in map(primary_subtag, context.services.languages)


def _texts(context: Context, q: str | list[str]) -> list[str]:
    """The texts of a request. Raises RequestError if they are longer than a request may be."""
    texts = [q] if isinstance(q, str) else q
    length, limit = sum(map(len, texts)), context.limits.characters
    if length > limit:
        raise RequestError(400, f"Invalid request: request ({length}) exceeds text limit ({limit})")
    return texts


def _glossary(context: Context, asked: TranslateParameters) -> Glossary | None:
    """The terms of a request. Raises RequestError for too many, too long or blank ones, and for contradictions."""
    kept = [asked.keep] if isinstance(asked.keep, str) else asked.keep
    terms, keep = asked.glossary or {}, [term for term in kept if term]
    if not terms and not keep:
        return None
    count, limits = len(terms) + len(keep), context.limits
    if count > limits.terms:
        raise RequestError(400, f"Invalid request: {count:,} terms in glossary and keep, more than {limits.terms:,}")
    for text in (*terms, *terms.values(), *keep):
        if not text.strip():
            raise RequestError(400, "Invalid request: a term in glossary or keep is blank")
        if len(text) > limits.term:
            long = f"the term {shortened(text)} has {len(text):,} characters, more than {limits.term:,}"
            raise RequestError(400, f"Invalid request: {long}")
    try:
        return Glossary.of(terms, keep)
    except UserError as error:
        raise RequestError(400, f"Invalid request: {error}") from error


def _one_or_all(values: list[Any], several: bool) -> Any:
    return values if several else values[0]


def _percent(probability: float) -> float:
    return round(100 * probability, 1)

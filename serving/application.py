"""The application: its addresses, and what each of them does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from serving.caption_api import CaptionParameters, caption
from serving.context import Context
from serving.description import Endpoint, describe
from serving.description_page import description_page
from serving.guard import Guard
from serving.limits import Limits
from serving.loading import Models
from serving.metrics import CONTENT_TYPE, Metrics
from serving.pages import PageModel, served_page
from serving.services import Services
from serving.translate_api import (
    DetectParameters,
    TranslateParameters,
    detect_language,
    frontend_settings,
    languages,
    translate,
)

_ENDPOINTS = (
    Endpoint(
        "/translate",
        "post",
        "Translate a text or several, with the parameters of LibreTranslate",
        "translatedText; with source auto detectedLanguage, with alternatives and details what they say",
        TranslateParameters,
    ),
    Endpoint(
        "/detect",
        "post",
        "Detect the language of a text among those of the models, with its probability in percent; the rest of "
        "100 belongs to other languages",
        "a list of language and confidence, the likeliest first",
        DetectParameters,
    ),
    Endpoint("/languages", "get", "List the languages, and what each can be translated to", "code, name, targets"),
    Endpoint("/frontend/settings", "get", "Tell the settings that LibreTranslate's page asks for", "the settings"),
    Endpoint(
        "/caption",
        "post",
        "Describe a photograph in the body, or several in a form",
        "captions, one object for each picture: caption, score, confidence, doubtful, reasons, n_best; or its problem",
        CaptionParameters,
        pictures=True,
    ),
    Endpoint("/health", "get", "Tell whether the server answers", "status and the names of the models"),
    Endpoint("/metrics", "get", "Count requests, batches and what waits, for Prometheus", "text"),
)


def build_application(models: Models, limits: Limits | None = None, keys: frozenset[str] = frozenset()) -> Starlette:
    """Build the web application that offers `models`. If there are `keys`, a request needs one of them.

    The threads of the models start here; they end after the application's shutdown.
    """
    limits, metrics = limits or Limits(), Metrics()
    services = Services(models, limits, metrics)
    routes = [
        Route("/", _page),
        Route("/translate", translate, methods=["POST"]),
        Route("/detect", detect_language, methods=["POST"]),
        Route("/languages", languages),
        Route("/frontend/settings", frontend_settings),
        Route("/caption", caption, methods=["POST"]),
        Route("/health", _health),
        Route("/metrics", _metrics),
        Route("/openapi.json", _openapi),
        Route("/docs", _docs),
    ]
    paths = frozenset(route.path for route in routes)
    text_limits = {"/translate": limits.text_body, "/detect": limits.text_body}

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await services.close()

    application = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, limits, metrics, text_limits, paths)],
        exception_handlers={HTTPException: _http_error},
        lifespan=lifespan,
    )
    page = served_page(_page_models(models), keyed=bool(keys))
    application.state.context = Context(services, limits, metrics, keys, page)
    return application


def _page_models(models: Models) -> list[PageModel]:
    translators = [PageModel("translation", each.name, each.source, each.target) for each in models.translating]
    return [*translators, *([PageModel("captioning", models.captioning.name)] if models.captioning else [])]


async def _page(request: Request) -> Response:
    return HTMLResponse(Context.of(request).page)


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok", "models": Context.of(request).services.models.names})


async def _metrics(request: Request) -> Response:
    return PlainTextResponse(Context.of(request).metrics.text(), media_type=CONTENT_TYPE)


async def _openapi(request: Request) -> Response:
    return JSONResponse(_description(request))


async def _docs(request: Request) -> Response:
    return HTMLResponse(description_page(_description(request), str(request.base_url).rstrip("/")))


def _description(request: Request) -> dict:
    limits = Context.of(request).limits
    return describe(
        _ENDPOINTS,
        f"The texts of a request have at most {limits.characters:,} characters, a request at most {limits.body:,} "
        f"bytes, and an answer takes at most {limits.seconds:g} s.",
    )


async def _http_error(_: Request, error: Exception) -> Response:
    """Answer what the framework refuses: an unknown address, a wrong method."""
    assert isinstance(error, HTTPException)
    message = {404: "there is nothing here; see /docs", 405: "this address takes another method; see /docs"}
    return JSONResponse({"error": message.get(error.status_code, error.detail)}, error.status_code, error.headers)

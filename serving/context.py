"""What the handlers of requests share: the models, the limits, the keys."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from serving.errors import RequestError
from serving.limits import Limits
from serving.metrics import Metrics
from serving.services import Services

T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """The parts of a server.

    Attributes:
        services: the models
        limits: what is accepted
        metrics: what is counted
        keys: those that requests may have; none are asked for if it is empty
        page: the page for people, HTML
    """

    services: Services
    limits: Limits
    metrics: Metrics
    keys: frozenset[str]
    page: str

    @classmethod
    def of(cls, request: Request) -> Context:
        """The context of a request's server."""
        return request.app.state.context

    def check_key(self, request: Request, values: Mapping[str, Any]) -> None:
        """Raise a RequestError unless the request has a key, as the parameter `api_key` or as a bearer token."""
        if not self.keys:
            return
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        given = str(values.get("api_key") or (token if kind.lower() == "bearer" else ""))
        if not given:
            raise RequestError(403, "this server asks for a key: send it as api_key")
        encoded = given.encode("utf-8", "replace")
        if not any(hmac.compare_digest(encoded, key.encode()) for key in self.keys):
            raise RequestError(403, "Invalid API key")


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Do the work unless the client closes the connection, so that nobody's lines are not translated.

    Raises:
        ClientDisconnect: the client is gone.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

"""What stands around every request: limits of size and time, errors as JSON, metrics, one line of log."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from pathlib import Path

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import BusyError, RequestError
from serving.limits import Limits
from serving.metrics import Metrics

GONE = 499  # what web servers log for a client that closed the connection
_LOG = logging.getLogger("serving")
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))


class Guard:
    """Middleware that keeps the limits of a server and answers its errors.

    Args:
        app: the application
        limits: of the server
        metrics: of the server
        body_limits: bytes of a request by its path, where they are not those of `limits`
        paths: those of the server; logs and metrics name no others, because they may hold anything
    """

    def __init__(
        self, app: ASGIApp, limits: Limits, metrics: Metrics, body_limits: dict[str, int], paths: frozenset[str]
    ) -> None:
        self._app, self._limits, self._metrics = app, limits, metrics
        self._body_limits, self._paths = body_limits, paths
        self._held = 0  # bytes of bodies that are being answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in self._paths else "other"
        exchange = _Exchange(receive, send, self._body_limits.get(path, self._limits.body))
        started = time.monotonic()
        try:
            await self._answer(scope, exchange)
        finally:
            self._held -= exchange.received
            seconds = time.monotonic() - started
            self._metrics.request(path, exchange.status, seconds)
            _LOG.info("%s %s %d %.0f ms", _method(scope), path, exchange.status, 1000 * seconds)

    async def _answer(self, scope: Scope, exchange: _Exchange) -> None:
        """Call the application, and answer for it if it fails."""

        async def receive() -> Message:
            message = await exchange.receive()
            self._held += len(message.get("body", b""))
            exchange.check_size()
            if self._held > self._limits.bodies:
                raise BusyError
            return message

        try:
            async with asyncio.timeout(self._limits.seconds):
                exchange.check_announced(scope)
                await self._app(scope, receive, exchange.send)
            return
        except RequestError as error:
            failure = error
        except TimeoutError:
            limit = f"{self._limits.seconds:g} s"
            failure = (
                RequestError(504, f"the answer took more than {limit}; try again later, or send less at once")
                if exchange.complete
                else RequestError(408, f"the request took more than {limit} to arrive; send less at once")
            )
        except ClientDisconnect:
            exchange.status = GONE
            return
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)[-3:]
            where = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames)
            _LOG.error("internal error: %s at %s", type(error).__name__, where)  # its message may quote a text
            failure = RequestError(500, "internal error; please report it to whoever runs this server")
        await exchange.fail(failure, scope)


class _Exchange:
    """The messages of one request and its answer.

    Attributes:
        received: bytes of the body so far
        complete: whether the whole body has arrived
        status: of the answer; `GONE` as long as there is none
    """

    def __init__(self, receive: Receive, send: Send, limit: int) -> None:
        self.received, self.complete, self.status = 0, False, GONE
        self._receive, self._send, self._limit = receive, send, limit

    def check_announced(self, scope: Scope) -> None:
        """Raise a RequestError if the header announces a body that is too large."""
        length = dict(scope["headers"]).get(b"content-length", b"0")
        self.check_size(int(length[:18]) if length.isdigit() else 0)

    def check_size(self, size: int = 0) -> None:
        """Raise a RequestError if `size`, or what has been received, is too large."""
        if max(size, self.received) > self._limit:
            raise RequestError(413, f"the request has more than {self._limit:,} bytes; send it in parts")

    async def receive(self) -> Message:
        """The next message from the client."""
        message = await self._receive()
        self.received += len(message.get("body", b""))
        self.complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a message to the client."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
        await self._send(message)

    async def fail(self, error: RequestError, scope: Scope) -> None:
        """Answer with an error, unless an answer has begun; then the client notices that it is not whole."""
        if self.status != GONE:
            return
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        if not self.complete and b"expect" not in dict(scope["headers"]):
            await self._discard()
        await JSONResponse({"error": error.message}, error.status, headers)(scope, self._receive, self.send)

    async def _discard(self) -> None:
        """Take the rest of the body and drop it: many clients read no answer before they have sent everything."""
        discarded = 0
        try:
            async with asyncio.timeout(2):
                while not self.complete and discarded < 4 * self._limit:
                    message = await self._receive()
                    discarded += len(message.get("body", b""))
                    self.complete = not message.get("more_body", False)
        except TimeoutError:
            return


def _method(scope: Scope) -> str:
    """The method of a request, if it is one that the server knows."""
    return scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "OPTIONS") else "other"

"""A server with toy models, on a free port of the loopback."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import Any

import captioning_fixtures
import uvicorn
from translation_fixtures import tiny_model

from captioning.captioner import Captioner
from s2s.decoding.search import BeamOptions
from serving.application import build_application
from serving.limits import Limits
from serving.loading import Captioning, Models, Translating
from translation.translator import Translator


@dataclass(frozen=True)
class Answer:
    """The answer to a request."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The message of an error, which is all that its body holds."""
        assert list(self.json) == ["error"]
        return self.json["error"]


@dataclass(frozen=True)
class Server:
    """A server that runs in a thread."""

    url: str

    def get(self, path: str) -> Answer:
        """Ask for a path."""
        return self.send("GET", path)

    def post(self, path: str, values: Any) -> Answer:
        """Send JSON."""
        return self.send("POST", path, json.dumps(values).encode(), {"Content-Type": "application/json"})

    def form(self, path: str, values: Mapping[str, Any]) -> Answer:
        """Send a form."""
        return self.send("POST", path, urllib.parse.urlencode(values, doseq=True).encode())

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request and return the answer, whatever its status."""
        request = urllib.request.Request(self.url + path, body, dict(headers or {}), method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())


def toy_models() -> Models:
    """A translator from English to German, which writes nonsense, and a captioner of coloured squares."""
    translating, captioning = tiny_model(), captioning_fixtures.model()
    translating.network.eval()
    captioning.network.eval()
    options = BeamOptions(3, n_best=3, stop_early=True)
    translator = Translator(translating.engine("float32"), options)
    captioner = Captioner(captioning.engine("float32"), BeamOptions(3, n_best=3, minimum_length=1))
    return Models((Translating("tiny", "en", "de", translator),), Captioning("squares", captioner))


@contextmanager
def running(models: Models, limits: Limits | None = None, keys: frozenset[str] = frozenset()) -> Iterator[Server]:
    """Run a server as long as the block lasts."""
    application = build_application(models, limits, keys)
    config = uvicorn.Config(application, port=0, log_config=None, access_log=False, ws="none", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Server(f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()

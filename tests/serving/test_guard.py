from __future__ import annotations

import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from serving_fixtures import Answer, Server, running

from s2s.decoding.results import Translation
from serving.limits import Limits
from serving.loading import Models
from translation.translator import Translator

VALUES = {"q": "a man", "source": "en", "target": "de"}


class Held(Translator):
    """A translator that waits for `go` before each batch, and fails at the word `fail`."""

    def __init__(self, translator: Translator) -> None:
        vars(self).update(vars(translator))
        self.go, self.begun, self.lines = threading.Event(), threading.Event(), list[str]()

    def translate(self, lines: object) -> list[Translation]:  # type: ignore[override]
        """See `Translator`."""
        assert isinstance(lines, list)
        self.lines += lines
        self.begun.set()
        assert self.go.wait(30)
        if "fail" in lines:
            raise ValueError(f"/a/secret/path: {lines}")
        return super().translate(lines)


@pytest.fixture
def held(models: Models) -> Held:
    return Held(models.translating[0].translator)


def holding(models: Models, held: Held) -> Models:
    return Models((replace(models.translating[0], translator=held),))


def in_background(call: Callable[[], Answer]) -> tuple[threading.Thread, list[Answer]]:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()
    return thread, answers


def test_a_full_queue_says_when_to_try_again(models: Models, held: Held) -> None:
    with running(holding(models, held), Limits(waiting_lines=1)) as server:
        first, answers = in_background(lambda: server.post("/translate", VALUES))
        assert held.begun.wait(30)
        second, more = in_background(lambda: server.post("/translate", VALUES))
        while b's2s_waiting_items{model="tiny"} 1.0' not in server.get("/metrics").body:
            time.sleep(0.01)
        refused = server.post("/translate", VALUES)
        assert (refused.status, refused.error) == (429, "the server is busy; try again in 1 s")
        assert refused.headers["Retry-After"] == "1"
        held.go.set()
        first.join()
        second.join()
        assert answers[0].status == more[0].status == 200
        assert server.post("/translate", VALUES).status == 200


def test_an_answer_that_takes_too_long_is_given_up(models: Models, held: Held) -> None:
    with running(holding(models, held), Limits(seconds=0.2)) as server:
        late = server.post("/translate", VALUES)
        assert late.status == 504
        assert late.error == "the answer took more than 0.2 s; try again later, or send less at once"
        assert server.post("/translate", {**VALUES, "q": "never"}).status == 504
        held.go.set()
        while server.post("/translate", VALUES).status != 200:  # as soon as the first batch is done
            pass
        assert "never" not in held.lines


def connect(server: Server) -> socket.socket:
    return socket.create_connection((urlsplit(server.url).hostname, urlsplit(server.url).port), timeout=30)


def test_a_body_that_does_not_arrive_is_given_up(models: Models) -> None:
    with running(models, Limits(seconds=0.2)) as server, connect(server) as connection:
        connection.sendall(b"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nq=")
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_nobody_waits_for_a_client_that_is_gone(models: Models, held: Held) -> None:
    with running(holding(models, held)) as server:
        first, _ = in_background(lambda: server.post("/translate", VALUES))
        assert held.begun.wait(30)
        with connect(server) as connection:
            connection.sendall(b"POST /translate?q=gone&source=en&target=de HTTP/1.1\r\nHost: x\r\n\r\n")
            while b's2s_waiting_items{model="tiny"} 1.0' not in server.get("/metrics").body:
                time.sleep(0.01)
        while b'path="/translate",status="499"' not in server.get("/metrics").body:
            time.sleep(0.01)
        held.go.set()
        first.join()
        assert server.post("/translate", VALUES).status == 200
        assert "gone" not in held.lines


def test_a_bug_shows_neither_path_nor_text(models: Models, held: Held, caplog: pytest.LogCaptureFixture) -> None:
    held.go.set()
    with caplog.at_level(logging.INFO), running(holding(models, held)) as server:
        answer = server.post("/translate", {**VALUES, "q": "fail"})
        assert (answer.status, answer.error) == (500, "internal error; please report it to whoever runs this server")
        assert server.post("/translate", VALUES).status == 200
    assert "internal error: ValueError at " in caplog.text
    assert not any(word in caplog.text for word in ("secret", "fail", "Traceback"))


def _logged(caplog: pytest.LogCaptureFixture, count: int) -> list[str]:
    """The lines that the server logged, once there are so many: it logs a request after it has sent the answer."""
    deadline = time.monotonic() + 10
    while True:
        lines = [record.getMessage() for record in caplog.records if record.name == "serving"]
        if len(lines) >= count or time.monotonic() > deadline:
            return lines
        time.sleep(0.01)


def test_logs_and_metrics_hold_nothing_that_clients_write(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert server.send("POST", "/translate?q=sesame&source=en&target=de").status == 200
        assert server.get("/sesame").status == 404
        assert server.send("SESAME", "/translate").status == 405
        assert server.send("POST", "/caption", b"sesame").status == 400
        logged = _logged(caplog, 4)
    assert [line.rpartition(" ")[0].rpartition(" ")[0] for line in logged] == [
        "POST /translate 200",
        "GET other 404",
        "other /translate 405",
        "POST /caption 400",
    ]
    assert b"sesame" not in server.get("/metrics").body.lower()


@pytest.mark.parametrize("path", ["/nothing", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/data/", "//"])
def test_there_is_nothing_elsewhere(server: Server, path: str) -> None:
    answer = server.get(path)
    assert (answer.status, answer.error) == (404, "there is nothing here; see /docs")


def test_other_origins_may_not_read(server: Server) -> None:
    answer = server.send("GET", "/languages", headers={"Origin": "http://example.org"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    preflight = server.send("OPTIONS", "/translate", headers={"Origin": "http://example.org"})
    assert preflight.status == 405


def test_a_body_that_is_too_large_is_refused_however_it_is_sent(server: Server) -> None:
    place = urlsplit(server.url).netloc
    for headers in ({"Content-Length": "800000"}, {"Transfer-Encoding": "chunked"}):
        connection = http.client.HTTPConnection(place, timeout=30)
        chunked = "Transfer-Encoding" in headers
        body = iter([b"q=" + b"x" * 8_000] * 100) if chunked else b"x" * 800_000
        connection.request("POST", "/translate", body, headers, encode_chunked=chunked)
        response = connection.getresponse()
        assert response.status == 413
        assert b"send it in parts" in response.read()
        connection.close()


def test_all_bodies_together_are_limited(models: Models, held: Held) -> None:
    with running(holding(models, held), Limits(bodies=1_500)) as server:
        first, answers = in_background(lambda: server.post("/translate", {**VALUES, "q": "x" * 1_000}))
        assert held.begun.wait(30)
        assert server.post("/translate", {**VALUES, "q": "x" * 1_000}).status == 429
        held.go.set()
        first.join()
        assert answers[0].status == 200
        assert server.post("/translate", {**VALUES, "q": "x" * 1_000}).status == 200

from __future__ import annotations

import errno
import gzip
import hashlib
import socket
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from data_prep.download import Content, copy, fetch
from s2s.errors import UserError

BODY = "Ein Mann fährt Rad.\n".encode() * 20_000
PACKED = gzip.compress(BODY)
CONTENT = Content(len(BODY), hashlib.sha256(BODY).hexdigest())
CONTINUE = threading.Event()  # lets the server's silent answers end


class Handler(BaseHTTPRequestHandler):
    """Answers each path in its own way, most of them wrong."""

    def do_GET(self) -> None:
        way = self.path.removeprefix("/")
        if way == "silent":
            CONTINUE.wait(30)
            return
        if way == "404":
            self.send_error(404)
            return
        if way == "redirect":
            self.send_response(302)
            self.send_header("Location", "/text")
            self.end_headers()
            return
        body = {
            "text.gz": PACKED,
            "two-members.gz": gzip.compress(BODY[:1000]) + gzip.compress(BODY[1000:]),
            "other": BODY[::-1],
            "larger": BODY * 2,
            "bomb.gz": gzip.compress(bytes(50_000_000)),
            "truncated.gz": PACKED[:-9],
            "page.gz": b"<html>Please log in.</html>",
            "short": BODY[:70_000],
        }.get(way, BODY)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:100_000] if way in ("closes", "resets", "stalls") else body)
        if way == "stalls":
            CONTINUE.wait(30)
        elif way == "resets":  # lingering for 0 seconds, close() sends RST instead of FIN
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def shutdown_request(self, request: Any) -> None:
        self.close_request(request)  # and no shutdown() before it, which would send FIN

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early is what some tests are about."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        CONTINUE.set()
        listening.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.mark.parametrize("way", ["text", "text.gz", "two-members.gz", "redirect"])
def test_what_is_right_arrives_unpacked_and_alone(server: str, tmp_path: Path, way: str) -> None:
    path = tmp_path / "text"
    path.write_text("old")
    fetch(f"{server}/{way}", path, CONTENT)
    assert path.read_bytes() == BODY
    assert CONTENT.is_in(path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("404", "answers 404 Not Found"),
        ("other", "has SHA-256 "),
        ("larger", f"more than the expected {len(BODY):,} bytes"),
        ("bomb.gz", "more than the expected"),
        ("short", f"ends after 70,000 of {len(BODY):,} bytes"),
        ("closes", "ends after 100,000 of"),
        ("truncated.gz", "breaks off early"),
        ("page.gz", "not a sound gzip file"),
        ("resets", "connection broke"),
        ("silent", "silent"),
        ("stalls", "silent"),
    ],
)
def test_what_is_wrong_is_one_line_and_leaves_all_as_it_was(server: str, tmp_path: Path, way: str, reason: str) -> None:
    path = tmp_path / "text"
    path.write_text("old")
    with pytest.raises(UserError) as error:
        fetch(f"{server}/{way}", path, CONTENT, timeout=0.2 if way in ("silent", "stalls") else 10, otherwise="use FOO")
    message = str(error.value)
    assert message.startswith(f"{server}/{way}: ")
    assert reason in message
    assert message.endswith("; use FOO")
    assert "\n" not in message
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_server_that_is_not_there_is_an_error_with_advice(tmp_path: Path) -> None:
    with socket.socket() as bound:  # bound but not listening: connections to it are refused
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(UserError, match=r"cannot be reached .*refused.*; use FOO"):
            fetch(f"http://127.0.0.1:{bound.getsockname()[1]}/x", tmp_path / "x", CONTENT, otherwise="use FOO")


def test_only_the_web_is_fetched_from(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(BODY)
    with pytest.raises(UserError, match="not an http or https address"):
        fetch((tmp_path / "a").as_uri(), tmp_path / "b", CONTENT)


def test_a_full_disk_is_not_blamed_on_the_server(server: str, tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match="No space") as error:
        fetch(f"{server}/text", full, CONTENT)
    assert error.value.errno == errno.ENOSPC


def test_a_local_file_is_copied_raw_or_packed(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(BODY)
    (tmp_path / "packed [#1].gz").write_bytes(PACKED)
    for source in ("raw", "packed [#1].gz"):
        copy(tmp_path / source, tmp_path / "copy", CONTENT)
        assert (tmp_path / "copy").read_bytes() == BODY
        (tmp_path / "copy").unlink()


def test_a_local_file_that_is_wrong_or_missing_is_named(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_bytes(BODY.replace(b"\n", b"\r\n"))
    with pytest.raises(UserError, match=f"^{wrong}: holds more"):
        copy(wrong, tmp_path / "copy", CONTENT)
    with pytest.raises(UserError, match="no such file"):
        copy(tmp_path / "missing", tmp_path / "copy", CONTENT)
    assert list(tmp_path.iterdir()) == [wrong]


def test_content_is_told_apart_by_size_and_by_checksum(tmp_path: Path) -> None:
    path = tmp_path / "text"
    assert not CONTENT.is_in(path)
    assert not CONTENT.is_in(tmp_path)
    for body, right in ((BODY, True), (BODY[:-1], False), (BODY[:-1] + b"x", False)):
        path.write_bytes(body)
        assert CONTENT.is_in(path) is right

"""Thousands of good and bad requests from many clients to `s2s serve`: is one lost or mixed up, does memory grow?

    python tests/benchmarks/soak_server.py --text FILE --pictures FOLDER [--requests 10000] [--clients 16] [--seed 1]

Each text holds numbers that no other request has, and its translation must hold the same ones; a picture's caption must
be the one that it got before, when it was alone, and carry its name. A bad request must get the status of its kind.
Loopback only; memory is read from /proc (Linux).
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlencode

if not __package__:
    sys.path[:0] = [str(folder) for folder in Path(__file__).resolve().parents[1:3]]

from benchmarks.served import Client, Served, served
from broken_pictures import contents

BROKEN = contents()
GROWTH = 1.1  # of the second half's greatest memory over the first half's
SHOWN = 10  # faults that are told in full
BUSY = 429
_JSON = {"Content-Type": "application/json"}
_NUMBER = re.compile(r"\d{6,}")


@dataclass
class World:
    """What requests are made of, and what has come of them.

    Attributes:
        lines: English sentences without numbers
        pictures: the content of picture files by their names
        captions: of the pictures, each captioned alone
        numbers: a fresh one for each line
        outcomes: how many requests of each kind had each status
        faults: what went wrong
        busy: how many times a request was refused because the server was busy, and sent again
    """

    lines: Sequence[str]
    pictures: dict[str, bytes]
    captions: dict[str, str] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: count(100_000))
    outcomes: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    busy: int = 0

    def line(self, draw: Random) -> str:
        """A sentence with a number of its own."""
        return f"{draw.choice(self.lines).rstrip(' .!?')} with number {next(self.numbers)}."


def post(
    world: World, client: Client, path: str, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """Send a request, again while the server is busy; return the status and the answer."""
    while True:
        status, answer = client.send("POST", path, body, headers)
        if status != BUSY:
            return status, json.loads(answer)
        world.busy += 1
        time.sleep(0.2)


def form_of(files: Sequence[tuple[str, bytes]]) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a form with files."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="f"; filename="{name}"\r\n\r\n'.encode() + data + b"\r\n"
        for name, data in files
    ]
    return b"".join(parts) + b"--x--\r\n", {"Content-Type": "multipart/form-data; boundary=x"}


def same_numbers(sent: str, received: str) -> bool:
    """Whether a translation holds the numbers of its text, each once, in its line."""
    pairs = zip(sent.split("\n"), received.split("\n"), strict=False)
    return sent.count("\n") == received.count("\n") and all(
        sorted(_NUMBER.findall(one)) == sorted(_NUMBER.findall(other)) for one, other in pairs
    )


def a_text(world: World, client: Client, draw: Random) -> tuple[int, bool]:
    """A line or a few, as JSON or as a form."""
    text = "\n".join(world.line(draw) for _ in range(draw.choice((1, 1, 1, 2, 5))))
    values = {"q": text, "source": "en", "target": "de"}
    as_json = draw.random() < 0.5
    body = json.dumps(values).encode() if as_json else urlencode(values).encode()
    status, answer = post(world, client, "/translate", body, _JSON if as_json else None)
    return status, status == 200 and same_numbers(text, answer["translatedText"])


def a_list(world: World, client: Client, draw: Random) -> tuple[int, bool]:
    """Several texts with their details."""
    texts = [world.line(draw) for _ in range(draw.randint(2, 6))]
    values = {"q": texts, "source": "en", "target": "de", "alternatives": 2, "attention": True}
    status, answer = post(world, client, "/translate", json.dumps(values).encode(), _JSON)
    found = answer.get("translatedText", [])
    return status, len(found) == len(texts) and all(map(same_numbers, texts, found))


def a_page(world: World, client: Client, draw: Random) -> tuple[int, bool]:
    """HTML, whose tags must come back as they were."""
    first, second = world.line(draw), world.line(draw)
    page = f'<p class="a">{first}</p>\n<div><b title="x>y">{second}</b><br></div>'
    values = {"q": page, "source": "en", "target": "de", "format": "html"}
    status, answer = post(world, client, "/translate", json.dumps(values).encode(), _JSON)
    found = answer.get("translatedText", "")
    tags = re.findall(r'<(?:"[^"]*"|[^>"])*>', page) == re.findall(r'<(?:"[^"]*"|[^>"])*>', found)
    return status, tags and same_numbers(page, found)


def some_pictures(world: World, client: Client, draw: Random) -> tuple[int, bool]:
    """One to three pictures; a name tells which is which."""
    names = draw.sample(sorted(world.pictures), draw.randint(1, 3))
    files = [(f"{next(world.numbers)} {name}", world.pictures[name]) for name in names]
    status, answer = post(world, client, "/caption", *form_of(files))
    found = [(each["name"], each["caption"]) for each in answer.get("captions", [])]
    return status, found == [(name, world.captions[name.partition(" ")[2]]) for name, _ in files]


def a_bad_text(world: World, client: Client, draw: Random) -> tuple[int, bool]:
    """A request to /translate that is wrong in one way."""
    good = {"q": world.line(draw), "source": "en", "target": "de"}
    body, expected = draw.choice(
        [
            (b"{", 400),
            (b"[" * 9_999, 400),
            (b"\xff\xfe", 400),
            (json.dumps({**good, "q": None}).encode(), 400),
            (json.dumps({**good, "q": "\ud800"}).encode(), 400),
            (json.dumps({**good, "source": "xx"}).encode(), 400),
            (json.dumps({**good, "target": 7}).encode(), 400),
            (json.dumps({**good, "format": "pdf"}).encode(), 400),
            (json.dumps({**good, "q": "a " * 30_000}).encode(), 400),
            (b'"' + b"x" * 700_000, 413),
        ]
    )
    status, answer = post(world, client, "/translate", body, _JSON)
    return status, status == expected and list(answer) == ["error"]


def a_bad_picture(world: World, client: Client, draw: Random) -> tuple[int, bool]:
    """A file that is no picture."""
    data = BROKEN[draw.choice(sorted(BROKEN))]
    status, answer = post(world, client, "/caption", data, {"Content-Type": "image/jpeg"})
    return status, status == 400 and list(answer) == ["error"]


def a_bad_address(world: World, client: Client, draw: Random) -> tuple[int, bool]:
    """An address or a method that does not exist."""
    method, path, expected = draw.choice([("GET", "/../x", 404), ("GET", "/translate", 405), ("POST", "/health", 405)])
    status, _ = client.send(method, path)
    return status, status == expected


def a_short_visit(world: World, client: Client, draw: Random) -> tuple[int, bool]:
    """A client that leaves before it has an answer, or before it has sent everything."""
    body = json.dumps({"q": world.line(draw), "source": "en", "target": "de"}).encode()
    head = (
        f"POST /translate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(client.address.split(":"), timeout=60) as connection:  # type: ignore[arg-type]
        connection.sendall((head.encode() + body)[: draw.randint(1, len(head) + len(body))])
    return 499, True


KINDS: dict[Callable[[World, Client, Random], tuple[int, bool]], int] = {
    a_text: 50,
    a_list: 8,
    a_page: 8,
    some_pictures: 6,
    a_bad_text: 14,
    a_bad_picture: 6,
    a_bad_address: 4,
    a_short_visit: 4,
}


def soak(world: World, server: Served, requests: int, clients: int, seed: int) -> list[float]:
    """Send the requests; return the memory of the server in MB, a sample a second."""
    numbers, lock = iter(range(requests)), threading.Lock()

    def work() -> None:
        client = Client(server.address)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            draw = Random(f"{seed} {number}")
            (kind,) = draw.choices(list(KINDS), list(KINDS.values()))
            try:
                status, right = kind(world, client, draw)
            except Exception as error:
                status, right = 0, False
                world.faults.append(f"{number} {kind.__name__}: {type(error).__name__}: {error}")
            with lock:
                world.outcomes[kind.__name__, status] += 1
                if not right and status:
                    world.faults.append(f"{number} {kind.__name__}: status {status}, or not the answer to this request")
        client.close()

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    samples = []
    while any(thread.is_alive() for thread in threads):
        samples.append(server.megabytes())
        time.sleep(1)
    return samples


def caption_alone(world: World, server: Served) -> None:
    """Caption each picture by itself."""
    client = Client(server.address)
    for name, data in world.pictures.items():
        status, answer = post(world, client, "/caption", data, {"Content-Type": "image/jpeg"})
        assert status == 200, answer
        world.captions[name] = answer["captions"][0]["caption"]
    client.close()


def main() -> int:
    """Run, print what came of it, and return 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="lines to translate, in English")
    parser.add_argument("--pictures", type=Path, required=True, help="a folder of pictures; 20 of them are used")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("options", nargs="*", help="for `s2s serve`, after --")
    arguments = parser.parse_args()
    lines = [line for line in arguments.text.read_text(encoding="utf-8").split("\n") if line.strip()]
    lines = [line for line in lines if not re.search(r"\d", line)]
    pictures = {path.name: path.read_bytes() for path in sorted(arguments.pictures.glob("*.jpg"))[:20]}
    world = World(lines, pictures)
    started = time.monotonic()
    with served(["en-de", "flickr8k"], *arguments.options) as server:
        caption_alone(world, server)
        samples = soak(world, server, arguments.requests, arguments.clients, arguments.seed)
        status, _ = Client(server.address).send("GET", "/health")
    if status != 200:
        world.faults.append(f"/health answers {status} in the end")
    first, second = samples[len(samples) // 8 : len(samples) // 2], samples[len(samples) // 2 :]
    if max(second) > GROWTH * max(first):
        world.faults.append(f"memory grew from {max(first):,.0f} MB at most in the first half to {max(second):,.0f} MB")
    for (kind, status), number in sorted(world.outcomes.items()):
        print(f"{kind:15}{status:5}{number:8,}")
    answered = world.outcomes.total()
    print(
        f"{answered:,} of {arguments.requests:,} requests from {arguments.clients} clients in "
        f"{time.monotonic() - started:,.0f} s, {world.busy:,} times told to come back; memory at most "
        f"{max(first):,.0f} MB in the first half, {max(second):,.0f} MB in the second; {len(world.faults)} faults"
    )
    print("\n".join(world.faults[:SHOWN]))
    return int(bool(world.faults) or answered != arguments.requests)


if __name__ == "__main__":
    sys.exit(main())

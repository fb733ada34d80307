"""Requests a second and times of answers of `s2s serve`: with batches across requests, and one request at a time.

    python tests/benchmarks/server_load.py --text FILE [--model en-de] [--seconds 20] [--rounds 3]

Each client sends one line, waits for the answer, and sends the next one. Both servers are measured in turn, in the same
run, at 1, 8 and 64 clients; a table goes to standard output. Processor time for each request does not depend on what
else the machine does (Linux only).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import threading
import time
from collections import defaultdict
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

if not __package__:
    sys.path[:0] = [str(folder) for folder in Path(__file__).resolve().parents[1:3]]

from benchmarks.served import Client, Served, served

CLIENTS = (1, 8, 64)
WARM_UP = 2.0  # seconds before anything is measured
_JSON = {"Content-Type": "application/json"}


class Round(NamedTuple):
    """One measurement: how long it took, the processor time of the server, and the times of the answers."""

    seconds: float
    processor: float
    times: list[float]


def times(server: Served, clients: int, seconds: float, lines: list[str]) -> list[float]:
    """The times of the answers to requests that were sent within some seconds."""
    found: list[float] = []
    end = time.monotonic() + seconds

    def work(number: int) -> None:
        client = Client(server.address)
        for line in islice(cycle(lines), number * 97, None):
            started = time.monotonic()
            if started >= end:
                break
            body = json.dumps({"q": line, "source": "en", "target": "de"}).encode()
            status, answer = client.send("POST", "/translate", body, _JSON)
            assert status == 200, answer
            found.append(time.monotonic() - started)
        client.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, help="lines to translate, in English")
    parser.add_argument("--model", default="en-de")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    lines = [line for line in arguments.text.read_text(encoding="utf-8").split("\n") if line.strip()]
    found: dict[tuple[str, int], list[Round]] = defaultdict(list)
    with served([arguments.model]) as batched, served([arguments.model], batch=1) as single:
        servers = {"batches": batched, "one at a time": single}
        for server in servers.values():
            times(server, 1, WARM_UP, lines)
        for _ in range(arguments.rounds):
            for clients in CLIENTS:
                for name, server in servers.items():
                    started, used = time.monotonic(), server.processor_seconds()
                    answered = times(server, clients, arguments.seconds, lines)
                    seconds, used = time.monotonic() - started, server.processor_seconds() - used
                    found[name, clients].append(Round(seconds, used, answered))
        memory = {name: server.megabytes() for name, server in servers.items()}
    print(f"{'':14}{'clients':>8}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'processor ms':>14}")
    for (name, clients), rounds in found.items():
        rate = statistics.median(len(each.times) / each.seconds for each in rounds)
        centiles = statistics.quantiles([1000 * time for each in rounds for time in each.times], n=100)
        used = 1000 * sum(each.processor for each in rounds) / sum(len(each.times) for each in rounds)
        print(f"{name:14}{clients:8}{rate:12.1f}{centiles[49]:9.0f}{centiles[98]:9.0f}{used:14.1f}")
    print(", ".join(f"{name}: {megabytes:,.0f} MB at the end" for name, megabytes in memory.items()))


if __name__ == "__main__":
    main()

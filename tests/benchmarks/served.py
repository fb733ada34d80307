"""A server in a process of its own on a free port of the loopback, for benchmarks."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# The batch of lines is set in the process itself, because no user needs it as an option.
_START = "import sys; from serving import serve, services; services.BATCH_LINES = int(sys.argv.pop(1)); serve.main()"


@dataclass(frozen=True)
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    address: str

    def megabytes(self) -> float:
        """The memory that it has resident (Linux only)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:"))

    def processor_seconds(self) -> float:
        """The processor time that it has used (Linux only)."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(models: Sequence[str], *options: str, batch: int = 64) -> Iterator[Served]:
    """Run `s2s serve` for these models, with batches of at most `batch` lines; it is stopped in the end."""
    chosen = [part for model in models for part in ("--model", model)]
    command = [sys.executable, "-c", _START, str(batch), *chosen, "--port", "0", "--quiet", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stderr
        first = process.stderr.readline()
        assert " at http://" in first, first
        try:
            yield Served(process, urlsplit(first.split()[-1]).netloc)
        finally:
            process.terminate()


class Client:
    """A client that keeps its connection open, as programs do, and opens another one where the server closed it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._connection = self._connect()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.address, timeout=120)

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send a request; return the status and the body of the answer."""
        for last in (False, True):
            try:
                self._connection.request(method, path, body, dict(headers or {}))
                response = self._connection.getresponse()
                answer = response.status, response.read()
                if response.will_close:
                    self.close()
                return answer
            except (ConnectionError, http.client.BadStatusLine):
                self.close()
                if last:
                    raise
        raise AssertionError

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        self._connection.close()
        self._connection = self._connect()

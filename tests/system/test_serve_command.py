"""`s2s serve` in a process of its own: it starts, answers, logs no text, and stops when it is told to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def started(model: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """The server on a free port: its process, its address, and what it writes on standard error."""
    arguments = ["serve", "--model", str(model), "--port", "0", "--precision", "float32", "--beam", "2", *options]
    with subprocess.Popen(
        [sys.executable, "-m", "s2s", *arguments],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stderr
        lines: list[str] = [process.stderr.readline()]
        assert lines[0].startswith("serving tiny at http://127.0.0.1:"), lines
        reader = threading.Thread(target=lambda errors=process.stderr: lines.extend(errors))
        reader.start()
        try:
            yield process, lines[0].split()[-1], lines
        finally:
            process.kill()
            reader.join()


def translate(url: str, text: str) -> str:
    body = json.dumps({"q": text, "source": "en", "target": "de"}).encode()
    request = urllib.request.Request(f"{url}/translate", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as response:
        return json.loads(response.read())["translatedText"]


def test_it_answers_what_it_has_accepted_before_it_stops(tiny_model: Path) -> None:
    with started(tiny_model) as (process, url, errors):
        assert translate(url, "A man in a red hat")
        answers: list[str] = []
        text = "Two dogs play in the snow .\n" * 300
        requests = [threading.Thread(target=lambda: answers.append(translate(url, text))) for _ in range(3)]
        for request in requests:
            request.start()
        while 'path="/translate"' not in metrics(url) or waiting(url) < 100:
            pass
        process.send_signal(signal.SIGTERM)
        for request in requests:
            request.join()
        assert [answer.count("\n") for answer in answers] == [300, 300, 300]
        assert process.wait(60) == 143
    log = "".join(errors)
    assert log.count("POST /translate 200") == 4
    assert "terminated" in log
    assert not any(word in log for word in ("hat", "dogs", "Traceback"))


def metrics(url: str) -> str:
    with urllib.request.urlopen(f"{url}/metrics", timeout=60) as response:
        return response.read().decode()


def waiting(url: str) -> float:
    (line,) = [line for line in metrics(url).splitlines() if line.startswith("s2s_waiting_items{")]
    return float(line.split()[-1])


def test_ctrl_c_stops_it(tiny_model: Path) -> None:
    with started(tiny_model, "--quiet") as (process, url, errors):
        assert translate(url, "A man")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert errors[1:] == ["interrupted\n"]

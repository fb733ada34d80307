"""A folder of files of every format and fault through `caption --sidecars`, interrupted five times: nothing is lost.

There are 160 files, for time; tests/benchmarks/soak_caption.py does the same with 5,000 and the bundled model.
"""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from forked import PATIENCE
from light_captioner import write_captioner
from many_pictures import write_many_pictures

from captioning.result_files import CsvTable

ROOT = Path(__file__).resolve().parents[2]
STOPS = (signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGKILL, signal.SIGINT)


def entries(path: Path) -> list[dict[str, object]]:
    """What is in a file that must be whole at every moment."""
    return json.loads(path.read_bytes()) if path.exists() else []


def test_five_interruptions_lose_and_double_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    made = write_many_pictures(folder, 160)
    model = write_captioner(tmp_path, "stretch")
    results, table, report = (tmp_path / f"r.{kind}" for kind in ("json", "csv", "jsonl"))
    arguments = [folder, "--model", model, "--engine", "onnx", "--threads", "1", "--batch", "2", "--sidecars"]
    arguments += ["--json", results, "--csv", table, "--jsonl", report, "--gallery", tmp_path / "pages"]
    command, interrupted = [sys.executable, "-m", "captioning.caption", *map(str, arguments)], 0
    for stop in STOPS:
        before = len(entries(results))
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while len(entries(results)) < before + 10 and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(stop)
        interrupted += process.returncode not in (0, 1)
        assert len(entries(results)) >= before
    assert interrupted >= 4
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="surrogateescape", timeout=PATIENCE
    )
    output, errors = done.stdout, done.stderr
    assert done.returncode == 1, errors
    found = entries(results)
    assert sorted(str(entry["path"]) for entry in found) == sorted(made.sound)
    assert len({str(entry["image_id"]) for entry in found}) == len(found)
    captions = {str(entry["path"]): str(entry["caption"]) for entry in found}
    assert len(list(folder.rglob("*.txt"))) == len(found)
    assert "files that are no pictures" in errors
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines(keepends=True)))
    assert len(rows) == len(captions)
    escaped = {CsvTable().escaped(path): caption for path, caption in captions.items()}
    assert {row["image"]: row["caption"] for row in rows} == escaped
    lines = [json.loads(line) for line in report.read_text(encoding="utf-8").splitlines()]
    assert {line["path"]: line["caption"] for line in lines} == captions | dict.fromkeys(made.broken)
    assert len(lines) == len(captions) + len(made.broken)
    shown = (tmp_path / "pages" / "captions.js").read_text(encoding="utf-8").splitlines()
    assert len(shown) == len(lines)
    assert len(output.splitlines()) < len(found)
    assert f"{len(made.broken):,} of {len(lines):,} pictures failed" in errors

"""The recipes of docs/scale.md for other engines, each in a process of its own, where the engine is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mass.batches import BatchTranslator

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ["A dog runs.", "", "Two men play.", "A child sleeps."]
RECIPES = re.findall(r"^```py\n(.*?)^```$", (ROOT / "docs" / "scale.md").read_text(encoding="utf-8"), re.M | re.S)

STARTS = {"ray": "import ray\n\nray.init(num_cpus=4, include_dashboard=False)\n"}  # two actors, and tasks that read


@pytest.mark.parametrize("engine", ["ray", "dask", "pyspark"])
def test_a_recipe_translates_every_row(tmp_path: Path, engine: str) -> None:
    if not find_spec(engine):
        pytest.skip(f"{engine} is not installed")
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    [recipe] = [recipe for recipe in RECIPES if engine in recipe]
    pq.write_table(pa.table({"id": [3, 2, 1, 0], "text": TEXTS}), tmp_path / "corpus.parquet")
    (tmp_path / "recipe.py").write_text(STARTS.get(engine, "") + recipe, encoding="utf-8")
    switches = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0", "PYSPARK_PYTHON": sys.executable}
    environment = os.environ | switches | {"PYTHONPATH": str(ROOT)}
    program = [sys.executable, "recipe.py"]
    done = subprocess.run(
        program, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    tables = [pq.read_table(path).to_pydict() for path in (tmp_path / "translated").glob("*.parquet")]
    found = {number: text for table in tables for number, text in zip(table["id"], table["translation"])}
    expected = BatchTranslator("en-de")({"id": [3, 2, 1, 0], "text": TEXTS})
    assert found == dict(zip(expected["id"], expected["translation"]))

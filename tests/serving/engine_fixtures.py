"""Answers of the engine of the pages, which is JavaScript, and a model and lines to compare it with Python on."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from s2s.storage.model_record import read_record
from serving.rules import translator_data
from tests.odd_lines import odd_lines
from translation.assets import Assets
from translation.translator import MODELS

_SCRIPT = Path(__file__).with_name("engine.mjs")
_LATIN = "aAbBsSßÄüéIi'’-.,;:!?…“”\"()[]{}<>/\\|@#$%&*_~`^=+0123459 \u00a0\u2009\t"
_OTHERS = (
    "北京مرحباनमस्तेПриветשלוםこんにちは안สวัสดี😀👩🏽\u200d🚒🇩🇪❤\ufe0f\u200b\u00ad\ufeff\ufb01Ａ²½Ⅳ𝐀𠀀ǅ\u0301"
    "\u2581\u2585\ue000\ue001\x85\u2028"
)
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")


def ask(*asks: tuple[Any, ...], data: dict[str, Any] | None = None) -> list[Any]:
    """The answers of tests/serving/engine.mjs to questions, each a name and arguments."""
    sent = json.dumps({"data": data, "asks": asks}, ensure_ascii=False)
    done = subprocess.run(["node", str(_SCRIPT)], input=sent, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@cache
def bundled(name: str = "en-de") -> tuple[Assets, dict[str, Any]]:
    """What belongs to a bundled translator beside its network, and the same for JavaScript."""
    record = read_record(MODELS / name)
    assets = Assets.read(record)
    return assets, translator_data(assets.config, assets.source, assets.target, assets.calibration)


@cache
def lines() -> list[str]:
    """Odd lines, and lines of random words and characters."""
    draw = Random(5)
    odd = [line.text for line in odd_lines(260, seed=11)]
    words = " ".join(odd).split(" ")
    mixed = [" ".join(draw.choices(words, k=draw.randint(1, 30))) for _ in range(60)]
    noise = ["".join(draw.choices(_LATIN + _OTHERS, k=draw.randint(0, 40))) for _ in range(90)]
    latin = ["".join(draw.choices(_LATIN, k=draw.randint(0, 60))) for _ in range(90)]
    return [*odd, *mixed, *noise, *latin]

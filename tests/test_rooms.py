"""Imports point one way: the applications import the core, the core imports none of them, nor they one another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = {
    "s2s": {"s2s"},
    "translation": {"s2s", "translation"},
    "captioning": {"s2s", "captioning"},
    "data_prep": {"s2s", "translation", "captioning", "data_prep"},
}
ROOMS = {*ALLOWED, "tests"}
MODULES = [path.relative_to(ROOT) for room in ALLOWED for path in sorted((ROOT / room).rglob("*.py"))]


def imported_rooms(source: str, own: str) -> Iterator[str]:
    """The rooms that a file of the room `own` imports from, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield own if node.level else (node.module or "").split(".")[0]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_one_way(module: Path) -> None:
    own = module.parts[0]
    found = ROOMS.intersection(imported_rooms((ROOT / module).read_text(encoding="utf-8"), own))
    assert found <= ALLOWED[own]


def test_the_rooms_are_where_this_test_looks() -> None:
    assert {"s2s", "translation", "data_prep"} <= {module.parts[0] for module in MODULES}


def test_an_import_is_seen_wherever_it_stands() -> None:
    source = "import os, translation.task\ndef f():\n    from captioning import images\nfrom . import config\n"
    assert set(imported_rooms(source, "s2s")) == {"os", "translation", "captioning", "s2s"}

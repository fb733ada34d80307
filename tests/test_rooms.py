"""Imports point one way: the applications import the core, the core imports none of them, nor they one another."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = {"s2s", "translation", "captioning", "data_prep", "tests"}
ALLOWED = {
    "s2s": {"s2s"},
    "translation": {"s2s", "translation"},
    "captioning": {"s2s", "captioning"},
    "data_prep": {"s2s", "translation", "captioning", "data_prep"},
}
MODULES = [path for room in ALLOWED for path in sorted((ROOT / room).rglob("*.py"))]


def imported(tree: ast.AST, package: list[str]) -> Iterator[str]:
    """The first part of the name of every module imported anywhere in the file; `package` is where it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = [node.module] if node.module else [alias.name for alias in node.names]
            yield from (".".join([*package[: node.level and 1 - node.level or None], name]).split(".")[0] for name in names)

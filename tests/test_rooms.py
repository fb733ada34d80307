"""Imports point downwards, from floor to floor, and no two files or folders import each other in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# From the bottom up. A folder may import from its own floor and from those below it.
FLOORS = [
    {"s2s"},  # the files that lie in s2s itself: what every floor may use
    {"s2s.kernels"},
    {"s2s.text", "s2s.nn", "s2s.storage", "s2s.vision", "s2s.views"},
    {"s2s.models"},
    {"s2s.training", "s2s.decoding", "s2s.runtime", "s2s.export"},
    {"s2s.cli"},
    {"translation", "captioning", "labelling", "question_answering", "language_model"},
    {"serving", "mass", "data_prep"},
]
APPLICATIONS = {"translation", "captioning", "labelling", "question_answering", "language_model"}
LEVEL = {folder: level for level, floor in enumerate(FLOORS) for folder in floor}
PACKAGES = {folder.partition(".")[0] for folder in LEVEL}
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in sorted(PACKAGES)
    for path in sorted((ROOT / package).rglob("*.py"))
}


def imports(source: str, module: str) -> Iterator[str]:
    """The modules of this project that `module` imports, wherever in `source` and for whatever reason."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            home = ".".join(module.split(".")[: -node.level or None]) if node.level else ""
            base = ".".join(filter(None, [home, node.module]))
            names = [name if (name := f"{base}.{alias.name}") in MODULES else base for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] in PACKAGES and name != module)


def folder_of(module: str) -> str:
    """The folder that a module lies in: `s2s.text` for s2s/text/lines.py, `s2s` for s2s/files.py."""
    if module == "s2s.__main__":
        return "s2s.cli"  # `python -m s2s` is the command, and nothing imports it
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]


def room_of(module: str) -> str:
    """The part of the house that a module belongs to, by its floor: `captioning` for captioning/pages/gallery.py."""
    folder = folder_of(module)
    return folder if folder in LEVEL else folder.partition(".")[0]


def may_import(importer: str, imported: str) -> bool:
    """Whether the room `importer` may import from the room `imported`."""
    if importer == imported:
        return True
    return LEVEL[imported] <= LEVEL[importer] and not {importer, imported} <= APPLICATIONS


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """The nodes of a circle, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


GRAPH = {module: set(imports(path.read_text(encoding="utf-8"), module)) for module, path in MODULES.items()}


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_downwards(module: str) -> None:
    above = {name for name in GRAPH[module] if not may_import(room_of(module), room_of(name))}
    assert not above


def test_no_files_import_each_other_in_a_circle() -> None:
    assert circle(GRAPH) == []


def test_no_folders_import_each_other_in_a_circle() -> None:
    folders: dict[str, set[str]] = {}
    for module, found in GRAPH.items():
        folders.setdefault(folder_of(module), set()).update(map(folder_of, found))
    graph = {folder: found - {folder} for folder, found in folders.items()}
    assert circle(graph) == []


def test_every_top_level_package_is_known() -> None:
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert found - {"tests"} == PACKAGES


def test_every_folder_of_the_core_has_a_floor() -> None:
    assert {folder_of(module) for module in MODULES if module.partition(".")[0] == "s2s"} <= LEVEL.keys()


@pytest.mark.parametrize("module", [module for module, path in MODULES.items() if path.name == "__init__.py"])
def test_a_room_says_what_it_is_for_and_imports_nothing(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    says = ast.get_docstring(tree) or ""
    assert says.count(". ") == 0
    assert says.endswith(".")
    assert not [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom) and not _is_future(node)]


def _is_future(node: ast.Import | ast.ImportFrom) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def test_an_import_is_seen_wherever_it_stands() -> None:
    source = (
        "import os, translation.task\n"
        "def f():\n    from s2s.vision import images\n"
        "if TYPE_CHECKING:\n    from .config import option\n"
    )
    assert set(imports(source, "s2s.files")) == {"translation.task", "s2s.vision.images", "s2s.config"}


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert not may_import("s2s.text", "s2s.models")
    assert not may_import("translation", "captioning")
    assert not may_import("s2s", "s2s.text")


def test_no_file_of_the_tests_hides_a_package() -> None:
    names = {path.stem for path in (ROOT / "tests").rglob("*.py")}  # pytest puts their folders first on the path
    assert not names & PACKAGES

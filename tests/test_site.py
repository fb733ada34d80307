"""What the hooks in docs/hooks make of documents and commands; `mkdocs build --strict` in .ci/run does the rest."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """The module of docs/hooks that a test names."""
    monkeypatch.syspath_prepend(ROOT / "docs" / "hooks")
    monkeypatch.delitem(sys.modules, request.param, raising=False)
    return import_module(request.param)


@pytest.mark.parametrize("hook", ["commands"], indirect=True)
def test_every_command_is_on_a_page_with_all_its_options(hook: ModuleType) -> None:
    from s2s.plugins import by_name

    names = [name for names in hook.pages().values() for name in names]
    assert sorted(names) == sorted(by_name("s2s.commands"))
    for first, names in hook.pages().items():
        page = hook.page(names)
        assert page.startswith(f"# s2s {first}\n")
        for name in names:
            parser = hook.parser_of(name, hook.commands()[name])
            assert parser.prog == f"s2s {name}"
            assert f"s2s {name} " in page
            options = {option for action in parser._actions for option in action.option_strings if action.help}
            assert {option for option in options if option not in page} == set()


@pytest.mark.parametrize("hook", ["commands"], indirect=True)
def test_help_texts_are_no_markup(hook: ModuleType) -> None:
    assert hook._escaped("a|b <c> `d|e` *f* [g](h)\n i_j") == r"a\|b \<c\> `d|e` \*f\* \[g\](h) i\_j"


@pytest.mark.parametrize("hook", ["repository"], indirect=True)
def test_links_lead_to_pages_of_the_site(hook: ModuleType) -> None:
    line = hook.lines_of("s2s/nn/cells.py")["LSTM.activate"]
    assert "def activate" in (ROOT / "s2s" / "nn" / "cells.py").read_text().splitlines()[line - 1]
    link = "`RNN` and `LSTM.activate` in\n[cells](../s2s/nn/cells.py)"
    assert hook.led("lecture.md", link) == link.replace(
        "../s2s/nn/cells.py", f"source/s2s/nn/cells.py.md#__codelineno-0-{line}"
    )
    assert hook.led("README.md", "[a](docs/lecture.md#search)") == "[a](lecture.md#search)"
    assert hook.led("translation/recipes/TUTORIAL.md", "[a](copy.toml)") == (
        "[a](../../source/translation/recipes/copy.toml.md)"
    )
    assert hook.led("lecture.md", "[a](notebooks/parallel_text.ipynb)") == "[a](notebooks/parallel_text.md)"
    for unchanged in ("[a](https://example.org/x.py)", "[a](#b)", "[a](none.py)"):
        assert hook.led("README.md", unchanged) == unchanged


@pytest.mark.parametrize("hook", ["repository"], indirect=True)
def test_what_documents_link_to_becomes_a_page(hook: ModuleType) -> None:
    texts = {"a.md": "[b](../s2s/nn/cells.py) [c](lecture.md) [d](../README.md) [e](../none.py)"}
    assert hook.linked_sources(texts) == {"s2s/nn/cells.py"}
    assert "class LSTM" in hook.source_page("s2s/nn/cells.py")
    assert {path.name for path in hook.documents()} >= {"README.md", "TUTORIAL.md", "TRUST.md"}


@pytest.mark.parametrize("hook", ["reference"], indirect=True)
def test_the_modules_of_the_reference_are_there(hook: ModuleType) -> None:
    names = [module for names in hook.PAGES.values() for name in names for module in hook.modules(name)]
    assert [name for name in names if not (ROOT / f"{name.replace('.', '/')}.py").is_file()] == []
    assert "s2s.nn.cells" in names


@pytest.mark.parametrize("hook", ["offline"], indirect=True)
def test_what_a_page_would_load_from_the_network_is_found(hook: ModuleType) -> None:
    outside = ['<script defer src="https://a/b.js">', '<link rel="stylesheet" href="//a/b.css">', "url(http://a/b.png)"]
    assert [len(hook.loaded_from_the_network(text)) for text in outside] == [1, 1, 1]
    inside = '<a href="https://a/b"> <script src="../b.js"> <link rel="icon" href="c.png"> url(d.png)'
    assert hook.loaded_from_the_network(inside) == []


def test_every_document_is_in_the_navigation() -> None:
    """But for those that hooks add."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    places = [path.relative_to(ROOT / "docs").with_suffix(".md") for path in (ROOT / "docs").rglob("*.*")]
    shown = {str(place) for place in places if place.parts[0] in ("notebooks",) or len(place.parts) == 1}
    assert {place for place in shown - {"site.md"} if not re.search(rf": {re.escape(place)}$", text, re.M)} == set()

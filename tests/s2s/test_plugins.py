"""What distributions register is found and described without importing it, and damage to one costs only itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from plugin_fixtures import install

from s2s.errors import UserError
from s2s.plugins import by_name, folders, load, registered, summary

HELLO = '# a comment\n"""Greet someone.\n\nMore.\n"""\nimport no_such_module\n'


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, before all others."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_third_party_can_register_and_nothing_is_imported(site: Path) -> None:
    install(site, "greetings", "[s2s.commands]\nhello = hello:main\nsay = package.sub.say:main\n", hello=HELLO)
    (site / "package" / "sub").mkdir(parents=True)
    (site / "package" / "__init__.py").write_text("raise RuntimeError")
    (site / "package" / "sub" / "say.py").write_text("'Say something.'")
    found = by_name("s2s.commands")
    assert summary(found["hello"]) == "Greet someone."
    assert summary(found["say"]) == "Say something."
    assert not {"hello", "package"} & sys.modules.keys()
    with pytest.raises(UserError, match=r"hello: cannot be loaded .*no_such_module.*; reinstall or remove greetings"):
        load(found["hello"])


def test_damage_to_one_distribution_costs_only_itself(site: Path) -> None:
    lines = ["gone = no_such_module:main", "odd = :::", "mute = mute:main", "broken = broken:main"]
    install(site, "a", "[s2s.commands]\n" + "\n".join(lines), mute="import os\n'late'\n", broken='"""never closed')
    install(site, "b", "[s2s.commands]\nno equals sign\n")
    install(site, "c", "[s2s.commands]\nfine = fine:main\n", fine="'''It works.'''")
    (site / "d-1.0.dist-info").mkdir()
    found = by_name("s2s.commands")
    assert summary(found["fine"]) == "It works."
    assert summary(found["gone"]) == "(no module no_such_module)"
    assert summary(found["mute"]) == "(no description)"
    assert summary(found["broken"]).startswith("(cannot be read: ")
    assert summary(found["odd"]).startswith("(")


def test_the_first_installation_on_the_path_hides_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("old", "new"):
        install(tmp_path / place, "twice", f"[s2s.commands]\n{place} = module:main\n")
        monkeypatch.syspath_prepend(tmp_path / place)
    assert "new" in by_name("s2s.commands")
    assert "old" not in by_name("s2s.commands")


def test_folders_are_found_beside_modules(site: Path) -> None:
    install(site, "data", "[s2s.models]\ntranslation = package.models\nnone = package.none\nodd = no_such.models\n")
    (site / "package" / "models").mkdir(parents=True)
    (site / "package" / "__init__.py").write_text("raise RuntimeError")
    entries = [entry for entry in registered("s2s.models") if entry.dist and entry.dist.name == "data"]
    found = {entry.name: folders(entry) for entry in entries}
    assert found == {"translation": [site / "package" / "models"], "none": [], "odd": []}

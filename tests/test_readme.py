"""The examples of the documents work: recipes are read, and Python runs; test_documents.py holds links and commands."""

from __future__ import annotations

import doctest
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from captioning.recipe import Recipe as CaptioningRecipe
from labelling.recipe import ClassifierRecipe
from language_model.recipe import Recipe as LanguageModelRecipe
from question_answering.recipe import Recipe as AnswererRecipe
from s2s import config
from translation.recipe import Recipe as TranslationRecipe

ROOT = Path(__file__).resolve().parents[1]
GUIDES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a language, each after as many empty lines as there are lines above it in the document."""
    text = path.read_text(encoding="utf-8")
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, flags=re.M | re.S)
    return ["\n" * text.count("\n", 0, match.start(1)) + match[1] for match in found]


def run(path: Path) -> dict[str, Any]:
    """Run the Python of a document in one session; return its variables."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(path, "python"):
        if ">>>" in block:
            example = doctest.DocTestParser().get_doctest(block, names, path.name, str(path), 0)
            failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, clear_globs=False)
            assert not failed
            names = example.globs
        else:
            exec(compile(block, path, "exec"), names)
    return names


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_the_python_of_a_document_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder that looks like the root of a clone, in which examples may write what they like."""
    for entry in ROOT.iterdir():
        if not entry.name.startswith("."):
            (tmp_path / entry.name).symlink_to(entry)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    run(path)


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.name)
def test_the_recipes_of_a_document_are_read(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the files that they name are there."""
    monkeypatch.chdir(tmp_path)
    for block in blocks(path, "toml"):
        table = tomllib.loads(block)
        for value in table["data"].values():
            for name in value if isinstance(value, list) else [value]:
                if isinstance(name, str):
                    Path(name).touch()
        labelled = isinstance(table["data"].get("train"), list)
        known = {"train_source": TranslationRecipe, "validation_share": LanguageModelRecipe}
        found = (recipe for key, recipe in known.items() if key in table["data"])
        others = AnswererRecipe if "picture" in table else ClassifierRecipe if labelled else CaptioningRecipe
        config.from_dict(next(found, others), table)


def test_what_is_wrong_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "guide.md"
    path.write_text("```python\nx = 2\n```\nText\n```python\n>>> x + 1\n3\n>>> y = x\n```\n")
    assert run(path)["y"] == 2
    path.write_text("One\n```python\nx = 2\nassert x == 3\n```\n")
    with pytest.raises(AssertionError) as failure:
        run(path)
    assert failure.traceback[-1].lineno == 3  # that of the document, counted from 0
    path.write_text("```python\n>>> 1 + 1\n3\n```\n")
    with pytest.raises(AssertionError):
        run(path)
    assert "Expected" in capsys.readouterr().out

"""The documents are true: their links lead somewhere, their commands exist, and the code that they name is there."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("docs", "translation", "captioning", "labelling", "question_answering", "language_model", "tests")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))])
RECIPES = sorted(ROOT.glob("*/recipes/*.toml"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:\buv run (?:--no-dev |--extra \w+ |--group \w+ )*|`(?=s2s ))([\w-]+)((?: [\w./-]+)*)")
ROOMS = "|".join(["s2s", "data_prep", *FOLDERS[1:]])
FILE = re.compile(rf"(?<![\w/.])(?:{ROOMS})/[\w/-]+\.(?:py|toml|md)")
NAMED = re.compile(r"((?:`[\w.]+`(?:,\s+|\s+and\s+)?)+)\s+in\s+\[[^\]]+\]\(([^)]+\.py)\)")
PLACEHOLDER = re.compile(r"[A-Z_]+")  # as in `s2s prepare NAME`


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _broken(document: Path) -> Iterator[str]:
    """The links that lead nowhere."""
    for link in LINK.findall(document.read_text(encoding="utf-8")):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            target = document.parent / path if path else document
            if not target.exists() or (anchor and anchor not in _anchors(target.read_text(encoding="utf-8"))):
                yield link


def _defined(path: Path) -> set[str]:
    """Names of the functions and classes of a module, and of methods as `Class.method`."""
    tree, names = ast.parse(path.read_text(encoding="utf-8")), set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return names


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _exists(program: str, words: list[str]) -> bool:
    """Whether a command that a document gives is there."""
    if program == "python":
        if words[:1] != ["-m"]:
            return (ROOT / words[0]).is_file()
        path = ROOT / "/".join(words[1:2]).replace(".", "/")  # nothing where the module is a variable of the shell
        return path.with_suffix(".py").is_file() or path.is_dir()
    words = list(takewhile(lambda word: not word.startswith("-"), words))
    if program == "s2s" and words:
        names = [name.split() for name in _project()["entry-points"]["s2s.commands"]]
        fixed = [word for word in words if not PLACEHOLDER.fullmatch(word)]
        return any(
            fixed[: len(name)] == name or (len(fixed) < len(words) and name[: len(fixed)] == fixed) for name in names
        )
    return program in {*_project()["scripts"], "pytest", "ruff", "pyright", "mkdocs", "jupyter", "torchrun"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_links_lead_somewhere(document: Path) -> None:
    assert list(_broken(document)) == []


@pytest.mark.parametrize("document", [*DOCUMENTS, *RECIPES], ids=_name)
def test_commands_exist(document: Path) -> None:
    text = re.sub(r"\\\n\s*", "", document.read_text(encoding="utf-8"))
    given = [(program, words.split()) for program, words in COMMAND.findall(text)]
    assert [command for command in given if not _exists(*command)] == []


@pytest.mark.parametrize("document", [*DOCUMENTS, *RECIPES], ids=_name)
def test_the_files_that_are_named_are_there(document: Path) -> None:
    """From the root of the project; TRUST.md names its files from its own folder (see test_trust.py)."""
    named = set(FILE.findall(document.read_text(encoding="utf-8")))
    assert document.name == "TRUST.md" or {name for name in named if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_the_code_that_is_named_is_there(document: Path) -> None:
    """`Class.method` in [file](path)."""
    for names, link in NAMED.findall(document.read_text(encoding="utf-8")):
        assert set(re.findall(r"`([\w.]+)`", names)) <= _defined(document.parent / link)


@pytest.mark.parametrize("document", [*DOCUMENTS, *RECIPES], ids=_name)
def test_no_mark_of_a_merge_is_left(document: Path) -> None:
    assert not re.findall(r"^(?:<{7} |={7}$|>{7} ).*", document.read_text(encoding="utf-8"), re.M)


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("# One heading\n[a](b.md) [b](#one-heading) [c](#two) [d](https://example.org/x) [e](a.md)\n")
    assert list(_broken(document)) == ["b.md", "#two"]
    assert _exists("python", ["-m", "translation.train"])
    assert _exists("python", ["tests/test_documents.py"])
    assert not _exists("python", ["-m", "translation.training"])
    assert not _exists("translator", [])

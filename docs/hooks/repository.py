"""Bring the documents and sources outside docs/ into the site, and lead links to them.

Documents are written for a clone: they link to files by their places in it, such as ../s2s/nn/cells.py. Here, every
document of the repository becomes a page, and every source that a document links to is shown on a page of its own. A
link after the name of a function or class leads to its line.
"""

from __future__ import annotations

import ast
import posixpath
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (  # that hold documents, besides docs/
    *("translation", "captioning", "labelling", "question_answering", "language_model", "tests"),
)
LANGUAGES = {".py": "python", ".toml": "toml", ".js": "javascript", ".txt": "text"}
RECIPES = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("*/recipes/*.toml"))
LINK = re.compile(
    r"(?P<name>`[\w.]+`)?(?P<between>\s+in\s+|)(?P<label>\[[^\]]*\])\((?P<path>[^)\s:#]+)(?P<anchor>#[^)\s]*)?\)"
)


def documents() -> list[Path]:
    """The documents outside docs/."""
    return sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))])


def place_of(path: str) -> str:
    """Where the site has a file of the repository: the path of its page or file from docs/."""
    path = path.removeprefix("docs/")
    match Path(path).suffix:
        case ".ipynb":
            return str(Path(path).with_suffix(".md"))
        case suffix if suffix in LANGUAGES:
            return f"source/{path}.md"
    return path


def origin_of(place: str) -> str:
    """The folder of the repository that the links of a page start from."""
    return posixpath.dirname(place if (ROOT / place).is_file() else f"docs/{place}")


@cache
def lines_of(path: str) -> dict[str, int]:
    """The line of each function, class, method (as `Class.method`) and constant of a module."""
    lines = dict[str, int]()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            lines[node.name] = node.lineno
        if isinstance(node, ast.ClassDef):
            parts = (part for part in node.body if isinstance(part, ast.FunctionDef))
            lines |= {f"{node.name}.{part.name}": part.lineno for part in parts}
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = (name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
            lines |= {name.id: node.lineno for name in names}
    return lines


def source_page(path: str) -> str:
    """A page that shows a file."""
    text = (ROOT / path).read_text(encoding="utf-8")
    block = f'````{{.{LANGUAGES[Path(path).suffix]} linenums="1"}}\n{text}````\n'
    return f"---\nsearch: {{exclude: true}}\nhide: [navigation, toc]\n---\n# {path}\n\n{block}"


def linked_sources(texts: dict[str, str]) -> set[str]:
    """Return the files that pages link to and that are not documents. `texts` has the text of each page by its path."""
    found = set()
    for place, text in texts.items():
        for match in LINK.finditer(text):
            path = posixpath.normpath(posixpath.join(origin_of(place), match["path"]))
            in_site = Path(path).suffix == ".md" or (path.startswith("docs/") and Path(path).suffix not in LANGUAGES)
            if (ROOT / path).is_file() and not in_site:
                found.add(path)
    return found


def led(place: str, text: str) -> str:
    """The text of a page with its links led to pages of the site."""

    def replaced(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(origin_of(place), match["path"]))
        if not (ROOT / path).is_file():
            return match[0]
        link = posixpath.relpath(place_of(path), posixpath.dirname(place) or ".")
        anchor = match["anchor"] or ""
        if match["name"] and match["between"] and path.endswith(".py"):
            line = lines_of(path).get(match["name"].strip("`"))
            anchor = f"#__codelineno-0-{line}" if line else ""
        return f"{match['name'] or ''}{match['between']}{match['label']}({link}{anchor})"

    return LINK.sub(replaced, text)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents, the recipes, and the sources and pictures that pages link to."""
    from mkdocs.structure.files import File

    for path in documents():
        files.append(File.generated(config, str(path.relative_to(ROOT)), abs_src_path=str(path)))
    texts = {file.src_uri: file.content_string for file in files.documentation_pages()}
    for path in sorted({*linked_sources(texts), *RECIPES}):
        if Path(path).suffix in LANGUAGES:
            files.append(File.generated(config, place_of(path), content=source_page(path)))
        else:
            files.append(File.generated(config, path, abs_src_path=str(ROOT / path)))
    return files


def on_config(config: MkDocsConfig) -> None:
    """List recipes and cards of models in the navigation."""
    pages = {
        "Recipes": {f"{Path(path).parts[0]}: {Path(path).stem}": place_of(path) for path in RECIPES},
        "Models": {path.parent.name: str(path.relative_to(ROOT)) for path in documents() if path.parts[-3] == "models"},
    }
    for section in config.nav or []:
        for title in pages.keys() & section.keys():
            section[title] += [{name: place} for name, place in pages[title].items()]


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links of a page; the first page is alone in its part of the navigation, which is hidden."""
    if page.is_homepage:
        page.meta["hide"] = ["navigation"]
    return markdown if page.file.src_uri.startswith("source/") else led(page.file.src_uri, markdown)

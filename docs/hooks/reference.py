"""Add the pages of the Python interface. mkdocstrings fills them with signatures and docstrings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[2]

# Title of the page, and its modules; a folder stands for all modules in it.
PAGES = {
    "Translation": ["translation.translator"],
    "Captioning": ["captioning.captioner", "captioning.results"],
    "Classifiers and taggers": ["labelling.classifier", "labelling.tagger"],
    "Questions about pictures": ["question_answering.answerer"],
    "Language models": ["language_model.generator", "language_model.states"],
    "Mass work": ["mass.batches"],
    "s2s.text": ["s2s.text"],
    "s2s.nn": ["s2s.nn"],
    "s2s.models": ["s2s.models"],
    "s2s.training": ["s2s.training"],
    "s2s.decoding": ["s2s.decoding"],
    "s2s.config": ["s2s.config"],
}


def modules(name: str) -> list[str]:
    """A module, or those of a folder."""
    folder = ROOT / name.replace(".", "/")
    found = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    return [f"{name}.{stem}" for stem in found] or [name]


def place(title: str) -> str:
    """Of a page."""
    return f"python/{title.lower().replace(' ', '-')}.md"


def on_config(config: MkDocsConfig) -> None:
    """List the pages in the navigation."""
    for section in config.nav or []:
        if "Python" in section:
            section["Python"] += [{title: place(title)} for title in PAGES]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages."""
    from mkdocs.structure.files import File

    for title, names in PAGES.items():
        blocks = [f"::: {module}\n    options: {{heading_level: 2}}" for name in names for module in modules(name)]
        files.append(File.generated(config, place(title), content="\n\n".join([f"# {title}", *blocks]) + "\n"))
    return files

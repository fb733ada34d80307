"""Turn the notebooks in docs/notebooks into pages, with the outputs that are stored in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each notebook, which stays beside it to be downloaded."""
    from mkdocs.structure.files import File
    from nbconvert import MarkdownExporter

    exporter = MarkdownExporter()
    for notebook in [file for file in files if file.src_uri.endswith(".ipynb")]:
        text, resources = exporter.from_filename(notebook.abs_src_path or "")
        place = Path(notebook.src_uri)
        title, _, rest = text.partition("\n\n")
        download = f'<p class="download"><a href="../{place.name}" download>Download this notebook</a></p>'
        page = f"{title}\n\n{download}\n\n{rest}"
        files.append(File.generated(config, place.with_suffix(".md").as_posix(), content=page))
        for name, data in resources["outputs"].items():
            files.append(File.generated(config, (place.parent / name).as_posix(), content=data))
    return files

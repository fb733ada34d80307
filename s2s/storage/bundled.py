"""Find bundled models: the model directories that came with an installed distribution, each known by its name.

An application keeps its bundled models in a folder, one model directory each, and registers the folder under the
entry-point group "s2s.models", by the kind of the models (see s2s/plugins.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from s2s.errors import UserError
from s2s.files import current_version
from s2s.plugins import folders, registered

GROUP = "s2s.models"


@dataclass(frozen=True)
class BundledModel:
    """A model directory that came with a distribution.

    Attributes:
        kind: of the model, such as "translation"; it says which application can use it
        directory: of the model; the name of the model is the name of this directory
    """

    kind: str
    directory: Path

    @property
    def name(self) -> str:
        """What `--model` takes, such as "en-de"."""
        return self.directory.name

    @property
    def megabytes(self) -> float:
        """The size of its files, in units of 1,000,000 bytes."""
        return sum(path.stat().st_size for path in self.directory.iterdir() if path.is_file()) / 1e6

    @property
    def purpose(self) -> str:
        """What the model is for: the title of its model card."""
        card = self.directory / "README.md"
        if not card.is_file():
            return "(no model card)"
        lines = card.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip("# ") for line in lines if line.strip("# ")), "(empty model card)")


def bundled_models(kind: str | None = None, folder: Path | None = None) -> list[BundledModel]:
    """Return all bundled models by kind and name.

    Args:
        kind: only models of this kind; None for all
        folder: holds models of this `kind`, which are found even where nothing is installed. Of two models with the
            same name, the one in this folder is returned.
    """
    found: dict[tuple[str, str], BundledModel] = {}
    for model in _models(kind, folder):
        found.setdefault((model.kind, model.name), model)
    return [found[key] for key in sorted(found)]


def find_model(model: Path | str, kind: str | None = None, folder: Path | None = None) -> Path:
    """Return the model directory that `model` names: an existing path, else a bundled model.

    Args:
        model: a path such as RUN/best, or the name of a bundled model such as "en-de"
        kind: of the models that the caller can use; None for all
        folder: as in `bundled_models`

    Raises:
        UserError: there is neither, or only a bundled model of another kind; the message lists the names of the
            bundled models.
    """
    path = Path(model)
    if current_version(path).is_dir():
        return path
    for found in _models(kind, folder):  # lazily: other distributions are searched only if `folder` has no such model
        if found.name == str(model):
            return found.directory
    names = ", ".join(each.name for each in bundled_models(kind, folder))
    known = f"the bundled models are {names}" if names else "no models are bundled"
    for other in _models(None, None) if kind else ():
        if other.name == str(model):
            unfit = f"is a bundled model of kind '{other.kind}', which this command cannot use"
            raise UserError(f"{model}: {unfit}; {known}")
    raise UserError(f"{model}: no such directory, and no bundled model has this name; {known}")


def _models(kind: str | None, folder: Path | None) -> Iterator[BundledModel]:
    """All bundled models, those in `folder` first; some may come twice."""
    if kind and folder:
        yield from _in_folder(kind, folder)
    for entry in registered(GROUP):
        if kind in (None, entry.name):
            for each in folders(entry):
                yield from _in_folder(entry.name, each)


def _in_folder(kind: str, folder: Path) -> Iterable[BundledModel]:
    return (BundledModel(kind, config.parent) for config in folder.glob("*/config.json"))

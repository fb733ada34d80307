"""Find what installed distributions register under an entry-point group, without importing it.

An application registers itself in its pyproject.toml, and the core imports no application:

    [project.entry-points."s2s.commands"]   # the sub-commands of `s2s`: a function from arguments to an exit code
    "train translation" = "translation.train:train"

    [project.entry-points."s2s.kinds"]      # kinds of models: the module that registers how a model is built
    translation = "translation.model"

    [project.entry-points."s2s.models"]     # folders of bundled models, by the kind of the models
    translation = "translation.models"

    [project.entry-points."s2s.states"]     # how the states over a text are read, by the kind of the models
    translation = "translation.states:read_states"

    [project.entry-points."s2s.unrolled"]   # how the steps over a sentence are computed, by the kind of the models
    translation = "translation.unroll:unroll"

    [project.entry-points."s2s.heads"]      # how the heads of a Transformer are read, by the kind of the models
    translation = "translation.heads:read_heads"

Any distribution may add entries. Of two entries with the same name in "s2s.commands" or "s2s.kinds" the toolkit's own
one is used, else the one that is found first on `sys.path`.
"""

from __future__ import annotations

import tokenize
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2s.errors import UserError
from s2s.extras import missing_extra

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

DISTRIBUTION = "s2s-attention"  # the name of this toolkit's own distribution in pyproject.toml


def registered(group: str) -> list[EntryPoint]:
    """Return the entry points of `group`, this toolkit's own first. A distribution that cannot be read is skipped."""
    from importlib.metadata import distributions

    found: dict[str, list[EntryPoint]] = {}
    for distribution in distributions():
        try:
            if entries := [entry for entry in distribution.entry_points if entry.group == group]:
                found.setdefault(distribution.name, entries)  # hides another installation further back on the path
        except Exception:  # metadata of any distribution on the path: damage to one of them is not ours to report
            continue
    ours = found.pop(DISTRIBUTION, [])
    return [*ours, *(entry for entries in found.values() for entry in entries)]


def by_name(group: str) -> dict[str, EntryPoint]:
    """Return the entry points of `group` by their names."""
    return {entry.name: entry for entry in reversed(registered(group))}


def load(entry: EntryPoint) -> Any:
    """Import the object that an entry point names.

    Raises:
        ModuleNotFoundError: a package of an extra is not installed (see s2s/extras.py).
        UserError: the import fails for any other reason; the message names the distribution to repair.
    """
    try:
        return entry.load()
    except Exception as error:
        if missing_extra(error, entry.name):
            raise
        owner = entry.dist.name if entry.dist else "its distribution"
        reason = f"{type(error).__name__}: {error}"
        raise UserError(f"{entry.name}: cannot be loaded ({reason}); reinstall or remove {owner}") from error


def summary(entry: EntryPoint) -> str:
    """Return the first line of the docstring of the module that an entry point names; the module is not imported."""
    try:
        spec = _find(entry.module)
        return _first_docstring_line(Path(spec.origin)) if spec and spec.origin else f"(no module {entry.module})"
    except Exception as error:  # a stranger's metadata and source must not break the list of the other commands
        return f"(cannot be read: {type(error).__name__})"


def folders(entry: EntryPoint) -> list[Path]:
    """Return the existing folders that the dotted path of an entry point names, such as "translation.models"."""
    try:
        package, *rest = entry.value.split(".")
        spec = find_spec(package)
        return [path for parent in _locations(spec) if (path := Path(parent, *rest)).is_dir()]
    except Exception:  # as in `summary`
        return []


def _find(module: str) -> ModuleSpec | None:
    """The spec of a module; `importlib.util.find_spec` would import the packages around it."""
    package, *parts = module.split(".")
    spec = find_spec(package)
    for part in parts:
        spec = PathFinder.find_spec(part, _locations(spec))
    return spec


def _locations(spec: ModuleSpec | None) -> list[str]:
    return list(spec.submodule_search_locations or []) if spec else []


def _first_docstring_line(source: Path) -> str:
    """The first line of the docstring; the rest of the file is not parsed, which takes longer than all else here."""
    from ast import literal_eval

    with tokenize.open(source) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type == tokenize.STRING:
                return literal_eval(token.string).strip().partition("\n")[0]
            if token.type not in (tokenize.COMMENT, tokenize.NL):
                break
    return "(no description)"

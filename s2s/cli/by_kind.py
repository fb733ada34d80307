"""Find what an application registers for its kind of models under an entry-point group (see s2s/plugins.py)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from s2s.errors import check
from s2s.plugins import by_name, load
from s2s.storage.bundled import find_model
from s2s.storage.model_record import read_record, read_whole
from s2s.storage.verified import shorten


def registered_for(model: Path, group: str, lack: str) -> tuple[Path, Any]:
    """The directory of a model, and what its application registered under a group.

    Args:
        model: a model directory, or the name of a bundled model
        group: of entry points, by the kind of the model
        lack: what models of other kinds cannot do, for the message: "cannot ..."

    Raises:
        UserError: there is no such model, it is damaged, or nothing is registered for its kind.
    """
    directory, known = find_model(model), by_name(group)
    kind = read_whole(directory, read_record).kind
    check(
        kind in known,
        f"{model}: models of kind '{shorten(kind)}' {lack}; name a model of another kind ({', '.join(sorted(known))})",
    )
    return directory, load(known[kind])

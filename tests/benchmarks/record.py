"""The file of finished measurements: each has its key, and what is there is not measured again."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from s2s.errors import UserError, check
from s2s.files import atomic_file

Figures = dict[str, float]


class Record:
    """Measurements by keys such as `training/JoeyNMT/2`, the last part being the repetition.

    Args:
        path: the file; what is in it is gone on from.
        about: machine, versions, settings: figures of one file must have them in common.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self._path, self._about = path, dict(about)
        self._taken: dict[str, Figures] = {}
        if not path.exists():
            return
        try:
            stored = json.loads(path.read_bytes())
            self._taken = stored["measurements"]
            before = stored["about"]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}: is not a file of measurements: choose another --output") from error
        changed = sorted(key for key in before | self._about if before.get(key) != self._about.get(key))
        check(
            not changed,
            f"{path}: was measured with another {', '.join(changed)}: choose another --output, or delete it",
        )

    def take(self, key: str, measure: Callable[[], Figures]) -> bool:
        """Measure and store, unless it is there already; whether it was measured now."""
        if key in self._taken:
            return False
        self._taken[key] = measure()
        with atomic_file(self._path) as aside:
            content = {"about": self._about, "measurements": self._taken}
            aside.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return True

    def medians(self) -> dict[str, Figures]:
        """Of each figure over the repetitions, by keys without them."""
        return medians(self._taken)


def medians(taken: Mapping[str, Figures]) -> dict[str, Figures]:
    """See `Record.medians`."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for key, figures in taken.items():
        for name, value in figures.items():
            found[key.rpartition("/")[0]][name].append(value)
    return {key: {name: statistics.median(values) for name, values in group.items()} for key, group in found.items()}

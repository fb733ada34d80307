"""JavaScript modules as one script.

The modules under `serving/data` import each other as ECMAScript modules do, so that they can be read, and tested, by
themselves. A page that is opened from disk cannot import files, so they are put one behind the other, each as a
function that returns what it exports:

    const words = (() => { ...; return { placeTokens, wordsOf }; })();
    const text = (() => { const { wordsOf } = words; ...; return { textView }; })();
"""

from __future__ import annotations

import re
from pathlib import Path

from s2s.errors import check

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]*)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|class|function\*?) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def bundle(entry: Path) -> str:
    """The module `entry` and all that it imports as one script, in an order in which each finds what it needs.

    Raises:
        UserError: a module imports or exports in a way that is not `import {names} from "./file.js"` or a declaration
            behind `export`, or modules import each other in a circle.
    """
    written: dict[Path, str] = {}
    _add(entry.resolve(), written, ())
    return "".join(written.values())


def _add(path: Path, written: dict[Path, str], importers: tuple[Path, ...]) -> None:
    """Append a module to `written`, behind those that it imports."""
    if path in written:
        return
    check(path not in importers, f"{path.name}: modules import each other in a circle; move what both need to a third")
    code = path.read_text(encoding="utf-8")
    for _, imported in _IMPORT.findall(code):
        _add((path.parent / imported).resolve(), written, (*importers, path))
    exported = _EXPORT.findall(code)
    code = _IMPORT.sub(lambda found: f"const {{{_renamed(found[1])}}} = {_name(path.parent / found[2])};\n", code)
    code = _EXPORT.sub("", code)
    other = _OTHER.search(code)
    check(not other, f"{path.name}: cannot be bundled: {other[0] if other else ''}")
    written[path] = f"const {_name(path)} = (() => {{\n{code}return {{ {', '.join(exported)} }};\n}})();\n"


def _renamed(names: str) -> str:
    """`a, b as c` of an import as the `a, b: c` of a pattern."""
    return re.sub(r"\s+as\s+", ": ", names)


def _name(path: Path) -> str:
    """The constant that holds what a module exports."""
    path = path.resolve()
    return f"{path.parent.name}_{path.stem}"

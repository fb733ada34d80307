"""Write the source code of Python's standard library as text for a language model.

    s2s prepare python-source --output data/python-source

writes `train.txt` and `validation.txt`: the modules of the Python that runs this, in an order that their names decide,
each after a line such as `# module: asyncio.events`. Every twentieth module is for validation. Tests, `idlelib` and
other large collections that are no library code are left out. Other versions of Python give other files.
"""

from __future__ import annotations

import hashlib
import sys
import sysconfig
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.errors import check
from s2s.files import atomic_file, check_output

# Folders whose files are not code that a library offers, or are tables.
_LEFT_OUT = {"__pycache__", "encodings", "idlelib", "lib2to3", "pydoc_data", "site-packages", "test", "tests"}
_VALIDATION = 20  # one module of so many


@dataclass(frozen=True)
class Module:
    """A module: its dotted name and its source."""

    name: str
    source: str

    @property
    def is_validation(self) -> bool:
        """Whether it is for validation, which its name decides."""
        return int(hashlib.sha256(self.name.encode()).hexdigest(), 16) % _VALIDATION == 0

    @property
    def text(self) -> str:
        """Return a line with the name of the file, its source, and a blank line."""
        return f"# module: {self.name}\n{self.source.rstrip()}\n\n"


def modules(library: Path) -> Iterator[Module]:
    """Yield the modules of a library in a stable order that mixes its packages; files that are not text are skipped.

    Args:
        library: the folder of the standard library
    """
    paths = (path for path in library.rglob("*.py") if not _LEFT_OUT & {*path.relative_to(library).parts})
    named = {".".join(path.relative_to(library).with_suffix("").parts): path for path in paths}
    for name in sorted(named, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
        try:
            with tokenize.open(named[name]) as file:
                yield Module(name, file.read().replace("\f", ""))
        except (SyntaxError, UnicodeDecodeError):
            print(f"{named[name]}: its encoding cannot be read; skipped", file=sys.stderr)


def python_source(arguments: list[str]) -> int:
    """Write the training and validation text into the folder that the arguments name; return the exit code."""
    parser = Parser(description="Write the source code of Python's standard library as text for a language model.")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    options = parser.parse_args(arguments)
    library = Path(sysconfig.get_path("stdlib"))
    found = list(modules(library))
    check(found, f"{library}: has no source code of the standard library; use a Python that was installed with it")
    options.output.mkdir(parents=True, exist_ok=True)
    parts = {"train.txt": False, "validation.txt": True}
    for name in parts:
        check_output(options.output / name, force=options.force)
    for name, is_validation in parts.items():
        chosen = [module.text for module in found if module.is_validation == is_validation]
        with atomic_file(options.output / name) as aside:
            aside.write_text("".join(chosen), encoding="utf-8", newline="\n")
        print(options.output / name)
        characters = sum(map(len, chosen))
        print(f"{options.output / name}: {len(chosen):,} modules, {characters:,} characters", file=sys.stderr)
    return 0


def main() -> int:
    """Entry point."""
    return command.run(python_source)


if __name__ == "__main__":
    sys.exit(main())

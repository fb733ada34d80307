"""Other toolkits in environments of their own, made once by `uv` and kept in the cache folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from s2s import cache
from tests.benchmarks.process import CommandError, Finished, run


@dataclass(frozen=True)
class Environment:
    """A Python environment with packages from PyPI."""

    requirements: Sequence[str]
    python_version: str = "3.11"

    @property
    def folder(self) -> Path:
        """Named by what is in it."""
        return cache.folder() / f"benchmark-{cache.key([list(self.requirements), self.python_version])}"

    def command(self, name: str) -> Path:
        """A program of the environment."""
        return self.folder / "bin" / name

    def install(self) -> dict[str, str]:
        """Make it, unless that was done; return the versions of all packages.

        Raises:
            CommandError: there is no `uv`, or it fails.
        """
        versions = self.folder / "versions.json"  # written last: without it the environment is not whole
        if not versions.is_file():
            cache.make_writable(self.folder.parent)
            self._uv("venv", "--clear", "--python", self.python_version, self.folder)
            self._uv("pip", "install", "--python", self.command("python"), *self.requirements)
            listed = self._uv("pip", "list", "--python", self.command("python"), "--format", "json").output
            named = {package["name"].lower(): package["version"] for package in json.loads(listed)}
            versions.write_text(json.dumps(named))
        return json.loads(versions.read_text())

    def _uv(self, *arguments: str | Path) -> Finished:
        program = shutil.which("uv")
        if program is None:
            raise CommandError("uv, which makes the environments of the peers, is not installed: pip install uv")
        return run([program, *arguments], folder=self.folder.parent, threads=1)

"""Fingerprint of a command, which `--resume-output` compares with that of the interrupted one."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from s2s.files import current_version, sha256

# Options that change where and how fast a translation is written, and not what it is.
_FREE = {
    *("output", "output_folder", "force", "resume_output", "report", "attention", "alignments", "debug"),
    *("device", "threads", "batch_tokens"),
}


def command_record(options: argparse.Namespace, directories: Sequence[Path]) -> dict[str, str]:
    """The options by which translations differ, each as `--name` with its value, and the models.

    Files that options name are recorded by their content; the inputs only by their names, as their lines are compared.
    """
    record = {"FILE": repr([str(path) for path in options.files])}
    record["--model"] = repr([sha256(current_version(directory) / "config.json") for directory in directories])
    for name, value in vars(options).items():
        if name not in _FREE and name not in ("files", "model", "to"):
            record[f"--{name.replace('_', '-')}"] = _recorded(value)
    return record


def _recorded(value: object) -> str:
    return sha256(value) if isinstance(value, Path) and value.is_file() else repr(value)

"""Toy sentences and their reversals in files, and the section of a recipe that names them, for whole commands."""

from __future__ import annotations

from pathlib import Path

from data_prep.toy import Split, sequences

# For `format(folder=...)`.
DATA = """
[data]
train_source = ["{folder}/train.source"]
train_target = ["{folder}/train.reverse"]
validation_source = "{folder}/val.source"
validation_target = "{folder}/val.reverse"
source_language = "toy"
target_language = "toy"
"""


def write_toy_text(folder: Path, *, train: int, validation: int) -> None:
    """Write so many pairs of 3 to 6 words into the files that `DATA` names."""
    for name, drawn in sequences(1, {"train": Split(train, 3, 6), "val": Split(validation, 3, 6)}).items():
        (folder / f"{name}.source").write_text("".join(" ".join(words) + "\n" for words in drawn))
        (folder / f"{name}.reverse").write_text("".join(" ".join(words[::-1]) + "\n" for words in drawn))

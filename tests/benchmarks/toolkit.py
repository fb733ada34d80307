"""What a toolkit must do to be measured, and what all of them do it with."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.benchmarks.record import Figures

LENGTH = 14  # tokens that a model of a few steps is made to write, as many as a sentence of the test has: equal work


@dataclass(frozen=True)
class Setting:
    """The architecture and the training that all toolkits have in common.

    Input feeding, general attention, one bidirectional LSTM as encoder, one LSTM as decoder; source and target share
    their embeddings, the read-out has weights of its own.
    """

    embedding: int = 512
    encoder: int = 256  # units a direction
    decoder: int = 512
    vocabulary: int = 6000  # subwords of both languages
    batch: int = 80  # sentences
    dropout: float = 0.3
    label_smoothing: float = 0.1
    learning_rate: float = 1e-3  # Adam's, constant
    clip_norm: float = 1.0
    seed: int = 1
    epochs: int = 20  # of a training to the end
    hours: float = 2.0  # after which a training to the end is stopped
    device: str = "cpu"  # or "cuda"

    @property
    def gpu(self) -> bool:
        """Whether a GPU is used."""
        return self.device == "cuda"


@dataclass(frozen=True)
class Data:
    """Prepared text in a folder: train, validation and test, each .source and .target, and the subword model."""

    folder: Path

    def text(self, split: str, side: str) -> Path:
        """A file of sentences."""
        return self.folder / f"{split}.{side}"

    @property
    def subwords(self) -> Path:
        """SentencePiece's model, of both sides."""
        return self.folder / "subwords.model"

    @property
    def pieces(self) -> Path:
        """Its pieces without the special ones, one a line."""
        return self.folder / "pieces.txt"

    @property
    def sizes(self) -> Figures:
        """Of the training text: pairs, and mean tokens of a source and a target, END counted."""
        return json.loads((self.folder / "sizes.json").read_text())


@dataclass(frozen=True)
class Decoding:
    """What is to be translated, and how."""

    width: int
    batch: int
    source: Path
    output: Path


class Toolkit(Protocol):
    """A toolkit, driven through its own commands in processes of their own."""

    @property
    def name(self) -> str: ...

    def train(self, steps: int) -> Figures:
        """Train so many steps from the start: `speed` once it runs, `megabytes` at most."""
        ...

    def fit(self) -> Figures:
        """Train to the end, and keep the model: `minutes`, and what `fitted` makes of its validations."""
        ...

    def decode(self, how: Decoding) -> Figures:
        """Translate with the model of `fit`, else of `train`: `seconds` of it alone, `megabytes` at most.

        The model of `train` writes `LENGTH` tokens a sentence, neither more nor fewer.
        """
        ...

    def first(self, sentence: str) -> Figures:
        """Translate one sentence in a fresh process: `seconds`, all counted."""
        ...


def speed(target: float, sizes: Figures) -> Figures:
    """A second's `pairs`, `target` tokens and those of `both` sides, from the target's, END counted."""
    pairs = target / sizes["target"]
    return {"pairs": pairs, "target": target, "both": pairs * (sizes["source"] + sizes["target"])}


def fitted(validations: Iterable[tuple[float, float]]) -> Figures:
    """The best `BLEU` of (minutes, BLEU), and `to N`: minutes until it was N, for whole numbers that were reached."""
    figures, best = {"BLEU": 0.0}, 0.0
    for minutes, score in validations:
        figures |= {f"to {level}": minutes for level in range(int(best) + 1, int(score) + 1)}
        best = max(best, score)
    return figures | {"BLEU": best}

"""Exporting a language model: its graph, and texts to compare its engines with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from language_model.corpus import Text, decode
from language_model.generator import Generator
from language_model.model import LanguageModel
from s2s.decoding.search import SamplingOptions
from s2s.export.contracts import EngineName, LightFiles, Storage, Written
from s2s.export.language_model import build_step
from s2s.text.lines import read_lines
from s2s.text.tokens import SPECIALS, UNK

LINES, LENGTH = 50, 40  # beginnings that are continued, and tokens that are written after each
_MADE_UP_TOKENS = 24  # of a made-up beginning


class LanguageModelExporter:
    """See `Exporter`. What an engine writes is the likeliest continuation of a line."""

    unit = "lines"

    def __init__(self, directory: Path) -> None:
        self.model = LanguageModel.load(directory)

    def light_files(self, precision: Storage) -> LightFiles:
        """See `Exporter`."""
        return LightFiles(build_step(self.model.config.model, self.model.decoder, precision))

    def samples(self, files: Sequence[Path]) -> list[str]:
        """The first lines of the files that the model knows all of, or lines of random tokens."""
        if files:
            known = (line for file in files for line in read_lines(file) if self._knows(line))
            return list(islice(known, LINES))
        drawn, ordinary = random.Random(1), range(len(SPECIALS), len(self.model.vocabulary))
        lengths = [1 + number % _MADE_UP_TOKENS for number in range(LINES)]
        return [decode(self.model.vocabulary, drawn.choices(ordinary, k=length)) for length in lengths]

    def write(self, directory: Path, engine: EngineName, samples: Sequence[str]) -> list[Written]:
        """See `Exporter`."""
        precision = "float32" if engine == "torch" else "auto"
        generator = Generator.load(directory, engine=engine, device="cpu", precision=precision)
        likeliest = SamplingOptions(top_k=1)
        found = [generator.sample(sample, length=LENGTH, options=likeliest)[0] for sample in samples]
        return [Written(each.text, each.log_probability / each.tokens) for each in found]

    def _knows(self, line: str) -> bool:
        return UNK not in Text([line]).encode(self.model.vocabulary)

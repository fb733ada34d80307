"""Exporting a translation model: its graphs, and lines to compare its engines with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from s2s.errors import check
from s2s.export.contracts import EngineName, LightFiles, Storage, Written
from s2s.export.decoders import EncodedGrid
from s2s.export.graphs import build_graphs, look_up
from s2s.export.matrices import NetworkGraph
from s2s.export.text_encoder import TEXT_ENCODERS
from s2s.text.lines import read_lines
from s2s.text.tokens import SPECIALS
from translation.model import TranslationModel
from translation.translator import Translator

LINES = 200
_MADE_UP_TOKENS = 24  # of the longest made-up line


class TranslationExporter:
    """See `Exporter`."""

    unit = "lines"

    def __init__(self, directory: Path) -> None:
        self.model = TranslationModel.load(directory)

    def light_files(self, precision: Storage) -> LightFiles:
        """See `Exporter`."""
        config, network = self.model.config, self.model.network
        check(
            config.picture is None,
            "a translator that sees pictures has no light form, which has no CNN for them; use it with --engine torch",
        )
        encode = look_up(TEXT_ENCODERS, config.encoder, "encoder")

        def encoder(graph: NetworkGraph) -> EncodedGrid:
            return encode(graph, config.encoder, network.encoder)

        return LightFiles(build_graphs(encoder, config.decoder, network.decoder, precision))

    def samples(self, files: Sequence[Path]) -> list[str]:
        """The first lines of the files, or lines of random tokens of the vocabulary."""
        if files:
            return list(islice((line for file in files for line in read_lines(file)), LINES))
        source, drawn = self.model.source, random.Random(1)
        ordinary = range(len(SPECIALS), source.first_placeholder)
        lengths = [
            1 + number % min(_MADE_UP_TOKENS, self.model.config.max_source_length - 1) for number in range(LINES)
        ]
        return [source.decode(drawn.choices(ordinary, k=length)) for length in lengths]

    def write(self, directory: Path, engine: EngineName, samples: Sequence[str]) -> list[Written]:
        """See `Exporter`."""
        precision = "float32" if engine == "torch" else "auto"
        translator = Translator.load(directory, engine=engine, device="cpu", precision=precision)
        return [Written(each.text, each.score) for each in translator.translate(samples)]

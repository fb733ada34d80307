"""Exporting an answerer: its graphs, and questions to compare its engines with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from question_answering.answerer import Answerer, Asked
from question_answering.configuration import OwnPictureConfig, SharedPictureConfig
from question_answering.corpus import read_questions
from question_answering.light import shared_eyes
from question_answering.model import AnswererModel
from s2s.export.answers import build_answer_graphs
from s2s.export.contracts import EngineName, LightFiles, Storage, Written
from s2s.text.tokens import SPECIALS

QUESTIONS, PICTURES = 60, 20
_WORDS = 12  # of the longest made-up question


class AnswererExporter:
    """See `Exporter`."""

    unit = "questions"

    def __init__(self, directory: Path) -> None:
        self.model = AnswererModel.load(directory)
        self._folder = TemporaryDirectory(prefix="s2s-pictures-")  # of made-up pictures; removed with this object

    @property
    def _grid(self) -> tuple[int, int]:
        """Rows and columns of the cells."""
        size = self.model.config.picture.preprocessing.size
        return self.model.encoder.backbone.grid_shape(size, size)

    def light_files(self, precision: Storage) -> LightFiles:
        """See `Exporter`."""
        config, encoder = self.model.config, self.model.encoder
        preprocessing = config.picture.preprocessing
        grid = self._grid
        own = isinstance(config.picture, OwnPictureConfig)
        files = build_answer_graphs(
            self.model.network.head,
            encoder.grid,
            config.attention,
            config.encoder,
            config.decoder,
            precision,
            grid,
            (encoder.backbone, preprocessing.size) if own else None,
            padded=preprocessing.fit == "pad",
        )
        return LightFiles(files, grid)

    def samples(self, files: Sequence[Path]) -> list[Asked]:
        """The first questions of the files, or random words about pictures of random patches of colour."""
        if files:
            found = (each for file in files for each in read_questions(file)[0])
            return [(each.picture, each.text) for each in islice(found, QUESTIONS)]
        drawn, words = random.Random(1), self.model.assets.words.surfaces[len(SPECIALS) :] or ["what"]
        pictures = [Path(self._folder.name, f"{number}.png") for number in range(PICTURES)]
        for number, path in enumerate(pictures):
            patches = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
            Image.fromarray(patches).resize((320, 240), Image.Resampling.BICUBIC).save(path)
        return [
            (pictures[number % PICTURES], " ".join(drawn.choices(words, k=1 + number % _WORDS)))
            for number in range(QUESTIONS)
        ]

    def write(self, directory: Path, engine: EngineName, samples: Sequence[Asked]) -> list[Written]:
        """See `Exporter`. The chosen answers, and those that the decoder writes, if there is one."""
        precision = "float32" if engine == "torch" else "auto"
        answerer = Answerer.load(directory, engine=engine, device="cpu", precision=precision)
        picture = self.model.config.picture
        if isinstance(picture, SharedPictureConfig):
            # The captioner has a light form already, perhaps in eight bits: what is compared is what is exported here.
            see = shared_eyes(picture, directory, self._grid, 1)
            answerer = Answerer(replace(answerer.engine, see=see))
        ways = [False] if answerer.engine.written is None else [False, True]
        found = [each for written in ways for each in answerer.answer(samples, written=written)]
        return [Written(each.text, float(np.log(max(each.probability, 1e-12)))) for each in found]

"""Exporting a classifier or tagger: its graph, and sentences to compare its engines with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from labelling.classifier import Classifier
from labelling.configuration import CLASSIFIER
from labelling.model import LabellingModel
from labelling.tagger import Tagger
from s2s.export.contracts import EngineName, LightFiles, Storage, Written
from s2s.export.heads import build_label_graph
from s2s.models.label_configuration import ClassifierHeadConfig
from s2s.text.lines import read_lines
from s2s.text.tokens import SPECIALS
from s2s.text.word_marks import words_of

LINES = 200
_MADE_UP_WORDS = 24  # of the longest made-up sentence


class LabellingExporter:
    """See `Exporter`."""

    unit = "sentences"

    def __init__(self, directory: Path) -> None:
        self.model = LabellingModel.load(directory)

    def light_files(self, precision: Storage) -> LightFiles:
        """See `Exporter`."""
        config = self.model.config
        reading = config.head.reading if isinstance(config.head, ClassifierHeadConfig) else None
        network = self.model.network
        return LightFiles(build_label_graph(network, config.encoder, config.spelling, reading, precision))

    def samples(self, files: Sequence[Path]) -> list[list[str]]:
        """The words of the first lines of the files, or random words of the vocabulary."""
        if files:
            lines = islice((line for file in files for line in read_lines(file)), LINES)
            found = (words_of(line, tokenise=self.model.config.tokenise) for line in lines)
            return [words for words in found if words]
        drawn, words = random.Random(1), self.model.assets.words.surfaces[len(SPECIALS) :] or ["a"]
        return [drawn.choices(words, k=1 + number % _MADE_UP_WORDS) for number in range(LINES)]

    def write(self, directory: Path, engine: EngineName, samples: Sequence[Sequence[str]]) -> list[Written]:
        """See `Exporter`. Of a tagger the text is all tags, and the score the mean log-probability of them."""
        precision = "float32" if engine == "torch" else "auto"
        if self.model.config.head.kind == CLASSIFIER:
            classifier = Classifier.load(directory, engine=engine, device="cpu", precision=precision)
            labels = [each for each in classifier.classify_words(samples) if each]
            return [Written(each.label, float(np.log(each.probability))) for each in labels]
        tagger = Tagger.load(directory, engine=engine, device="cpu", precision=precision)
        return [Written(" ".join(each.tags), float(np.log(each.probabilities).mean())) for each in tagger.tag(samples)]

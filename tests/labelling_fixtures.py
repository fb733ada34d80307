"""Tiny labelled texts, recipes for them, and models of a few thousand weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from labelling.assets import Assets
from labelling.configuration import LabellingConfig
from labelling.model import LabellingModel
from s2s.models.configuration import RecurrentEncoderConfig
from s2s.models.label_configuration import (
    ClassifierHeadConfig,
    HeadConfig,
    ReadingConfig,
    SpellingConfig,
    TaggerHeadConfig,
)
from s2s.text.vocabulary import CharacterVocabulary, WordVocabulary

WORDS = ["the", "a", "dog", "cat", "house", "runs", "sleeps", "is", "good", "bad", "fine", "film", "not", "very"]
GOOD = [["good", "film"], ["a", "fine", "dog"], ["the", "film", "is", "very", "good"], ["fine"]]
BAD = [["bad", "film"], ["a", "bad", "cat"], ["the", "house", "is", "very", "bad"], ["bad"]]
SENTENCES = [*GOOD, *BAD]


def model_of(
    head: HeadConfig, *, labels: tuple[str, ...] = ("bad", "good", "odd"), spelling: bool = False, **shape: Any
) -> LabellingModel:
    """A model of random weights, as a stored one has them in 16 bits."""
    config = LabellingConfig(
        labels=labels,
        head=head,
        embedding_dim=6,
        lower_case=True,
        spelling=SpellingConfig(embedding_dim=4, dim=3) if spelling else None,
        encoder=RecurrentEncoderConfig(dim=5),
        **shape,
    )
    characters = CharacterVocabulary.from_lines(WORDS) if spelling else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = LabellingModel.fresh(Assets(config, WordVocabulary.from_lines(WORDS), characters))
        with torch.no_grad():
            for parameter in model.network.parameters():
                parameter.copy_((parameter + torch.randn_like(parameter) / 2).half())
    model.network.eval()
    return model


def classifier(reading: ReadingConfig, **options: Any) -> LabellingModel:
    """One label a sentence."""
    return model_of(ClassifierHeadConfig(reading), **options)


def tagger(**options: Any) -> LabellingModel:
    """One label a word."""
    return model_of(TaggerHeadConfig(), **options)


CLASSIFIER_RECIPE = """
batch = 4
embedding_dim = 8
[data]
train = ["{folder}/train.tsv"]
validation = "{folder}/train.tsv"
[vocabulary]
unknown = 0.05
[encoder]
dim = 6
embedding_dropout = 0.1
[head]
dropout = 0.1
[training]
epochs = 30
precision = "float32"
save_every = 7
[training.optimiser]
learning_rate = 2e-2
[training.schedule]
warmup_steps = 4
"""

TAGGER_RECIPE = """
batch = 4
embedding_dim = 8
scheme = "BIOES"
[data]
train = ["{folder}/train.columns"]
validation = "{folder}/train.columns"
scheme = "IOB1"
[spelling]
embedding_dim = 4
dim = 4
[vocabulary]
unknown = 0.05
[encoder]
dim = 8
embedding_dropout = 0.1
[head]
dropout = 0.1
[training]
epochs = 60
precision = "float32"
save_every = 3
[training.optimiser]
learning_rate = 3e-2
[training.schedule]
warmup_steps = 4
"""

COLUMNS = """\
Anna\tI-PER
sees\tO
New\tI-LOC
York\tI-LOC
.\tO

Otto\tI-PER
Anna\tB-PER
sleep\tO

Ulm\tI-LOC
sees\tO
Otto\tI-PER
Meier\tI-PER
.\tO
"""


def write_classifier_data(folder: Path) -> Path:
    """Labelled sentences and a recipe for them; return the recipe."""
    lines = [f"good\t{' '.join(words)}\n" for words in GOOD] + [f"bad\t{' '.join(words)}\n" for words in BAD]
    (folder / "train.tsv").write_text("".join(lines))
    (folder / "classifier.toml").write_text(CLASSIFIER_RECIPE.format(folder=folder))
    return folder / "classifier.toml"


def write_tagger_data(folder: Path) -> Path:
    """Tagged words and a recipe for them; return the recipe."""
    (folder / "train.columns").write_text(COLUMNS)
    (folder / "tagger.toml").write_text(TAGGER_RECIPE.format(folder=folder))
    return folder / "tagger.toml"

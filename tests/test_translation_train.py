"""What a translation recipe is built into: a fresh model, or one that goes on from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from s2s.errors import UserError
from s2s.vocabulary import WordVocabulary
from translation.model import TranslationModel
from translation.recipe import BatchConfig, DataConfig, Recipe, VocabularyConfig
from translation.train import build

CPU = torch.device("cpu")


def recipe(folder: Path, source: str, target: str) -> Recipe:
    """Of a pair of files of one line, which is validated on too."""
    folder.mkdir(exist_ok=True)
    paths = folder / "text.en", folder / "text.de"
    for path, line in zip(paths, (source, target)):
        path.write_text(f"{line}\n")
    data = DataConfig([paths[0]], [paths[1]], *paths, source_language="en", target_language="de")
    small = Recipe(data, BatchConfig(sentences=2), vocabulary=VocabularyConfig("word", threshold=1))
    shape = replace(small.decoder, embedding_dim=8, dim=12, attention_dim=8)
    return replace(small, encoder=replace(small.encoder, dim=6), decoder=shape)


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    return recipe(tmp_path / "first", "a man sleeps", "ein Mann schläft")


@pytest.fixture
def stored(first: Recipe, tmp_path: Path) -> Path:
    """The directory of a model of the recipe."""
    training = build(first, CPU)
    training.task.save(training.network, tmp_path / "model", {})
    return tmp_path / "model"


def test_a_model_is_gone_on_from_with_its_weights_and_words(stored: Path, tmp_path: Path) -> None:
    """On other text, with other dropout; none of the words of that text are learned."""
    second = replace(recipe(tmp_path / "second", "two dogs play and play", "zwei Hunde"), start=stored)
    second = replace(second, encoder=replace(second.encoder, word_dropout=0.4))
    model, network = TranslationModel.load(stored), build(second, CPU).network
    assert all(tensor.equal(network.state_dict()[name]) for name, tensor in model.network.state_dict().items())
    network_task = build(second, CPU).task
    assert network_task.batch(0, 0, [0]).source.ids[0, :-1].unique().numel() == 1  # type: ignore[attr-defined]


def test_the_text_is_encoded_once(first: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """By then vocabularies, lengths and batches are made of it."""
    encoded: list[str] = []
    real = WordVocabulary.encode_all

    def counted(self: WordVocabulary, texts: Sequence[str]) -> list[list[int]]:
        encoded.extend(texts)
        return real(self, texts)

    monkeypatch.setattr(WordVocabulary, "encode_all", counted)
    build(first, CPU)
    assert encoded == ["a man sleeps", "ein Mann schläft"]


def test_the_words_of_the_model_are_other_data(first: Recipe, stored: Path) -> None:
    """Here the text is the same and so are the words; with other ones a run could not go on."""
    fewer = replace(first, vocabulary=replace(first.vocabulary, threshold=2))
    assert build(fewer, CPU).data != build(replace(fewer, start=stored), CPU).data


def test_a_model_of_another_shape_is_not_gone_on_from(first: Recipe, stored: Path) -> None:
    other = replace(first, decoder=replace(first.decoder, dim=16), start=stored)
    with pytest.raises(UserError, match=r"model: the recipe differs from it in decoder\.dim: make them agree"):
        build(other, CPU)


def test_what_the_model_could_read_it_still_can(stored: Path, tmp_path: Path) -> None:
    """Its new text has one word a line."""
    short = replace(recipe(tmp_path / "short", "dogs", "Hunde"), start=stored)
    build(short, CPU).task.save(build(short, CPU).network, tmp_path / "second", {})
    first, second = (TranslationModel.load(path).config for path in (stored, tmp_path / "second"))
    assert second.max_source_length == first.max_source_length == 3
    assert second.length_ratio == first.length_ratio

"""What a translation recipe is built into: a fresh model, or one that goes on from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from s2s.config import from_dict
from s2s.errors import UserError
from s2s.nn.configuration import AdditiveConfig
from s2s.text.tokens import END
from s2s.text.vocabulary import WordVocabulary
from translation.augmentation import AugmentationConfig
from translation.corpus import Cleaning
from translation.minimum_risk import MinimumRiskTask
from translation.model import TranslationModel
from translation.prepare import PreparedPairs
from translation.recipe import BatchConfig, DataConfig, MinimumRiskConfig, Recipe, VocabularyConfig
from translation.task import TranslationTask
from translation.train import build, take_over

CPU = torch.device("cpu")


def recipe(folder: Path, source: str, target: str) -> Recipe:
    """Of a pair of files of one line, which is validated on too."""
    folder.mkdir(exist_ok=True)
    paths = folder / "text.en", folder / "text.de"
    for path, line in zip(paths, (source, target)):
        path.write_text(f"{line}\n")
    data = DataConfig(*paths, "en", "de", train_source=paths[:1], train_target=paths[1:])
    small = Recipe(data, BatchConfig(sentences=2), vocabulary=VocabularyConfig("word", threshold=1))
    shape = replace(small.decoder, embedding_dim=8, dim=12, attention=AdditiveConfig(8))
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


@pytest.mark.parametrize(("risk", "kind"), [(None, TranslationTask), (MinimumRiskConfig(), MinimumRiskTask)])
def test_the_recipe_chooses_what_is_minimised(
    first: Recipe, stored: Path, risk: MinimumRiskConfig | None, kind: type
) -> None:
    assert type(build(replace(first, start=stored, minimum_risk=risk), CPU).task) is kind


def test_the_text_is_encoded_once(first: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is left to chance: by then vocabularies, lengths and batches are made of it."""
    first = replace(first, vocabulary=replace(first.vocabulary, unknown_copies=0.0, placeholders=0))
    first = replace(first, augmentation=AugmentationConfig(0.0, 0.0, 0.0))
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


def test_a_start_with_other_words_is_another_one_whatever_its_weights(
    first: Recipe, stored: Path, tmp_path: Path
) -> None:
    """So that a run that does not go on names it, and not the data."""
    other = replace(first, vocabulary=VocabularyConfig("character"), training=replace(first.training, seed=2))
    starts = [build(first, CPU).start, build(replace(first, start=stored), CPU).start]
    for changed in (replace(other, vocabulary=first.vocabulary), other):
        training = build(changed, CPU)
        training.task.save(training.network, stored, {})
        starts.append(build(replace(first, start=stored), CPU).start)
    none, before, trained_anew, with_other_words = starts
    assert none is None
    assert before == trained_anew != with_other_words


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "word", "joint": False},
        {"kind": "character", "joint": False},
        {"kind": "bpe", "size": 23},
        {"kind": "bpe", "size": 21, "joint": False},
    ],
    ids=str,
)
def test_vocabularies_of_any_kind_are_those_of_the_model(
    changes: dict[str, Any], first: Recipe, tmp_path: Path
) -> None:
    """None is learned of the other text, which could not even fill the recipe's: of another kind, and large."""
    vocabulary = replace(first.vocabulary, **changes)
    trained = build(replace(first, vocabulary=vocabulary, tie_embeddings=vocabulary.joint), CPU)
    trained.task.save(trained.network, tmp_path / "model", {})
    model = TranslationModel.load(tmp_path / "model")
    assert (model.source.to_bytes() == model.target.to_bytes()) == vocabulary.joint

    second = recipe(tmp_path / "second", "two dogs play and play", "zwei Hunde")
    wanted = VocabularyConfig("unigram", size=30_000, joint=vocabulary.joint)
    second = replace(second, start=tmp_path / "model", vocabulary=wanted, tie_embeddings=wanted.joint)
    task = build(second, CPU).task
    assert isinstance(task, TranslationTask)
    for known, own in ((task.data, task.model), (model, model)):
        assert known.source.to_bytes() == own.source.to_bytes() == model.source.to_bytes()
        assert known.target.to_bytes() == own.target.to_bytes() == model.target.to_bytes()
    same = model.network.state_dict()
    assert all(tensor.equal(same[name]) for name, tensor in task.model.network.state_dict().items())
    source, target = (
        [*side.encode(text), END]
        for side, text in ((model.source, "two dogs play and play"), (model.target, "zwei Hunde"))
    )
    batch = task.batch(0, 0, [0])
    assert (batch.source.ids.tolist(), batch.targets.ids.tolist()) == ([source], [target])


def test_a_model_of_another_shape_is_not_gone_on_from(first: Recipe, stored: Path) -> None:
    """The message has the recipe's keys, not those of the model's configuration."""
    other = replace(first, decoder=replace(first.decoder, dim=16), start=stored)
    apart = replace(other, vocabulary=replace(first.vocabulary, joint=False), tie_embeddings=False)
    german = replace(apart, data=replace(first.data, source_language="de", target_language="en"))
    dim = "decoder.dim (16, the model has 12)"
    joint = "vocabulary.joint (false, the model has true), tie_embeddings (false, the model has true)"
    languages = 'data.source_language ("de", the model has "en"), data.target_language ("en", the model has "de")'
    for changed, keys in ((other, dim), (apart, f"{joint}, {dim}"), (german, f"{languages}, {joint}, {dim}")):
        with pytest.raises(UserError) as caught:
            build(changed, CPU)
        assert f"model: the recipe differs from this model in {keys}; change the recipe" in str(caught.value)


def table_of(stored: Path, **sections: Any) -> dict[str, Any]:
    data = {"train_source": [], "train_target": [], "validation_source": "x", "validation_target": "x"}
    return {"start": str(stored), "data": data, "batch": {"sentences": 2}, **sections}


def test_a_recipe_takes_the_shape_from_the_model_where_it_leaves_it_out(first: Recipe, stored: Path) -> None:
    """But not the dropout, which is no shape."""
    table = table_of(stored, decoder={"dropout": {"word": 0.25}, "attention": "additive"})
    assert list(take_over(table)) == []
    assert table["vocabulary"] == {"joint": True, "kind": "word"}
    assert table["tie_embeddings"] is True
    encoder = from_dict(type(first.encoder), table["encoder"])
    decoder = from_dict(type(first.decoder), table["decoder"])
    assert encoder == first.encoder
    assert decoder == replace(first.decoder, dropout=replace(first.decoder.dropout, word=0.25))


def test_what_a_recipe_says_of_the_shape_stays_and_is_told_later(stored: Path) -> None:
    table = table_of(
        stored, decoder={"attention_dim": 5, "wiring": "parallel"}, encoder={"dim": 7}, tie_embeddings=False
    )
    assert list(take_over(table)) == []
    assert (table["encoder"]["dim"], table["encoder"]["layers"], table["tie_embeddings"]) == (7, 1, False)
    assert table["decoder"]["attention"] == {"kind": "additive", "dim": 5}
    other = table_of(stored, decoder={"kind": "input_feeding"})
    assert list(take_over(other)) == []
    assert other["decoder"] == {"kind": "input_feeding"}


@pytest.mark.parametrize("start", [None, "no such folder", 3])
def test_without_a_start_a_recipe_stays_as_it_is(start: Any) -> None:
    table = {"start": start}
    assert list(take_over(table)) == []
    assert table == {"start": start, "vocabulary": {}}


def test_a_vocabulary_that_is_not_that_of_the_model_is_refused(first: Recipe, tmp_path: Path) -> None:
    trained = build(replace(first, vocabulary=VocabularyConfig("bpe", size=22)), CPU)
    trained.task.save(trained.network, tmp_path / "model", {"recipe": {"vocabulary": {"size": 40}}})
    size = len(TranslationModel.load(tmp_path / "model").source)
    for same in ({}, {"size": size}, {"size": 40}, {"kind": "bpe"}):
        assert list(take_over(table_of(tmp_path / "model", vocabulary=dict(same)))) == []
    [mistake] = take_over(table_of(tmp_path / "model", vocabulary={"size": 50}))
    assert mistake.startswith(f"vocabulary.size is 50, but that of {tmp_path / 'model'} is {size}: leave it out")
    [mistake] = take_over(table_of(tmp_path / "model", vocabulary={"kind": "word"}))
    assert mistake.startswith("vocabulary.kind is 'word', but that of ")


def test_merges_are_not_dropped_where_the_model_has_none(first: Recipe, stored: Path) -> None:
    """The recipe's own kind, which is not used, may well be BPE."""
    dropping = replace(first, vocabulary=VocabularyConfig("bpe", bpe_dropout=0.1), start=stored)
    with pytest.raises(UserError, match=r"model: its vocabulary is of kind word, and vocabulary\.bpe_dropout"):
        build(dropping, CPU)


@pytest.mark.parametrize(
    ("source", "target", "length", "ratio"), [("dogs", "Hunde", 3, 2.5), ("a b c d", "b " * 12, 4, 3.0)]
)
def test_what_the_model_could_read_and_write_it_still_can(
    source: str, target: str, length: int, ratio: float, stored: Path, tmp_path: Path
) -> None:
    """New text that is shorter changes neither limit, and longer text raises them."""
    model = TranslationModel.load(stored)
    replace(model, config=replace(model.config, length_ratio=2.5)).save(stored, {})
    task = build(replace(recipe(tmp_path / "new", source, target), start=stored), CPU).task
    assert isinstance(task, TranslationTask)
    assert (task.model.config.max_source_length, task.model.config.length_ratio) == (length, ratio)


def test_a_source_longer_than_a_model_may_state_gives_a_model_that_loads(first: Recipe, tmp_path: Path) -> None:
    """Cleaning lets 100,000 characters pass, which are 100,001 subwords with the space before the text."""
    short = build(replace(first, vocabulary=VocabularyConfig("bpe", size=22)), CPU)
    short.task.save(short.network, tmp_path / "short", {})  # its subwords have no two p in a row
    (tmp_path / "long.en").write_text("p" * 100_000 + "\n")
    (tmp_path / "long.de").write_text("Mann\n")
    data = replace(first.data, train_source=(tmp_path / "long.en",), train_target=(tmp_path / "long.de",))
    cleaning = Cleaning(max_characters=100_000, max_ratio=100_000)
    long = build(replace(first, data=data, cleaning=cleaning, start=tmp_path / "short"), CPU)
    assert isinstance(long.task, TranslationTask)
    assert isinstance(long.task.data, PreparedPairs)
    assert len(long.task.data.tokens[0][0]) == 100_001
    long.task.save(long.network, tmp_path / "model", {})
    assert TranslationModel.load(tmp_path / "model").config.max_source_length == 100_000


def test_a_target_many_times_its_source_gives_a_model_that_loads(first: Recipe, tmp_path: Path) -> None:
    (tmp_path / "short.en").write_text("a\n")
    (tmp_path / "long.de").write_text("ein " * 150 + "\n")
    data = replace(first.data, train_source=(tmp_path / "short.en",), train_target=(tmp_path / "long.de",))
    training = build(replace(first, data=data, cleaning=Cleaning(max_ratio=1000)), CPU)
    training.task.save(training.network, tmp_path / "model", {})
    assert TranslationModel.load(tmp_path / "model").config.length_ratio == 100


def test_the_length_ratio_leaves_out_one_pair_in_a_thousand_and_is_never_below_one(
    first: Recipe, tmp_path: Path
) -> None:
    for usual, longest, expected in (("x x x x", "x x x x x x x x x x", 2.0), ("x", "x", 1.0)):
        lines = [*[usual] * 1500, longest]
        (tmp_path / "train.en").write_text("".join(f"a{i} b\n" for i in range(1501)))
        (tmp_path / "train.de").write_text("".join(f"{line}\n" for line in lines))
        data = replace(first.data, train_source=(tmp_path / "train.en",), train_target=(tmp_path / "train.de",))
        task = build(replace(first, data=data), CPU).task
        assert isinstance(task, TranslationTask)
        assert task.model.config.length_ratio == expected

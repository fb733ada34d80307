"""Pictures, captions and a vocabulary of a recipe: what is kept, what is told, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import captioning_fixtures as world
import pytest
from PIL import Image

from captioning.prepare import prepare_pictures
from captioning.recipe import Corpus, DataConfig, Recipe, VocabularyConfig
from captioning.writing import Writing
from s2s.errors import UserError
from s2s.text.vocabulary import WordVocabulary


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Four pictures to train on and one to validate on, of two captions each; one of the four has no word."""
    rows = {"train": ["a red dog", "a red cat", "a dog", "! !", "a cat", "dog", "a", "a red dog"], "validation": []}
    rows["validation"] = ["a blue dog", "A blue dog ."]
    for split, captions in rows.items():
        lines = ["image,caption"]
        for number, caption in enumerate(captions):
            name = f"{split}{number // 2}.png"
            Image.new("RGB", (2, 2)).save(tmp_path / name)
            lines.append(f"{name},{caption}")
        (tmp_path / f"{split}.csv").write_text("\n".join(lines) + "\n")
    data = DataConfig(train=tmp_path / "train.csv", validation=tmp_path / "validation.csv")
    return world.recipe(data=data, vocabulary=VocabularyConfig(threshold=2, text="treebank"))


def test_words_come_from_the_training_captions_alone_and_the_unknown_ones_are_told(
    recipe: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    found = prepare_pictures(recipe)
    assert [example.captions for example in found.train] == [
        ("a red dog", "a red cat"),
        ("a dog",),
        ("a cat", "dog"),
        ("a", "a red dog"),
    ]
    assert [example.captions for example in found.validation] == [("a blue dog", "a blue dog")]
    assert found.vocabulary.decode(found.vocabulary.encode("a blue red cat")) == "a red cat"
    assert "validation.csv: 2 of 6 tokens unknown (33.33%): blue 2" in capsys.readouterr().err


def test_captions_are_learned_as_people_wrote_them(recipe: Recipe, capsys: pytest.CaptureFixture[str]) -> None:
    found = prepare_pictures(replace(recipe, vocabulary=VocabularyConfig()))
    assert found.validation[0].captions == ("a blue dog", "A blue dog .")
    words = found.vocabulary
    assert words.decode(words.encode("a red cat")) == "a red cat"  # the threshold fits eight captions
    told = capsys.readouterr().err
    assert "chosen for 7 captions: vocabulary.threshold = " in told  # one has no word
    assert "warning: " in told
    assert "more than 20% of its words are unknown: the training captions do not have them: add captions" in told


def test_many_unknown_words_are_a_warning_that_says_what_to_do(
    recipe: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_pictures(replace(recipe, vocabulary=VocabularyConfig(threshold=4)))
    told = capsys.readouterr().err
    assert "train.csv: more than 20% of its words are unknown: lower vocabulary.threshold, or set" in told
    assert "vocabulary.threshold = " not in told
    prepare_pictures(recipe, WordVocabulary(["a"]))
    assert (
        "train.csv: more than 20% of its words are unknown: the vocabulary is that of start" in capsys.readouterr().err
    )


def test_a_vocabulary_that_is_given_is_taken_and_none_is_learned(recipe: Recipe) -> None:
    few = replace(recipe, vocabulary=VocabularyConfig("bpe", size=30_000))  # more than the captions can fill
    with pytest.raises(UserError, match="size"):
        prepare_pictures(few)
    given = world.vocabulary()
    assert prepare_pictures(few, given).vocabulary is given


def test_the_key_is_of_the_captions(recipe: Recipe) -> None:
    key = prepare_pictures(recipe).key()
    assert prepare_pictures(recipe).key() == key
    path = recipe.data.training[0].path
    path.write_text(path.read_text().replace("red cat", "green cat"))
    assert prepare_pictures(recipe).key() != key


def test_pictures_without_any_word_are_left_out_and_told(recipe: Recipe, capsys: pytest.CaptureFixture[str]) -> None:
    path = recipe.data.training[0].path
    path.write_text(path.read_text().replace("train1.png,a dog", "train1.png,..."))
    assert len(prepare_pictures(recipe).train) == 3
    assert "left out 1 without any word: line 4 of train.csv" in capsys.readouterr().err


def test_pictures_that_are_trained_on_are_not_validated_on(recipe: Recipe) -> None:
    path = recipe.data.validation
    path.write_text(path.read_text() + "train0.png,a dog\n")
    with pytest.raises(UserError, match=r"1 of its pictures are trained on too \(.*train0\.png, say\)"):
        prepare_pictures(recipe)


def test_corpora_lie_one_after_the_other_and_each_is_reported(
    recipe: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "more.csv").write_text("image,caption\ntrain0.png,a dog\ntrain2.png,a zebra\n")
    alone = prepare_pictures(recipe).key()
    data = replace(recipe.data, corpora=(Corpus(tmp_path / "more.csv", weight=0.5),))
    found = prepare_pictures(replace(recipe, data=data))
    assert [example.corpus for example in found.train] == [0, 0, 0, 0, 1, 1]
    assert found.train[-1].captions == ("a zebra",)
    assert "more.csv: 1 of 4 tokens unknown (25.00%): zebra 1" in capsys.readouterr().err
    swapped = replace(recipe.data, train=None, corpora=(*data.corpora, Corpus(tmp_path / "train.csv")))
    assert len({alone, found.key(), prepare_pictures(replace(recipe, data=swapped)).key()}) == 3


def test_captions_of_another_language_than_said_are_a_warning(
    recipe: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_pictures(recipe)
    assert "function words" not in capsys.readouterr().err
    path = recipe.data.training[0].path
    path.write_text(path.read_text().replace("a ", "ein ").replace(",a", ",ein").replace("ein\n", "eine\n"))
    prepare_pictures(replace(recipe, vocabulary=VocabularyConfig()))
    said = capsys.readouterr().err
    assert "only 0% of the words of the training captions are function words of en" in said
    assert "by the key language of the recipe" in said
    prepare_pictures(replace(recipe, vocabulary=VocabularyConfig()), writing=Writing("own", language="de"))
    assert "function words" not in capsys.readouterr().err

"""Prepared data is what the files and the recipe say, whatever the cache held before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s2s import config
from s2s.errors import UserError
from s2s.text.subwords import SubwordVocabulary
from s2s.text.tokens import UNK
from s2s.text.vocabulary import Vocabulary
from translation import prepare as module
from translation.corpus import Cleaning, ParallelText
from translation.prepare import learn_vocabularies, prepare_pairs
from translation.recipe import FilesCorpus, Recipe, TableCorpus, VocabularyConfig

SOURCE = [" A man sleeps.", "", "Two dogs play.", "A man sleeps. ", "A\u2028woman sings.", "A man sleeps."]
TARGET = [
    "Ein Mann schläft. ",
    "Nichts",
    "Zwei Hunde spielen.",
    " Ein Mann schläft.",
    "Eine Frau singt.",
    "Er schläft.",
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(path: Path, lines: list[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def recipe(folder: Path, **vocabulary: Any) -> Recipe:
    """A recipe of the files `train.en`, `train.de`, `val.en` and `val.de` in `folder`, made where they are missing."""
    texts = {"train.en": SOURCE, "train.de": TARGET, "val.en": ["", "A dog."], "val.de": ["Ja.", "Ein Hund."]}
    paths = {name: folder / name for name in texts}
    for name, path in paths.items():
        if not path.exists():
            write(path, texts[name])
    data = {
        "train_source": [str(paths["train.en"])],
        "train_target": [str(paths["train.de"])],
        "validation_source": str(paths["val.en"]),
        "validation_target": str(paths["val.de"]),
        "source_language": "en",
        "target_language": "de",
    }
    kind = {"kind": "word", "threshold": 1, **vocabulary}
    table = {"data": data, "vocabulary": kind, "batch": {"sentences": 2}, "tie_embeddings": kind.get("joint", True)}
    return config.from_dict(Recipe, table)


def known(vocabulary: Vocabulary, text: str) -> bool:
    return UNK not in vocabulary.encode(text)


def test_training_pairs_are_cleaned_and_stripped_and_know_their_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = prepare_pairs(recipe(tmp_path))
    kept = list(zip(data.train.lines, data.train.source, data.train.target))
    assert kept[0] == (1, "A man sleeps.", "Ein Mann schläft.")
    assert [line for line, *_ in kept] == [1, 3, 5, 6]  # 4 is 1 again, but for its spaces
    assert data.train.source[2] == "A\u2028woman sings."
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"{tmp_path / 'train.en'}, {tmp_path / 'train.de'}: kept 4 of 6 pairs: blank 1 (line 2)")
    assert "duplicate 1 (line 4)\n" in told.err


def test_what_words_the_validation_text_has_that_training_had_not_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare_pairs(recipe(tmp_path))
    told = capsys.readouterr().err.splitlines()
    assert told[-2:] == [
        f"{tmp_path / 'val.en'}: 1 of 2 tokens unknown (50.00%): dog. 1",
        f"{tmp_path / 'val.de'}: 2 of 3 tokens unknown (66.67%): Ja. 1, Hund. 1",
    ]


def test_characters_that_a_subword_vocabulary_lacks_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those of the validation text always; those of the training text if the vocabulary is another training's."""
    write(tmp_path / "val.en", ["A man sleeps.", "Łukasz sleeps, Łukasz sings."])
    write(tmp_path / "val.de", ["Ein Mann.", "Er schläft."])
    first = prepare_pairs(recipe(tmp_path, kind="bpe", size=42))
    told = capsys.readouterr().err
    assert "train.en: the vocabulary" not in told
    assert f"{tmp_path / 'val.en'}: the vocabulary lacks 4 characters, in 1 of 2 lines, the first is line 2: " in told
    assert "'Ł' 2, ',' 1" in told
    assert "val.de: the vocabulary" not in told
    write(tmp_path / "train.en", ["", "ő" * 3, "đ", "A man."])
    write(tmp_path / "train.de", ["", "Mann", "Mann.", "Ein Mann."])
    prepare_pairs(recipe(tmp_path, kind="bpe", size=42), (first.source, first.target))
    told = capsys.readouterr().err
    expected = "the vocabulary lacks 2 characters, in 2 of 3 lines, the first is line 2: 'ő' 3, 'đ' 1"
    assert f"{tmp_path / 'train.en'}: {expected}" in told
    assert "train.de: the vocabulary" not in told


def test_pairs_that_are_trained_on_and_validated_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "val.en", ["A man sleeps. ", "A man sleeps.", "A dog."])
    write(tmp_path / "val.de", ["Ein Mann schläft.", "Ein Hund.", "Ein Hund."])
    prepare_pairs(recipe(tmp_path))
    assert "1 of 3 pairs stand in the training text too" in capsys.readouterr().err
    (tmp_path / "val.en").unlink()
    (tmp_path / "val.de").unlink()
    prepare_pairs(recipe(tmp_path))
    assert "stand in the training" not in capsys.readouterr().err


def test_files_that_were_mixed_up_are_told_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "val.en", ["Zwei Hunde schlafen."])
    write(tmp_path / "val.de", ["Two dogs sleep."])
    write(tmp_path / "train.de", SOURCE)
    for _ in range(2):
        prepare_pairs(recipe(tmp_path))
        assert "train.de: 3 of 3 pairs are the same on both sides" in capsys.readouterr().err
    write(tmp_path / "train.de", TARGET)
    prepare_pairs(recipe(tmp_path))
    assert f"warning: {tmp_path / 'val.en'}, {tmp_path / 'val.de'}: look swapped" in capsys.readouterr().err


def test_entities_are_turned_into_characters_in_training_and_validation(tmp_path: Path) -> None:
    write(tmp_path / "train.en", ["A man &amp; a dog", "A man &amp; a dog "])
    write(tmp_path / "train.de", ["Ein Mann &amp; ein Hund", "Ein Mann &amp; ein Hund"])
    write(tmp_path / "val.en", ["A dog &amp; a man"])
    write(tmp_path / "val.de", ["Ein Hund &amp; ein Mann"])
    asked = recipe(tmp_path)
    assert prepare_pairs(asked).validation.source == ["A dog &amp; a man"]
    data = prepare_pairs(replace(asked, cleaning=Cleaning(unescape_entities=True)))
    assert (list(data.train.source), list(data.validation.target)) == (["A man & a dog"], ["Ein Hund & ein Mann"])


def test_a_validation_text_of_blank_lines_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "val.en", ["A dog.", "A man."])
    write(tmp_path / "val.de", ["", " "])
    with pytest.raises(UserError, match=r"val\.de: has blank lines alone; validate on sentences"):
        prepare_pairs(recipe(tmp_path))


def test_validation_lines_are_never_dropped(tmp_path: Path) -> None:
    data = prepare_pairs(recipe(tmp_path))
    assert (list(data.validation.source), list(data.validation.target)) == (["", "A dog."], ["Ja.", "Ein Hund."])


def test_vocabularies_come_from_the_training_text_alone(tmp_path: Path) -> None:
    data = prepare_pairs(recipe(tmp_path))
    assert known(data.source, "Zwei dogs")
    assert not known(data.source, "Hund.")
    assert data.source.to_bytes() == data.target.to_bytes()


def test_each_side_may_have_a_vocabulary_of_its_own(tmp_path: Path) -> None:
    data = prepare_pairs(recipe(tmp_path, joint=False))
    assert (known(data.source, "Two dogs"), known(data.source, "Zwei")) == (True, False)
    assert (known(data.target, "Zwei Hunde"), known(data.target, "Two")) == (True, False)


@pytest.mark.parametrize("kind", ["bpe", "unigram", "word", "character"])
def test_every_kind_of_vocabulary_is_learned_and_comes_back_from_the_cache(kind: str, tmp_path: Path) -> None:
    asked = recipe(tmp_path, kind=kind, size=42)
    first, second = prepare_pairs(asked), prepare_pairs(asked)
    assert first.source.kind == second.source.kind == kind
    assert first.source.to_bytes() == second.source.to_bytes()
    assert (first.train.source, list(first.train.lines)) == (second.train.source, list(second.train.lines))
    assert isinstance(second.source, SubwordVocabulary) == (kind in ("bpe", "unigram"))
    if kind != "word":
        assert second.target.decode(second.target.encode("Zwei Hunde")) == "Zwei Hunde"


def test_the_threshold_is_that_of_the_recipe() -> None:
    text = ParallelText(["a a b"], ["a c c"], [1])
    source, target = learn_vocabularies(text, VocabularyConfig(kind="word", threshold=2))
    assert source is target
    assert [known(source, word) for word in "abc"] == [True, False, True]
    source, target = learn_vocabularies(text, VocabularyConfig(kind="word", threshold=2, joint=False))
    assert [known(source, word) for word in "abc"] == [True, False, False]
    assert [known(target, word) for word in "abc"] == [False, False, True]


def test_several_files_are_one_text_each_with_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = recipe(tmp_path)
    more = [Path(write(tmp_path / "more.en", ["", "Birds."])), Path(write(tmp_path / "more.de", ["x", "Vögel."]))]
    data = replace(
        one.data, train_source=(*one.data.train_source, more[0]), train_target=(*one.data.train_target, more[1])
    )
    prepared = prepare_pairs(replace(one, data=data))
    assert (prepared.train.source[-1], prepared.train.target[-1], prepared.train.lines[-1]) == ("Birds.", "Vögel.", 2)
    assert len(prepared.train) == 5
    report = capsys.readouterr().err.splitlines()
    assert report[1].startswith(f"{more[0]}, {more[1]}: kept 1 of 2 pairs")


def test_the_work_is_done_once_and_the_report_told_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = prepare_pairs(recipe(tmp_path))
    monkeypatch.setattr(module, "learn_vocabularies", None)  # whoever learns anew, fails
    second = prepare_pairs(recipe(tmp_path, bpe_dropout=0.0, unknown_copies=0.5))
    assert first.key == second.key
    told = capsys.readouterr().err.splitlines()
    assert told
    assert told[: len(told) // 2] == told[len(told) // 2 :]


@pytest.mark.parametrize("change", ["train.en", "train.de", "threshold", "cleaning"])
def test_what_matters_is_prepared_anew(change: str, tmp_path: Path) -> None:
    first = prepare_pairs(recipe(tmp_path))
    if change.startswith("train"):
        path = tmp_path / change
        write(
            path,
            [line.replace("man", "child").replace("Hunde", "Katzen") for line in path.read_text().split("\n")[:-1]],
        )
    second = recipe(tmp_path, threshold=2 if change == "threshold" else 1)
    if change == "cleaning":
        second = replace(second, cleaning=replace(second.cleaning, max_characters=15))
    prepared = prepare_pairs(second)
    assert prepared.key != first.key
    same_text = prepared.train == first.train
    assert same_text == (change == "threshold")
    assert prepared.source.to_bytes() != first.source.to_bytes()


def test_another_validation_text_has_another_key_and_the_same_cache(tmp_path: Path, cache: Path) -> None:
    first = prepare_pairs(recipe(tmp_path))
    write(tmp_path / "val.de", ["Ja.", "Der Hund."])
    second = prepare_pairs(recipe(tmp_path))
    assert (second.key != first.key, len(list(cache.iterdir()))) == (True, 1)
    assert second.validation.target[1] == "Der Hund."


def test_two_that_prepare_at_once_leave_one_cache(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def both(text: ParallelText, options: VocabularyConfig) -> tuple[Vocabulary, Vocabulary]:
        monkeypatch.setattr(module, "learn_vocabularies", learn_vocabularies)
        others.append(prepare_pairs(recipe(tmp_path)))  # another process, as quick as we are
        return learn_vocabularies(text, options)

    others: list[Any] = []
    monkeypatch.setattr(module, "learn_vocabularies", both)
    ours = prepare_pairs(recipe(tmp_path))
    assert (ours.key, ours.train) == (others[0].key, others[0].train)
    assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("damage", ["cut", "a letter", "the checksum"])
def test_a_damaged_cache_is_named(damage: str, tmp_path: Path, cache: Path) -> None:
    prepare_pairs(recipe(tmp_path))
    (path,) = cache.iterdir()
    content = path.read_bytes()
    changed = {"cut": content[:-9], "a letter": content.replace(b"Zwei", b"Zwej", 1), "the checksum": b"0" + content}
    path.write_bytes(changed[damage])
    with pytest.raises(UserError, match=f"{path}: is damaged .*; delete it"):
        prepare_pairs(recipe(tmp_path))


def test_nothing_left_to_train_on_is_told_with_the_reasons(tmp_path: Path, cache: Path) -> None:
    write(tmp_path / "train.en", ["", "a"])
    write(tmp_path / "train.de", ["b", " "])
    with pytest.raises(UserError, match=r"nothing is left to train on: .*kept 0 of 2 pairs: blank 2"):
        prepare_pairs(recipe(tmp_path))
    assert not list(cache.iterdir())


def test_files_of_different_counts_are_told_with_both(tmp_path: Path) -> None:
    write(tmp_path / "val.de", ["Ja."])
    with pytest.raises(UserError, match=r"val\.en has 2 lines but .*val\.de has 1"):
        prepare_pairs(recipe(tmp_path))


def test_a_cache_that_cannot_be_is_told_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S2S_CACHE", write(tmp_path / "file", []))
    monkeypatch.setattr(module, "_cleaned", None)
    with pytest.raises(UserError, match="set S2S_CACHE to a writable folder"):
        prepare_pairs(recipe(tmp_path))


def test_corpora_are_tables_or_files_and_count_by_their_weights(tmp_path: Path) -> None:
    """A word that stands in a corpus of weight 4 alone is known with threshold 4; each corpus is cleaned by itself."""
    table = tmp_path / "more.tsv"
    table.write_text("ein\tone\nzwei\ttwo\n\tblank\n", encoding="utf-8")
    first = recipe(tmp_path, threshold=4, joint=False)
    with_table = replace(first, data=replace(first.data, corpora=(TableCorpus(table, (2, 1), 4.0),)))
    data = prepare_pairs(with_table)
    assert (data.train.source[-2:], data.train.target[-2:]) == (["one", "two"], ["ein", "zwei"])
    assert (data.sizes, data.train.lines[-2:]) == ([4, 2], [1, 2])
    assert UNK not in data.source.encode("one two")
    assert data.source.encode("A") == [UNK]
    lighter = replace(with_table, data=replace(first.data, corpora=(TableCorpus(table, (2, 1), 3.0),)))
    assert prepare_pairs(lighter).source.encode("one two") == [UNK, UNK]
    swapped = replace(with_table, data=replace(first.data, corpora=(TableCorpus(table, (1, 2), 4.0),)))
    assert prepare_pairs(swapped).train.source[-2:] == ["ein", "zwei"]
    same = replace(
        with_table,
        data=replace(first.data, corpora=(FilesCorpus(first.data.train_source[0], first.data.train_target[0]),)),
    )
    assert len(prepare_pairs(same).train) == 8


def test_an_empty_table_and_one_of_a_single_column_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "more.tsv"
    for content, message in (("", "is empty"), ("one\tein\none\n", "line 2 has 1 of 2 columns")):
        table.write_text(content)
        first = recipe(tmp_path)
        with pytest.raises(UserError, match=message):
            prepare_pairs(replace(first, data=replace(first.data, corpora=(TableCorpus(table),))))

"""The toy languages: what the tutorial trains on."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.toy import FILES, SPLITS, WORDS, Split, sequences, toy
from s2s.cli import command
from s2s.errors import UserError


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("toy") / "new" / "data"
    assert command.run(toy, ["--output", str(output)]) == 0
    return output


def test_every_split_has_its_sequences_and_both_targets(folder: Path) -> None:
    names = {f"{split}.{side}" for split in SPLITS for side in FILES}
    assert {path.name for path in folder.iterdir()} == names
    for name, split in SPLITS.items():
        source = [line.split(" ") for line in lines(folder / f"{name}.source")]
        assert len(source) == split.count
        assert {len(words) for words in source} == set(range(split.shortest, split.longest + 1))
        assert {word for words in source for word in words} == set(WORDS)
        assert lines(folder / f"{name}.copy") == lines(folder / f"{name}.source")
        assert [line.split(" ") for line in lines(folder / f"{name}.reverse")] == [words[::-1] for words in source]
        assert lines(folder / f"{name}.first.tsv") == [f"{words[0]}\t{' '.join(words)}" for words in source]


def test_tags_say_which_words_have_occurred_before(folder: Path) -> None:
    blocks = (folder / "test.again.tsv").read_text().split("\n\n")
    assert blocks.pop() == ""
    tagged = [[line.split("\t") for line in block.split("\n")] for block in blocks]
    assert [" ".join(word for word, _ in sequence) for sequence in tagged] == lines(folder / "test.source")
    assert {tag for sequence in tagged for _, tag in sequence} == {"new", "again"}
    assert all(
        (tag == "new") == (word not in dict(sequence[:i]))
        for sequence in tagged
        for i, (word, tag) in enumerate(sequence)
    )


def test_nothing_held_out_is_trained_on(folder: Path) -> None:
    source = [line for split in SPLITS for line in lines(folder / f"{split}.source")]
    assert len(set(source)) == len(source)
    assert len(lines(folder / "test.source")) == 1000


def test_a_seed_makes_the_same_files_again_and_another_one_others(folder: Path, tmp_path: Path) -> None:
    for name, seed in (("same", "1"), ("other", "2")):
        assert command.run(toy, ["--output", str(tmp_path / name), "--seed", seed]) == 0
    assert all(path.read_bytes() == (tmp_path / "same" / path.name).read_bytes() for path in folder.iterdir())
    assert lines(folder / "train.source")[:5] != lines(tmp_path / "other" / "train.source")[:5]


def test_where_few_sequences_are_to_be_had_none_is_drawn_twice() -> None:
    drawn = sequences(1, {"most": Split(14, 1, 1), "rest": Split(2, 1, 1)})
    assert sorted(word for split in drawn.values() for (word,) in split) == sorted(WORDS)


def test_more_sequences_than_there_are_cannot_be_drawn() -> None:
    with pytest.raises(UserError, match="there are 16 sequences of 1 words, not 17: ask for fewer, or longer"):
        sequences(1, {"most": Split(14, 1, 1), "rest": Split(6, 1, 2)})


def test_existing_files_are_replaced_by_force_alone(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "val.copy"
    mine.write_text("mine")
    assert command.run(toy, ["--output", str(tmp_path)]) == 2
    assert f"error: {mine}: already exists" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["val.copy"]
    assert command.run(toy, ["--output", str(tmp_path), "--force"]) == 0
    assert mine.read_bytes() == (folder / "val.copy").read_bytes()

"""Training SentencePiece: the same from the same text, and errors that say what would do."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from sentencepiece import SentencePieceTrainer
from vocabulary_fixtures import LINES, SIZE, VOCABULARIES

from s2s.errors import UserError
from s2s.text.subwords import train_subwords
from s2s.text.tokens import END, PAD, START, UNK
from s2s.text.vocabulary import load_vocabulary


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_training_twice_gives_the_same_model(kind: str) -> None:
    assert train_subwords(iter(LINES), SIZE, kind=kind).to_bytes() == VOCABULARIES[kind].to_bytes()


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
@pytest.mark.parametrize("size", [-1, 0, 4, 5, 20])
def test_the_error_of_a_size_too_small_names_one_that_is_not(kind: str, size: int) -> None:
    with pytest.raises(UserError, match=rf"of {size} cannot hold.* at least [0-9]+$") as caught:
        train_subwords(LINES, size, kind=kind)
    least = int(str(caught.value).split()[-1])
    assert len(train_subwords(LINES, least, kind=kind)) == least


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_the_error_of_a_size_too_large_names_one_that_is_not(kind: str) -> None:
    with pytest.raises(UserError, match=r"of 9000 is too large.* at most [0-9]+$") as caught:
        train_subwords(LINES, 9000, kind=kind)
    most = int(str(caught.value).split()[-1])
    assert len(train_subwords(LINES, most, kind=kind)) == most


@pytest.mark.parametrize("lines", [[], ["", ""]])
def test_no_text_is_an_error(lines: list[str]) -> None:
    with pytest.raises(UserError, match="no text"):
        train_subwords(lines, SIZE)


def test_an_unknown_kind_of_subwords_is_refused() -> None:
    with pytest.raises(UserError, match="bpe or unigram, not wordpiece"):
        train_subwords(LINES, SIZE, kind="wordpiece")


def test_what_the_lines_raise_comes_through() -> None:
    def unreadable() -> Iterator[str]:
        yield "the cat"
        raise UserError("line 2 is not UTF-8")

    with pytest.raises(UserError, match=r"^line 2 is not UTF-8$"):
        train_subwords(unreadable(), SIZE)


def test_characters_of_awkward_lines_are_learned_too() -> None:
    long_line = "many words " * 1000 + "Ω"
    vocabulary = train_subwords([*LINES, long_line, "Ж▅▁", "q" * 70_000], SIZE)
    assert UNK not in vocabulary.encode("ΩЖq")
    assert vocabulary.encode("▁").count(UNK) == vocabulary.encode("▅").count(UNK) == 1


def test_training_and_its_errors_are_silent(capfd: pytest.CaptureFixture[str]) -> None:
    train_subwords(LINES, SIZE)
    with pytest.raises(UserError):
        train_subwords(LINES, 9000)
    assert capfd.readouterr() == ("", "")


def test_a_model_that_rewrites_text_is_refused() -> None:
    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(LINES),
        model_writer=model,
        model_type="bpe",
        vocab_size=SIZE,
        pad_id=PAD,
        unk_id=UNK,
        bos_id=START,
        eos_id=END,
        minloglevel=2,
    )
    with pytest.raises(UserError, match="identity normalisation"):
        load_vocabulary("bpe", model.getvalue())


def test_of_thousands_of_characters_the_rarest_leave_room_for_merges() -> None:
    lines = [f"{chr(0x4E00 + i)}在公园里" for i in range(600)] * 2
    vocabulary = train_subwords(lines, 500)
    assert len(vocabulary.characters) < 260
    assert UNK not in vocabulary.encode("在公园里")
    assert len(vocabulary.encode("在公园里")) < 4

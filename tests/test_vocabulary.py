"""Text comes back from ids as it went in, and what is unknown is never lost from sight."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sentencepiece import SentencePieceTrainer

from s2s.bpe_dropout import Chance, merge
from s2s.errors import UserError
from s2s.subwords import train_subwords
from s2s.vocabulary import END, PAD, SPECIALS, START, UNK, CharacterVocabulary, Vocabulary, WordVocabulary, from_bytes

LINES = [
    f"{subject} {verb} {place} , und zwei Männer mit Hüten sitzen auf der Straße ."
    for subject in ("the cat", "a dog in a hat", "the other woman", "a yellow bus", "Two children")
    for verb in ("sat", "is running", "jumps", "was sleeping")
    for place in ("on the mat", "to the cat", "near a river", "at home")
] + [" ".join(SPECIALS)] * 5
ALPHABET = "".join(sorted(set("".join(LINES))))
SIZE = 55
BPE, UNIGRAM = (train_subwords(LINES, SIZE, kind=kind) for kind in ("bpe", "unigram"))
VOCABULARIES: dict[str, Vocabulary] = {
    "word": WordVocabulary.from_lines(LINES),
    "character": CharacterVocabulary.from_lines(LINES),
    "bpe": BPE,
    "unigram": UNIGRAM,
}

each_kind = pytest.mark.parametrize("vocabulary", VOCABULARIES.values(), ids=VOCABULARIES.keys())
each_lossless = pytest.mark.parametrize("kind", ["character", "bpe", "unigram"])


@each_kind
def test_seen_lines_come_back(vocabulary: Vocabulary) -> None:
    for line in LINES:
        ids = vocabulary.encode(line)
        assert min(ids) >= len(SPECIALS)
        assert max(ids) < len(vocabulary)
        assert vocabulary.decode(ids) == line


@each_lossless
@given(text=st.text(ALPHABET))
@settings(deadline=None)
def test_text_of_known_characters_comes_back_with_all_its_spaces(kind: str, text: str) -> None:
    vocabulary = VOCABULARIES[kind]
    assert vocabulary.decode(vocabulary.encode(text)) == text


@each_lossless
@given(text=st.text() | st.text(ALPHABET + "▁▅⁇漢\t\u00a0\u2028\x00"))
@settings(deadline=None)
def test_pieces_joined_are_the_text_and_copying_them_restores_it(kind: str, text: str) -> None:
    vocabulary = VOCABULARIES[kind]
    ids, pieces = vocabulary.encode(text), vocabulary.pieces(text)
    assert len(pieces) == len(ids)
    assert "".join(pieces) == text
    unknown = [piece for piece, i in zip(pieces, ids) if i == UNK]
    assert vocabulary.decode(ids, unknown) == text


@each_kind
@given(text=st.text(ALPHABET + "漢"))
@settings(deadline=None)
def test_labels_are_the_pieces_but_for_unknowns(vocabulary: Vocabulary, text: str) -> None:
    ids = vocabulary.encode(text)
    expected = [SPECIALS[UNK] if i == UNK else piece for i, piece in zip(ids, vocabulary.pieces(text))]
    assert vocabulary.tokens(ids) == expected


@each_kind
@given(texts=st.lists(st.text(ALPHABET + "漢▁"), max_size=4))
@settings(deadline=None)
def test_encoding_all_is_encoding_each(vocabulary: Vocabulary, texts: list[str]) -> None:
    assert vocabulary.encode_all(texts) == [vocabulary.encode(text) for text in texts]


@each_kind
def test_special_tokens_are_silent_and_have_labels(vocabulary: Vocabulary) -> None:
    word = vocabulary.encode("the")
    ids = [START, *word, END, PAD]
    assert vocabulary.decode(ids) == "the"
    assert vocabulary.decode([]) == vocabulary.decode([END]) == ""
    labels = vocabulary.tokens(ids)
    assert (labels[0], "".join(labels[1:-2]), labels[-2:]) == ("<s>", "the", ["</s>", "<pad>"])


@each_kind
def test_names_of_special_tokens_are_plain_text(vocabulary: Vocabulary) -> None:
    for text in SPECIALS:
        ids = vocabulary.encode(text)
        assert min(ids) >= len(SPECIALS)
        assert vocabulary.decode(ids) == text


@each_kind
def test_an_unknown_reads_what_is_given_or_nothing(vocabulary: Vocabulary) -> None:
    ids = vocabulary.encode("the 漢 cat Ω")
    assert ids.count(UNK) == 2
    assert vocabulary.decode(ids, unknown="?") == "the ? cat ?"
    assert vocabulary.decode(ids, unknown=["漢", " Ω "]) == "the 漢 cat Ω"
    assert vocabulary.decode(ids).split() == ["the", "cat"]
    with pytest.raises(ValueError, match="2 unknown tokens, but 1"):
        vocabulary.decode(ids, unknown=["漢"])


def test_sentencepieces_sign_for_unknowns_is_never_printed() -> None:
    for vocabulary in (BPE, UNIGRAM):
        everything = range(len(vocabulary))
        assert "⁇" not in vocabulary.decode(everything) + "".join(vocabulary.tokens(everything))


@each_kind
def test_bytes_bring_the_vocabulary_back(vocabulary: Vocabulary) -> None:
    again = from_bytes(vocabulary.kind, vocabulary.to_bytes())
    everything = range(len(vocabulary))
    assert (again.kind, len(again)) == (vocabulary.kind, len(vocabulary))
    assert again.tokens(everything) == vocabulary.tokens(everything)
    assert again.encode_all(LINES) == vocabulary.encode_all(LINES)
    assert again.to_bytes() == vocabulary.to_bytes()


@each_kind
def test_damaged_bytes_are_the_users_trouble_in_one_line(vocabulary: Vocabulary) -> None:
    data = vocabulary.to_bytes()
    for damaged in (b"", data[:-1], data[: len(data) // 2], data[40:], b"\xff" * 50):
        with pytest.raises(UserError, match="damaged") as caught:
            from_bytes(vocabulary.kind, damaged)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"{}", b"[1]", b'"the"'])
def test_a_list_of_tokens_is_a_list_of_strings(data: bytes) -> None:
    with pytest.raises(UserError, match="not a list of strings"):
        from_bytes("word", data)


def test_a_token_listed_twice_is_refused() -> None:
    with pytest.raises(UserError, match="twice"):
        WordVocabulary(["a", "a"])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UserError, match=r"'words'.*choose word, character"):
        from_bytes("words", b"[]")


# Words


def test_words_below_the_threshold_are_unknown() -> None:
    vocabulary = WordVocabulary.from_counts({"b": 3, "rare": 1, "a": 3, "c": 9}, threshold=3)
    assert len(vocabulary) == len(SPECIALS) + 3
    assert vocabulary.encode("c a b rare") == [4, 5, 6, UNK]


def test_words_are_what_any_white_space_separates() -> None:
    vocabulary = WordVocabulary(["the", "cat"])
    assert vocabulary.decode(vocabulary.encode(" the  cat\tthe\u00a0")) == "the cat the"


def test_the_report_counts_running_unknown_words() -> None:
    report = WordVocabulary(["the", "cat"]).oov_report(["the cat saw", "the bird saw the cat", ""])
    assert (report.tokens, report.unknown, report.rate) == (8, 3, 3 / 8)
    assert report.most_frequent == (("saw", 2), ("bird", 1))
    assert str(report) == "3 of 8 tokens unknown (37.50%): saw 2, bird 1"
    assert WordVocabulary([]).oov_report([]).rate == 0


# Subwords


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
        from_bytes("bpe", model.getvalue())


# BPE-dropout


def sampled(seed: int, dropout: float = 0.5) -> list[list[int]]:
    return BPE.encode_sampled(LINES, dropout=dropout, seed=seed)


@given(seed=st.integers(-(2**70), 2**70) | st.just(2**32 - 1), other=st.integers(0, 2**64))
@settings(deadline=None, max_examples=20)
def test_a_sample_is_a_function_of_its_arguments(seed: int, other: int) -> None:
    first = sampled(seed)
    sampled(other)
    assert sampled(seed) == first


def test_samples_of_other_seeds_differ() -> None:
    samples = [tuple(map(tuple, sampled(seed))) for seed in range(20)]
    assert len(set(samples)) == 20


def test_a_sample_is_the_same_in_another_process() -> None:
    code = (
        "import sys; from s2s.vocabulary import from_bytes\n"
        "bpe = from_bytes('bpe', sys.stdin.buffer.read())\n"
        f"print(bpe.encode_sampled({LINES[:20]!r}, dropout=0.5, seed=3))"
    )
    other = subprocess.run([sys.executable, "-c", code], input=BPE.to_bytes(), capture_output=True, check=True)
    assert json.loads(other.stdout) == BPE.encode_sampled(LINES[:20], dropout=0.5, seed=3)


@given(text=st.text(ALPHABET), dropout=st.floats(0, 1), seed=st.integers(0, 9))
@settings(deadline=None)
def test_a_sample_is_another_spelling_of_the_text(text: str, dropout: float, seed: int) -> None:
    ids = BPE.encode_sampled(text, dropout=dropout, seed=seed)
    assert BPE.decode(ids) == text
    assert BPE.encode_sampled([text], dropout=dropout, seed=seed) == [ids]


def test_dropout_grows_from_nothing_to_single_characters() -> None:
    lengths = [sum(map(len, sampled(1, dropout))) for dropout in (0, 0.2, 0.6, 1)]
    assert lengths == sorted(set(lengths))
    assert sampled(1, 0) == BPE.encode_all(LINES)
    assert lengths[-1] == sum(len(line) + 1 for line in LINES)  # the dummy prefix


@given(text=st.text(ALPHABET + "漢▁") | st.text())
@settings(deadline=None)
def test_no_dropout_is_what_sentencepiece_does(text: str) -> None:
    assert BPE.encode_sampled(text, dropout=0, seed=1) == BPE.encode(text)


@pytest.mark.parametrize("dropout", [0.1, 0.5])
def test_at_each_step_a_merge_is_left_out_with_its_probability(dropout: float) -> None:
    """Two merges that do not touch: what is left out while the other merges has a second chance, as in the paper."""
    ids, chance, count = {"ab": 4, "cd": 5, "a": 6, "b": 7, "c": 8, "d": 9}, Chance(dropout, seed=1), 20_000
    found = Counter(tuple(merge("abcd", ids, chance)[0]) for _ in range(count))
    kept = 1 - dropout
    expected = {
        (4, 5): kept * kept + dropout * kept * kept,
        (4, 8, 9): kept * dropout,
        (6, 7, 5): dropout * kept * dropout,
        (6, 7, 8, 9): dropout * dropout,
    }
    assert {ids: number / count for ids, number in found.items()} == pytest.approx(expected, abs=0.015)


def test_words_that_pass_whole_use_up_their_merges() -> None:
    chance, count = Chance(0.1, seed=1), 20_000
    whole = [chance.passes(3) or not [chance.keeps() for _ in range(3)] for _ in range(count)]
    assert sum(whole) / count == pytest.approx(0.9**3, abs=0.015)


@pytest.mark.parametrize("dropout", [-0.1, 1.1, float("nan")])
def test_dropout_is_a_probability(dropout: float) -> None:
    with pytest.raises(UserError, match="from 0 to 1"):
        sampled(1, dropout)


def test_dropout_is_for_bpe_only() -> None:
    with pytest.raises(UserError, match="this one is unigram"):
        UNIGRAM.encode_sampled("the cat", dropout=0.1, seed=1)

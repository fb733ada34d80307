"""Text comes back from ids as it went in, and what is unknown is never lost from sight."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vocabulary_fixtures import ALPHABET, BPE, LINES, UNIGRAM, VOCABULARIES

from s2s.errors import UserError
from s2s.text.subwords import train_subwords
from s2s.text.tokens import END, PAD, PLACEHOLDERS, SPECIALS, START, UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary, load_vocabulary

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
    again = load_vocabulary(vocabulary.kind, vocabulary.to_bytes())
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
            load_vocabulary(vocabulary.kind, damaged)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"{}", b"[1]", b'"the"'])
def test_a_list_of_tokens_is_a_list_of_strings(data: bytes) -> None:
    with pytest.raises(UserError, match="not a list of strings"):
        load_vocabulary("word", data)


def test_a_token_listed_twice_is_refused() -> None:
    with pytest.raises(UserError, match="twice"):
        WordVocabulary(["a", "a"])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(UserError, match=r"'words'.*choose word, character"):
        load_vocabulary("words", b"[]")


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


@pytest.mark.parametrize("kind", ["bpe", "unigram", "character", "word"])
def test_placeholders_are_the_last_tokens_and_are_encoded_apart(kind: str) -> None:
    lines = ["a man is in a park", "a dog in the park"]
    if kind in ("bpe", "unigram"):
        plain: Vocabulary = train_subwords(lines * 3, 20, kind=kind)
    else:
        plain = {"word": WordVocabulary, "character": CharacterVocabulary}[kind].from_lines(lines)
    vocabulary = load_vocabulary(kind, plain.to_bytes(), placeholders=3)
    first, second, _ = range(vocabulary.first_placeholder, len(vocabulary))
    text = f"a {PLACEHOLDERS[1]} in {PLACEHOLDERS[0]} park"
    ids = vocabulary.encode(text)
    assert [i for i in ids if i >= first] == [second, first]
    assert vocabulary.encode_all([text, "a man"]) == [ids, plain.encode("a man")]
    assert len(vocabulary.pieces(text)) == len(ids)
    assert vocabulary.decode(ids) == text
    assert plain.encode(text) == [UNK if i >= first else i for i in ids]
    assert len(vocabulary) == len(plain) + 3
    assert vocabulary.to_bytes() == plain.to_bytes()
    assert not vocabulary.characters & set(PLACEHOLDERS)
    assert len(vocabulary.word_starts()) == len(vocabulary)


def test_placeholders_side_by_side_and_beside_unknown_characters_are_encoded_apart() -> None:
    plain = train_subwords(["a man is in a park"] * 3, 20)
    vocabulary = load_vocabulary("bpe", plain.to_bytes(), placeholders=2)
    first, second, unknown = vocabulary.first_placeholder, vocabulary.first_placeholder + 1, UNKNOWN_CHARACTER
    one, two = PLACEHOLDERS[:2]
    for text, expected in [
        (f"a {one}{two}", [first, second]),
        (f"{two}{one} a", [second, first]),
        (f"a {unknown}{one}{unknown}{unknown}", [UNK, first, UNK]),
        (f"a {PLACEHOLDERS[5]}", [UNK]),
    ]:
        ids = vocabulary.encode(text)
        assert [i for i in ids if i == UNK or i >= first] == expected
        assert "".join(vocabulary.pieces(text)) == text
        assert len(vocabulary.pieces(text)) == len(ids)

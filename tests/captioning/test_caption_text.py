"""Captions as the model reads and writes them: tokens, mirrored sides, text as one would write it, vocabularies."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioning.recipe import VocabularyConfig
from captioning.text import learn_vocabulary, unique_words
from captioning.writing import Writing
from s2s.errors import UserError
from s2s.text.punctuation import JOINER

CAPTIONS = ["A dog's ball isn't on the left .", "The man can't see them, they're right-handed !", "The dog, the man ."]
TREEBANK, OWN = Writing("treebank"), Writing("own")


@pytest.mark.parametrize("caption", CAPTIONS)
def test_what_is_written_is_learned_of_again(caption: str) -> None:
    learned = TREEBANK.normalise(caption)
    assert learned == learned.lower()
    assert "." not in learned
    assert TREEBANK.detokenise(learned) != learned or "'" not in learned
    assert TREEBANK.normalise(TREEBANK.detokenise(learned)) == learned


@pytest.mark.parametrize(
    ("caption", "tokens"),
    [
        (
            "A man (on the left) [blurred] holds a cup & a 1/2 loaf for €5.",
            "A man (￭ on the left ￭) [￭ blurred ￭] holds a cup & a 1/2 loaf for €￭ 5 ￭.",
        ),
        ("He cannot, isn't gonna: 10:30!!", "He cannot ￭, isn't gonna ￭: 10:30 ￭!!"),
        ("एक आदमी सड़क पर है।", "एक आदमी सड़क पर है ￭।"),
        ("ผู้ชาย 1 คน", "ผู้ชาย 1 คน"),
        ("שְׁנֵי כְּלָבִים", "שְׁנֵי כְּלָבִים"),
        ("1girl, long_hair, (smile:1.2)", "1girl ￭, long_hair ￭, (￭ smile:1.2 ￭)"),
        ("un café \u201cchaud\u201d…", "un café \u201c￭ chaud ￭\u201d ￭…"),
        ("£3 👩‍🚀 smiles", "£￭ 3 👩‍🚀 smiles"),
        ("...", ""),
    ],
)
def test_own_text_keeps_characters_words_and_punctuation(caption: str, tokens: str) -> None:
    assert OWN.normalise(caption) == tokens
    if tokens:
        assert OWN.detokenise(tokens) == caption
        assert Writing("own", words=False).normalise(caption) == caption


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=JOINER), min_size=1, max_size=20)


@given(texts)
def test_any_own_text_is_written_again_but_for_its_spaces(text: str) -> None:
    caption = unicodedata.normalize("NFC", text)
    learned = OWN.normalise(caption)
    assert all(map(str.strip, learned.split(" "))) or not learned
    if learned and "'" not in caption:  # ` 's` is joined, whoever has split it
        assert OWN.detokenise(learned) == " ".join(caption.split())


def test_own_text_is_scored_in_the_words_of_the_metrics() -> None:
    learned = OWN.normalise("A man's dog (left) costs €5.")
    assert OWN.metric_words(learned) == ["a", "man", "'s", "dog", "-lrb-", "left", "-rrb-", "costs", "$", "5"]
    assert TREEBANK.metric_words("a man 's dog") == ["a", "man", "'s", "dog"]


def test_parts_of_words_stand_where_they_were() -> None:
    assert TREEBANK.detokenise("a man 's hat is n't red") == "a man's hat isn't red"


def test_subwords_that_are_spaces_are_not_seen() -> None:
    assert TREEBANK.detokenise(" a  dog 's ball ") == "a dog's ball"
    assert OWN.detokenise(" rock  'n roll 's ") == "rock 'n roll 's"


def test_a_picture_without_words_has_none() -> None:
    assert TREEBANK.normalise(" . !") == OWN.normalise(" . !") == ""


def test_the_threshold_fits_the_number_of_captions() -> None:
    few = [f"a dog number{i // 2}" for i in range(20)]
    many = ["a dog and a cat"] * 400 + [f"a rare{i}" for i in range(20)]
    assert len(learn_vocabulary(few, VocabularyConfig())) == 4 + 12
    assert len(learn_vocabulary(many, VocabularyConfig())) == 4 + 4


def test_captions_without_spaces_are_advised_to_use_subwords() -> None:
    with pytest.raises(UserError, match=r'no spaces between words: set vocabulary\.kind = "bpe"'):
        learn_vocabulary(["一个男人在海滩上遛狗", "两个孩子在沙滩上玩耍"], VocabularyConfig(threshold=5))


def test_a_vocabulary_has_the_words_that_are_frequent_enough() -> None:
    words = learn_vocabulary([TREEBANK.normalise(caption) for caption in CAPTIONS], VocabularyConfig(threshold=2))
    assert words.kind == "word"
    assert words.decode(words.encode("the dog and the man")) == "the dog the man"


def test_no_frequent_word_is_a_mistake_that_names_the_key() -> None:
    with pytest.raises(UserError, match=r"occurs 9 times: lower vocabulary\.threshold"):
        learn_vocabulary([TREEBANK.normalise(caption) for caption in CAPTIONS], VocabularyConfig(threshold=9))


def test_content_words_are_said_once() -> None:
    captions = ["a dog on the beach", "a man 's dog on the beach"]
    words = learn_vocabulary(captions, VocabularyConfig(threshold=1))
    assert {*words.tokens(unique_words(words, "en"))} == {"dog", "beach", "man"}
    pieces = learn_vocabulary(captions * 20, VocabularyConfig("bpe", size=40))
    assert unique_words(pieces, "en") == []

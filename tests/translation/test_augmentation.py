"""translation.augmentation: words that both sides share become unknown in some pairs."""

from __future__ import annotations

import random

from s2s.text.subwords import train_subwords
from s2s.text.tokens import UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import CharacterVocabulary, WordVocabulary
from translation.augmentation import augment, replace_shared_word
from translation.unknown_words import word_pattern

WORDS, SUBWORDS = word_pattern(WordVocabulary([])), word_pattern(CharacterVocabulary([]))
PAIR = ("A Boston terrier is running in grass.", "Ein Boston Terrier läuft in Gras.")


def test_a_shared_word_becomes_unknown_on_both_sides() -> None:
    source, target = replace_shared_word(*PAIR, SUBWORDS, random.Random(1))
    assert source == f"A {UNKNOWN_CHARACTER} terrier is running in grass."
    assert target == f"Ein {UNKNOWN_CHARACTER} Terrier läuft in Gras."


def test_short_words_and_pairs_that_share_none_stay() -> None:
    assert replace_shared_word("a b in", "c d in", SUBWORDS, random.Random(1)) == ("a b in", "c d in")


def test_a_word_is_the_same_before_a_sign_and_whatever_the_space_around_it() -> None:
    source, target = replace_shared_word("A Frisbee!", "Frisbee\u00a0: ein\tFrisbee.", SUBWORDS, random.Random(1))
    assert source == f"A {UNKNOWN_CHARACTER}!"
    assert target == f"{UNKNOWN_CHARACTER}\u00a0: ein\t{UNKNOWN_CHARACTER}."
    assert replace_shared_word("grass", "Grasshalm", SUBWORDS, random.Random(1)) == ("grass", "Grasshalm")


def test_where_tokens_are_words_a_sign_is_part_of_its_word() -> None:
    """Made unknown for "Frisbee.", "Frisbee!" would teach to copy the wrong sign."""
    assert replace_shared_word("A Frisbee!", "Ein Frisbee.", WORDS, random.Random(1)) == ("A Frisbee!", "Ein Frisbee.")
    source, target = replace_shared_word("A Frisbee .", "Ein\u00a0Frisbee .", WORDS, random.Random(1))
    assert (source, target) == (f"A {UNKNOWN_CHARACTER} .", f"Ein\u00a0{UNKNOWN_CHARACTER} .")


def test_numbers_are_copied_however_short() -> None:
    assert replace_shared_word("a 5 x", "b 5, x", SUBWORDS, random.Random(1)) == (
        f"a {UNKNOWN_CHARACTER} x",
        f"b {UNKNOWN_CHARACTER}, x",
    )


def test_the_rate_is_kept_and_the_seed_decides() -> None:
    sources, targets = [PAIR[0]] * 2000, [PAIR[1]] * 2000
    changed = augment(sources, targets, SUBWORDS, 0.25, seed=3)
    share = sum(UNKNOWN_CHARACTER in line for line in changed[0]) / 2000
    assert 0.2 < share < 0.3
    assert [UNKNOWN_CHARACTER in line for line in changed[0]] == [UNKNOWN_CHARACTER in line for line in changed[1]]
    assert changed == augment(sources, targets, SUBWORDS, 0.25, seed=3)
    assert changed != augment(sources, targets, SUBWORDS, 0.25, seed=4)


def test_vocabularies_read_it_as_one_unknown_token() -> None:
    vocabulary = train_subwords(PAIR * 10, 60)
    source, _ = replace_shared_word(*PAIR, SUBWORDS, random.Random(1))
    assert vocabulary.encode(source).count(UNK) == 1

"""translation.augmentation: training pairs are changed, the same on both sides, by the seed alone."""

from __future__ import annotations

import random

from s2s.text.subwords import train_subwords
from s2s.text.tokens import PLACEHOLDERS, UNK, UNKNOWN_CHARACTER
from s2s.text.vocabulary import CharacterVocabulary, WordVocabulary
from translation.augmentation import Augmentation, AugmentationConfig, replace_shared_word, shared_spans
from translation.lexicon import Lexicon
from translation.reading import word_pattern

WORDS, SUBWORDS = word_pattern(WordVocabulary([])), word_pattern(CharacterVocabulary([]))
PAIR = ("A Boston terrier is running in grass.", "Ein Boston Terrier läuft in Gras.")
NOTHING = AugmentationConfig(0.0, 0.0, 0.0)
NOUNS = [("house", "Haus"), ("garden", "Garten"), ("woman", "Frau"), ("table", "Tisch"), ("guitar", "Gitarre")]
SOURCES = [f"The {one} and a {other} number {i}." for i, (one, _) in enumerate(NOUNS * 8) for other, _ in NOUNS]
TARGETS = [f"Das {one} und ein {other} Nummer {i}." for i, (_, one) in enumerate(NOUNS * 8) for _, other in NOUNS]


def augmented(
    config: AugmentationConfig, *, placeholders: int = 10, unknown_copies: float = 0.0, seed: int = 1
) -> list[tuple[str, str]]:
    changes = Augmentation(
        SOURCES, TARGETS, config, unknown_copies=unknown_copies, words=SUBWORDS, placeholders=placeholders
    )
    return list(zip(*changes.texts(seed, range(len(SOURCES))), strict=True))


def placeholders_of(text: str) -> list[str]:
    return sorted(set(text) & set(PLACEHOLDERS))


def test_a_lexicon_knows_which_words_translate_each_other() -> None:
    lexicon = Lexicon(SOURCES, TARGETS)
    pairs = [(one[0], other[0]) for one, other in lexicon.pairs("The house and a guitar.", "Das Haus und ein Gitarre.")]
    assert ("house", "Haus") in pairs
    assert ("guitar", "Gitarre") in pairs
    assert lexicon.coefficient("house", "Haus") > lexicon.coefficient("house", "Frau")
    assert lexicon.pairs("", "Das Haus") == lexicon.pairs("The house", "") == []


def test_numbers_of_both_sides_become_the_same_placeholder_in_most_pairs() -> None:
    pairs = augmented(NOTHING)
    changed = [pair for pair in pairs if placeholders_of(pair[0])]
    assert 0.8 < len(changed) / len(pairs) < 1
    for source, target in pairs:
        assert placeholders_of(source) == placeholders_of(target)
        assert any(character.isdigit() for character in source) != bool(placeholders_of(source))
    assert {c for source, _ in pairs for c in placeholders_of(source)} == set(PLACEHOLDERS)


def test_words_that_translate_each_other_become_the_same_placeholder() -> None:
    pairs = augmented(AugmentationConfig(placeholders=0.9, lower_case=0.0, single_words=0.0))
    assert all(placeholders_of(source) == placeholders_of(target) for source, target in pairs)
    assert all(source.count(c) == 1 for source, _ in pairs for c in placeholders_of(source))
    assert sum(len(placeholders_of(source)) > 1 for source, _ in pairs) > 0.5 * len(pairs)
    translations = dict(NOUNS)
    for (source, target), before in zip(pairs, SOURCES):
        for noun, translation in translations.items():
            if before.count(noun) == 1 and noun not in source:
                assert translation not in target


def test_single_words_and_lower_case() -> None:
    words = augmented(AugmentationConfig(placeholders=0.0, lower_case=0.0, single_words=0.3))
    short = [pair for pair in words if " " not in pair[0]]
    assert 0.2 < len(short) / len(words) < 0.4
    assert ("house", "Haus") in short
    lower = augmented(AugmentationConfig(placeholders=0.0, lower_case=0.3, single_words=0.0))
    assert 0.2 < sum(source.islower() for source, _ in lower) / len(lower) < 0.4
    assert not any(target.islower() for _, target in lower)


def test_the_seed_decides_and_without_changes_the_text_stays() -> None:
    config = AugmentationConfig()
    assert augmented(config, seed=3) == augmented(config, seed=3) != augmented(config, seed=4)
    assert augmented(NOTHING, placeholders=0) == list(zip(SOURCES, TARGETS))


def test_spans_that_one_side_has_twice_or_in_a_word_are_left_alone() -> None:
    assert shared_spans("a 5 b", "c 5 d") == [((2, 3), (2, 3))]
    assert shared_spans("a 5 b 5", "c 5 d 5") == []
    assert shared_spans("a 5 b", "c five d") == []
    assert shared_spans("see shop.de now", "siehe shop.de jetzt") == [((4, 11), (6, 13))]


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


def test_unknown_copies_keep_their_rate() -> None:
    pairs = augmented(NOTHING, placeholders=0, unknown_copies=0.25)
    share = sum(UNKNOWN_CHARACTER in source for source, _ in pairs) / len(pairs)
    assert 0.15 < share < 0.35
    assert all((UNKNOWN_CHARACTER in source) == (UNKNOWN_CHARACTER in target) for source, target in pairs)


def test_vocabularies_read_it_as_one_unknown_token() -> None:
    vocabulary = train_subwords(PAIR * 10, 60)
    source, _ = replace_shared_word(*PAIR, SUBWORDS, random.Random(1))
    assert vocabulary.encode(source).count(UNK) == 1

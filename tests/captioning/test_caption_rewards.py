"""Rewards of captions: each alone against figures made otherwise, and their weighted sum."""

from __future__ import annotations

import math
from random import Random

import pytest
from sacrebleu import sentence_bleu

from captioning.metrics.cider import CiderD
from captioning.metrics.content import known_content_words
from captioning.metrics.sentence_bleu import SentenceBleu
from captioning.recipe import RewardConfig
from captioning.rewards import MixedReward, Repetition, content_recall, information
from s2s.errors import UserError

END = 2
ENGLISH = known_content_words("en")
REFERENCES = [
    [["a", "dog", "runs", END], ["a", "dog", "sits", END]],
    [["the", "fisherman", "sits", END], ["a", "man", "sits", END]],
]


def test_bleu_is_that_of_sacrebleu_with_one_added() -> None:
    draw = Random(1)
    for _ in range(200):
        references = [[draw.choice("abcd") for _ in range(draw.randint(3, 9))] for _ in range(3)]
        words = [draw.choice("abcde") for _ in range(draw.randint(4, 9))]
        expected = sentence_bleu(
            " ".join(words),
            [" ".join(reference) for reference in references],
            smooth_method="add-k",
            smooth_value=1,
            tokenize="none",
        )
        assert 100 * SentenceBleu([references]).score(0, words) == pytest.approx(expected.score)


def test_bleu_of_nothing_is_nothing() -> None:
    assert SentenceBleu([[["a", "dog"]]]).score(0, []) == 0
    assert SentenceBleu([[["a", "dog"]]]).score(0, ["cat"]) == 0


def test_a_word_of_all_references_is_recalled_for_more() -> None:
    reward = content_recall(REFERENCES, ENGLISH)
    # The first picture's references have dog twice, runs and sits once: together 2 * 2 + 1 + 1, a mean of 3.
    assert reward.score(0, ["a", "dog", "dog", END]) == pytest.approx(2 / 3)
    assert reward.score(0, ["a", "man", "runs", END]) == pytest.approx(1 / 3)
    assert sum(reward.score(0, words) for words in REFERENCES[0]) / 2 == pytest.approx(1)


def test_a_rare_word_tells_more_if_it_is_right() -> None:
    reward = information(REFERENCES, ENGLISH)
    rare, common = reward.score(1, ["fisherman"]), reward.score(1, ["sits"])
    assert rare / common == pytest.approx(math.log(8 / 1) / math.log(8 / 3))
    assert reward.score(0, ["fisherman"]) == 0


def test_references_without_content_words_earn_nothing() -> None:
    assert content_recall([[["the", END]], [["dog"]]], ENGLISH).score(0, ["the", "dog"]) == 0


def test_repetition_costs() -> None:
    assert Repetition(ENGLISH).score(0, ["a", "dog", "and", "a", "cat"]) == 0
    assert Repetition(ENGLISH).score(0, ["a", "dog", "and", "a", "dog"]) == -2  # dog, and "a dog"
    assert Repetition(ENGLISH).score(0, ["a", "dog", END, END]) == 0


def test_rewards_are_summed_by_their_weights() -> None:
    words = ["a", "dog", "sits", "sits", END]
    assert MixedReward(RewardConfig(), REFERENCES, "fi").score(0, words) == CiderD(REFERENCES).score(0, words)
    mixed = MixedReward(
        RewardConfig(cider_d=0.5, bleu_4=2, content_recall=3, information=4, repetition=0.1), REFERENCES, "en"
    )
    parts = [
        0.5 * CiderD(REFERENCES).score(0, words),
        2 * SentenceBleu(REFERENCES).score(0, words),
        3 * content_recall(REFERENCES, ENGLISH).score(0, words),
        4 * information(REFERENCES, ENGLISH).score(0, words),
        0.1 * -1,
    ]
    assert mixed.score(0, words) == pytest.approx(sum(parts))


def test_words_are_not_rewarded_in_a_language_whose_content_words_are_unknown() -> None:
    with pytest.raises(UserError, match="not for fi"):
        MixedReward(RewardConfig(repetition=0.1), REFERENCES, "fi")

"""No sentence has more words than it may; its last word is never cut, and signs are no words."""

from __future__ import annotations

import math

import numpy as np
import torch

from s2s.decoding.most_words import MostWords
from s2s.text.tokens import END, SPECIALS
from s2s.text.vocabulary import WordVocabulary


def test_after_the_last_word_only_signs_and_the_end_may_follow() -> None:
    vocabulary = WordVocabulary.from_lines(["a dog , runs"])
    dog, comma = (vocabulary.encode(word)[0] for word in ("dog", ","))
    for array in (np.asarray, torch.from_numpy):
        scores = array(np.zeros((2, len(vocabulary)), dtype=np.float32))
        rows = MostWords.of(2, vocabulary, 2, array)  # type: ignore[arg-type]
        assert np.isfinite(np.asarray(rows.apply(scores))).all()
        rows = rows.read(array(np.array([dog, comma]))).read(array(np.array([dog, dog])))
        left = np.asarray(rows.apply(scores))
        assert left[0, dog] == -math.inf
        assert left[0, comma] == left[0, END] == 0
        assert np.isfinite(left[1]).all()
        assert np.isfinite(left[:, : len(SPECIALS)]).all()
        turned = rows.reorder(array(np.array([1, 0])))
        assert np.asarray(turned.words).tolist() == [1, 2]
        assert np.asarray(turned.repeat(2).keep(array(np.array([1])), 2).words).tolist() == [2, 2]


class _Pieces:
    """A vocabulary of pieces of words."""

    def tokens(self, ids: range) -> list[str]:
        return [*SPECIALS, " run", "s", " ", ","][ids.start : ids.stop]

    def word_starts(self) -> list[bool]:
        return [True] * (len(SPECIALS) + 1) + [False, True, True]

    def __len__(self) -> int:
        return len(SPECIALS) + 4


def test_a_piece_goes_on_with_the_last_word() -> None:
    rows = MostWords.of(1, _Pieces(), 1, np.asarray)  # type: ignore[arg-type]
    left = rows.read(np.array([len(SPECIALS)])).apply(np.zeros((1, len(SPECIALS) + 4), dtype=np.float32))
    assert np.isfinite(left[0, len(SPECIALS) :]).tolist() == [False, True, False, True]

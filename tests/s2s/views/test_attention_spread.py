"""How widely attention spreads, and how much it changes from word to word."""

from __future__ import annotations

import numpy as np
import torch

from s2s.views.attention_spread import Spread, measure_spread


def test_even_attention_has_the_highest_entropy_and_no_variation() -> None:
    assert measure_spread([torch.full((3, 8), 1 / 8), torch.full((2, 8), 1 / 8)]) == Spread(3, 3, 0)


def test_attention_that_walks_has_no_entropy_and_the_highest_variation() -> None:
    assert measure_spread([torch.eye(4), torch.eye(4)]) == Spread(0, 2, 1)


def test_the_means_are_over_words_of_one_sentence_each() -> None:
    """From sentence to sentence nothing is compared; each word and each pair of words counts once."""
    first, second = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]]), torch.tensor([[0.0, 1.0]])
    assert measure_spread([first, second]) == Spread(2 / 4, 3 / 4, 0.5 / 2)


def test_padding_has_no_share_in_the_highest_entropy() -> None:
    assert measure_spread([torch.tensor([[0.25, 0.0, 0.75], [0.5, 0.0, 0.5]])]).highest == 1


def test_no_words_have_no_spread() -> None:
    assert measure_spread([]) == Spread(0, 0, 0)
    assert measure_spread([torch.tensor([[0.3, 0.7]])]).variation == 0


def test_arrays_and_tensors_have_the_same_spread() -> None:
    weights = torch.rand(4, 6).softmax(1)
    assert measure_spread([weights]) == measure_spread([weights.numpy()]) == measure_spread([weights.tolist()])
    assert measure_spread([np.zeros((0, 6))]) == Spread(0, 0, 0)

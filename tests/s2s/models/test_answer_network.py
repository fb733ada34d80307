"""The network of an answerer: attention over real cells alone, places, and a blind network that is blind."""

from __future__ import annotations

import torch
from answering_fixtures import model

from s2s.models.answer_network import AnswerScores, AskedPictures, coordinates
from s2s.text.padding import Padded
from s2s.vision.grids import Features


def asked(cells: torch.Tensor, mask: torch.Tensor | None = None, padding: int = 0) -> AskedPictures:
    ids = torch.cat([torch.tensor([[4, 5, 6], [7, 8, 9]]), torch.zeros(2, padding, dtype=torch.int64)], 1)
    return AskedPictures(Features(cells, mask), torch.tensor([0, 0]), Padded(ids, torch.tensor([3, 3])))


def scores(*arguments: object, **options: object) -> AnswerScores:
    return model().without_cnn()(*arguments, **options)


CELLS = torch.randn(1, 2, 3, 128, generator=torch.Generator().manual_seed(1))


def test_the_weights_of_each_hop_are_on_real_cells_and_real_words() -> None:
    mask = torch.tensor([[[True, True, False], [True, True, False]]])
    found = scores(asked(CELLS, mask, padding=2))
    assert found.words is not None
    torch.testing.assert_close(found.hops.sum(-1), torch.ones(2, 2))
    assert not found.hops[..., [2, 5]].any()
    torch.testing.assert_close(found.words.sum(-1), torch.ones(2))
    assert not found.words[:, 3:].any()
    assert found.memory.mask is not None
    assert found.memory.mask.tolist() == [[True, True, False] * 2 + [True] * 3 + [False] * 2] * 2


def test_padding_changes_nothing() -> None:
    plain, padded = scores(asked(CELLS)), scores(asked(CELLS, padding=4))
    torch.testing.assert_close(plain.logits, padded.logits)
    torch.testing.assert_close(plain.blind, padded.blind)


def test_a_cell_that_is_padding_has_no_gradient() -> None:
    cells = CELLS.clone().requires_grad_()
    mask = torch.tensor([[[True, True, False], [True, True, True]]])
    scores(asked(cells, mask)).logits.sum().backward()
    assert cells.grad is not None
    assert not cells.grad[0, 0, 2].any()
    assert cells.grad[0, 1, 2].any()


def test_the_blind_network_sees_no_picture() -> None:
    one, other = scores(asked(CELLS)), scores(asked(-CELLS))
    assert torch.equal(one.blind, other.blind)  # type: ignore[arg-type]
    assert not torch.allclose(one.logits, other.logits)
    assert scores(asked(CELLS), blind=False).blind is None


def test_two_cells_in_each_others_place_are_another_picture() -> None:
    assert not torch.allclose(scores(asked(CELLS)).logits, scores(asked(CELLS.flip(2))).logits)
    assert coordinates((2, 3)).tolist() == [[-1, -1], [-1, 0], [-1, 1], [1, -1], [1, 0], [1, 1]]
    assert coordinates((1, 1)).tolist() == [[0, 0]]

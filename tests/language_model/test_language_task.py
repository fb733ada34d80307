"""The task: the state is carried from chunk to chunk, reset where streams end, and saved with the run."""

from __future__ import annotations

import pytest
import torch
from language_fixtures import NOTHING, task_of
from model_fixtures import CELL_KINDS

from language_model.recipe import SampledSoftmax
from language_model.task import LanguageModelTask
from s2s.errors import UserError
from s2s.models.language_configuration import LanguageModelDropout
from s2s.nn.loss import smoothed_cross_entropy


def losses(task: LanguageModelTask, epoch: int = 0) -> list[float]:
    task.network.eval()
    plan = task.plan(epoch)
    with torch.no_grad():
        return [float(task.loss(task.network, task.batch(epoch, i, plan[i])).total) for i in range(len(plan))]


@pytest.mark.parametrize("cell", CELL_KINDS)
def test_the_carried_state_makes_the_losses_those_of_whole_streams(cell: str) -> None:
    task = task_of(cell=CELL_KINDS[cell]())
    found = losses(task)
    chunks = [task.batch(0, i, [i]) for i in range(len(found))]
    tokens, targets = (torch.cat([getattr(chunk, name) for chunk in chunks], 1) for name in ("tokens", "targets"))
    start = task.model.decoder.start(None, sentences=len(tokens))
    with torch.no_grad():
        whole, _ = smoothed_cross_entropy(task.network(tokens, start).logits, targets.t().flatten())
        alone = [
            float(smoothed_cross_entropy(task.network(chunk.tokens, start).logits, chunk.targets.t().flatten())[0])
            for chunk in chunks
        ]
    assert len(found) > 10
    assert sum(found) == pytest.approx(float(whole), rel=1e-5)
    assert found[0] == pytest.approx(alone[0], rel=1e-6)
    assert all(abs(ours - forgetful) > 1e-4 for ours, forgetful in zip(found[1:], alone[1:]))


def test_the_state_is_reset_where_the_streams_end() -> None:
    task = task_of()
    assert losses(task) == losses(task)


def test_the_state_has_no_history() -> None:
    task = task_of()
    for i in range(2):
        task.loss(task.network, task.batch(0, i, [i])).total.backward()  # a second time would fail through the first
    assert not any(tensor.requires_grad for tensor in task.state().tensors.values())


@pytest.mark.parametrize("cell", CELL_KINDS)
def test_a_restored_state_goes_on_to_the_bit(cell: str) -> None:
    task = task_of(cell=CELL_KINDS[cell]())
    expected = losses(task)
    with torch.no_grad():
        for i in range(4):
            task.loss(task.network, task.batch(0, i, [i]))
        saved = task.state().copy()
        other = task_of(cell=CELL_KINDS[cell]())
        other.network.eval()
        other.restore(saved)
        found = [float(other.loss(other.network, other.batch(0, i, [i])).total) for i in range(4, len(expected))]
        assert found == expected[4:]
        other.restore(task_of().state())  # an empty one: nothing is carried
        assert other.state().tensors == {}


def test_validation_leaves_the_carried_state_alone() -> None:
    task = task_of()
    task.loss(task.network, task.batch(0, 0, [0]))
    before = task.state().copy()
    with torch.no_grad():
        validation = task.validate(task.network)
        task.rehearse(task.network)
    assert all(torch.equal(tensor, before.tensors[name]) for name, tensor in task.state().tensors.items())
    assert set(validation.scores) == {"bits_per_character", "word_perplexity"}
    assert validation.scores["bits_per_character"] == pytest.approx(validation.loss / 0.6931, rel=1e-3)


def test_dropout_changes_the_loss_in_training_only() -> None:
    task = task_of(dropout=LanguageModelDropout(0.3, 0.3, 0.3, 0.3, 0.3))
    batch = task.batch(0, 0, [0])
    task.network.train()
    assert task.loss(task.network, batch).total != task.loss(task.network, batch).total
    task.network.eval()
    assert task.loss(task.network, batch).total == task.loss(task.network, batch).total
    assert NOTHING.word == 0


def test_a_sampled_softmax_estimates_the_loss_and_leaves_validation_alone() -> None:
    whole, sampled = task_of(), task_of(softmax=SampledSoftmax(20))
    batches = [sampled.batch(0, i, [0]) for i in range(60)]  # one chunk, other samples
    for task in (whole, sampled):
        task.network.eval()
    with torch.no_grad():
        expected = float(whole.loss(whole.network, whole.batch(0, 0, [0])).total)
        found = [float(sampled.loss(sampled.network, batch).total) for batch in batches]
        assert whole.validate(whole.network) == sampled.validate(sampled.network)
    assert len({len(batch.sample or ()) for batch in batches}) > 3
    assert 0.95 * expected < sum(found) / len(found) < expected  # the mean of a logarithm is below that of the mean


def test_the_sample_of_a_batch_depends_on_its_place_only() -> None:
    first, second = (task_of(softmax=SampledSoftmax(20)).batch(1, 2, [2]).sample for _ in range(2))
    assert first is not None
    assert second is not None
    assert torch.equal(first.tokens, second.tokens)


def test_a_sample_larger_than_the_vocabulary_is_refused() -> None:
    with pytest.raises(UserError, match=r"softmax.size = 4,096 is not below the \d\d tokens of the vocabulary"):
        task_of(softmax=SampledSoftmax())


def test_a_chunk_is_named_by_its_lines() -> None:
    task = task_of()
    where = task.whereabouts([2])
    assert where.startswith("the 9 tokens after about lines 1, ")
    assert where.endswith(" and 1 more of train.txt")

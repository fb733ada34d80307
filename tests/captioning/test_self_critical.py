"""Self-critical training: rewards are CIDEr-D, better samples become likelier, the rest is cross-entropy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import captioning_fixtures as world
import pytest
import torch
from model_fixtures import DECODER_KINDS, as_kind, logits_of
from torch.nn.functional import cross_entropy

from captioning.metrics.cider import CiderD
from captioning.recipe import SelfCriticalConfig
from captioning.self_critical import SelfCriticalTask, advantages
from s2s.models.configuration import DecoderConfig, DropoutRates
from s2s.nn.precision import autocast
from s2s.text.tokens import END, START
from s2s.vision.crops import MIRRORED, WHOLE

CPU = torch.device("cpu")


INPUTS = (world.Stored(), world.Stored())


def task(captions: int = 20, decoder: DecoderConfig | None = None, **changes: Any) -> SelfCriticalTask:
    options = {"samples": 5, "cross_entropy": 0.2, **changes}
    plain = world.recipe()
    recipe = replace(
        plain, captions=captions, decoder=decoder or plain.decoder, self_critical=SelfCriticalConfig(**options)
    )
    return SelfCriticalTask(recipe, world.prepared(), world.model(recipe), INPUTS, CPU)


def test_the_baseline_is_the_mean_of_the_other_samples() -> None:
    rewards = torch.tensor([[1.0, 2.0, 6.0], [3.0, 3.0, 3.0]])
    found = advantages(rewards)
    raw = torch.tensor([[-3.0, -1.5, 4.5], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(found, raw / raw.std())
    assert not advantages(torch.full((4, 5), 0.3)).any()


def test_every_picture_is_a_batch_member_once_an_epoch() -> None:
    plain = task(captions=10)
    plan = plain.plan(0)
    assert [len(batch) for batch in plan] == [2, 2]
    assert sorted(i for batch in plan for i in batch) == [0, 1, 2, 3]
    assert plain.plan(0) == plan
    assert any(plain.plan(epoch) != plan for epoch in range(1, 9))


def test_with_cross_entropy_alone_the_loss_is_that_of_the_true_captions() -> None:
    """As a mean over tokens; the sampled captions weigh next to nothing."""
    plain = task(cross_entropy=0.999999)
    model, batch = plain.network, plain.batch(0, 0, [0, 1, 2, 3])
    torch.manual_seed(1)
    loss = plain.loss(model, batch)
    total, count = 0.0, 0
    for picture, ids in zip([i for i in range(4) for _ in range(5)], batch.references):
        logits = logits_of(model, world.Stored()([picture], [WHOLE]), torch.tensor([[START, *ids]]))
        total += cross_entropy(logits[0], torch.tensor([*ids, END]), reduction="sum").item()
        count += len(ids) + 1
    assert loss.total.item() / loss.weight == pytest.approx(total / count, rel=1e-3)
    assert loss.size == 4  # pictures


def test_a_reward_is_the_cider_of_the_words_with_their_end() -> None:
    plain = task()
    batch = plain.batch(0, 0, [2, 0, 1, 3])
    vocabulary = plain.data.vocabulary
    whole, cut = [*vocabulary.encode("one blue square"), END], vocabulary.encode("one blue square on the")
    plain_turn = replace(batch, views=[WHOLE] * 4)
    rewards = plain._rewards(plain_turn, [whole, cut, whole, whole, whole] * 4)
    scorer = CiderD([[[*c.split(), "</s>"] for c in example.captions] for example in plain.data.train])
    assert rewards[0, 0].item() == pytest.approx(scorer.score(2, ["one", "blue", "square", "</s>"]))
    assert rewards[0, 1].item() == pytest.approx(scorer.score(2, ["one", "blue", "square", "on", "the"]))
    assert rewards[0, 0] > rewards[0, 1]
    assert rewards[0, 0] > rewards[1, 0]  # the captions of another picture


def test_what_is_said_of_a_mirrored_picture_is_rewarded_as_if_it_were_not() -> None:
    plain = task()
    batch = plain.batch(0, 0, [0])
    said = {side: [*plain.data.vocabulary.encode(f"a red thing on the {side}"), END] for side in ("left", "right")}
    upright = plain._rewards(replace(batch, views=[WHOLE]), [said["left"]] * 5)
    mirrored = plain._rewards(replace(batch, views=[MIRRORED]), [said["right"]] * 5)
    torch.testing.assert_close(upright, mirrored)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("wiring", [*DECODER_KINDS, "transformer"])
def test_the_gradient_reaches_every_weight(wiring: Any, precision: Any) -> None:
    """Weights that autocast casts while captions are sampled must not be taken for the casts of training."""
    decoder = world.TRANSFORMER if wiring == "transformer" else as_kind(world.recipe().decoder, wiring)
    plain = task(decoder=decoder)
    model = plain.network
    with autocast(precision, CPU):
        loss = plain.loss(model, plain.batch(0, 0, [0, 1, 2, 3]))
    loss.total.backward()
    assert model.training
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    unused = ["encoder.projection.weight", "encoder.projection.bias"]  # it sees the summary alone
    assert silent == (unused if wiring == "show_and_tell" else [])


def test_a_step_repeats_from_its_random_numbers() -> None:
    """So that a resumed training ends with the very weights."""
    rates = DropoutRates(embedding=0.3, hidden=0.3, context=0.3, output=0.3)
    plain = task(decoder=replace(world.recipe().decoder, dropout=rates))
    losses = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        losses.append(plain.loss(plain.network, plain.batch(3, 1, [2, 0])).total.item())
    assert losses[0] == losses[1] != losses[2]


def test_samples_are_drawn_without_dropout() -> None:
    """With nearly all of the output dropped they would be noise."""
    rates = DropoutRates(embedding=0, hidden=0, context=0, output=0.99)
    whole, dropped = task(), task(decoder=replace(world.recipe().decoder, dropout=rates))
    found = []
    for each in (whole, dropped):
        torch.manual_seed(5)
        each.network.train()
        found.append(each._samples(each.batch(0, 0, [0, 1, 2, 3])))
        assert each.network.training
    assert found[0] == found[1]


def test_a_caption_that_says_the_name_of_end_does_not_end() -> None:
    plain = task()
    examples = [replace(example, captions=("one </s>",)) for example in plain.data.train[:1]]
    said = SelfCriticalTask(
        plain.recipe, replace(plain.data, train=[*examples, *plain.data.train[1:]]), plain.model, INPUTS, CPU
    )
    ids = plain.data.vocabulary.encode("one")
    rewards = said._rewards(replace(said.batch(0, 0, [0]), views=[WHOLE]), [ids, [*ids, END]] * 5)
    same = CiderD([[["one", "</s>", END]], *[[[*c.split(), END] for c in e.captions] for e in plain.data.train[1:]]])
    expected = [same.score(0, ["one"]), same.score(0, ["one", END])]
    assert rewards.flatten()[:2].tolist() == pytest.approx(expected)


def test_rewards_rise() -> None:
    plain = task(cross_entropy=0.0)
    model = plain.network
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    rewards = []
    for step in range(120):
        torch.manual_seed(step)
        loss = plain.loss(model, plain.batch(step, 0, [0, 1, 2, 3]))
        (loss.total / loss.weight).backward()
        optimiser.step()
        optimiser.zero_grad()
        rewards.append(loss.figures["reward"].item() / loss.weight)
    assert sum(rewards[-20:]) > 2 * sum(rewards[:20])

"""The captioning task: learns what it is shown, repeats exactly, mirrors pictures with their captions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import captioning_fixtures as world
import pytest
import torch
from model_fixtures import as_kind, encoder_of, logits_of
from torch.nn.functional import cross_entropy

from captioning.recipe import Corpus, DataConfig
from captioning.task import CaptioningTask
from s2s.models.configuration import DecoderConfig
from s2s.nn.precision import autocast
from s2s.text.tokens import END, START
from s2s.vision.crops import WHOLE
from s2s.vision.grids import Features


def task(**changes: Any) -> CaptioningTask:
    recipe = world.recipe(captions=6, **changes)
    return CaptioningTask(recipe, world.prepared(), world.model(recipe), (world.Stored(), world.Stored()), CPU)


CPU = torch.device("cpu")


def test_every_caption_is_seen_once_an_epoch() -> None:
    plain = task()
    plan = plain.plan(3)
    assert sorted(i for batch in plan for i in batch) == list(range(12))
    assert plan == plain.plan(3) != plain.plan(4)


def test_a_corpus_is_read_as_often_as_its_weight_says() -> None:
    """Two pictures of people's captions, two whose captions count half and stay together."""
    corpora = (Corpus(Path("a")), Corpus(Path("b"), weight=0.5, together=3))
    recipe = world.recipe(captions=6, data=DataConfig(Path("c"), corpora=corpora))
    examples = [replace(example, corpus=i // 2) for i, example in enumerate(world.examples())]
    data = replace(world.prepared(), train=examples)
    mixed = CaptioningTask(recipe, data, world.model(recipe), (world.Stored(), world.Stored()), CPU)
    assert [len(group.captions) for group in mixed.groups] == [1] * 6 + [3] * 2
    plans = [mixed.plan(epoch) for epoch in range(4)]
    assert [sorted(i for batch in plan for i in batch)[:6] for plan in plans] == [list(range(6))] * 4
    read = [[i for batch in plan for i in batch if i >= 6] for plan in plans]
    assert [len(each) for each in read] == [1] * 4
    assert sorted(read[0] + read[1]) == sorted(read[2] + read[3]) == [6, 7]
    for plan in plans:
        for batch in plan:
            loss = mixed.loss(mixed.network, mixed.batch(0, 0, batch))
            assert loss.size == len(batch)
    assert {len(batch) for batch in mixed.plan(0)} == {6, 1}
    assert mixed.longest() in mixed.plan(0)


def test_a_batch_is_the_same_whenever_it_is_asked_for() -> None:
    plain = task()
    first, second = (plain.batch(2, 1, [3, 0, 7]) for _ in range(2))
    assert first.decoder_input.ids.tolist() == second.decoder_input.ids.tolist()
    assert not torch.equal(first.targets.ids, plain.batch(3, 1, [3, 0, 7]).targets.ids)


def test_left_and_right_change_places_in_a_mirror() -> None:
    mirrored, plain = task(), task(image=replace(world.recipe().image, mirror=False))

    def texts(of: CaptioningTask, epoch: int) -> list[str]:
        batch = of.batch(epoch, 0, range(12))
        return [of.data.vocabulary.decode(row) for row in batch.targets.ids.tolist()]

    assert all("right" not in text for text in texts(plain, 0))
    seen = texts(mirrored, 0)
    assert any("right" in text for text in seen)
    assert any("left" in text for text in seen)
    assert [text.replace("right", "left") for text in seen] == texts(plain, 0)


@pytest.mark.parametrize("together", [2, 3, 5])
def test_captions_of_one_picture_together_have_the_loss_that_they_have_apart(together: int) -> None:
    several = task(together=together, image=replace(world.recipe().image, mirror=False))
    batch = several.batch(0, 0, range(len(several.groups)))
    assert len(batch.decoder_input.ids) == together * len(several.groups)
    model = several.network
    found = several.loss(model, batch)
    total = 0.0
    for group in several.groups:
        for caption in group.captions:
            ids = several.data.vocabulary.encode(caption)
            features = world.Stored()([group.picture], [WHOLE])
            logits = logits_of(model, features, torch.tensor([[START, *ids]]))
            total += cross_entropy(logits[0], torch.tensor([*ids, END]), reduction="sum").item()
    assert found.total.item() == pytest.approx(total, rel=1e-4)


def test_the_doubly_stochastic_term_is_added_and_logged() -> None:
    plain, more = task(), task(doubly_stochastic=0.5)
    batch = plain.batch(0, 0, [0, 1, 2])
    without, found = plain.loss(plain.network, batch), more.loss(more.network, batch)
    term = found.figures["doubly_stochastic"]
    assert term > 0
    torch.testing.assert_close(found.total - without.total, 0.5 * term)


def test_the_doubly_stochastic_term_counts_no_padding() -> None:
    """Where there is no photograph nothing can be looked at."""
    several = task(doubly_stochastic=0.5)
    model, batch = several.network, several.batch(0, 0, [0, 1, 2])
    assert isinstance(batch.inputs, Features)
    cells = batch.inputs.cells[:, :1]
    padded = torch.cat([cells, torch.full_like(cells, 7.0)], 1)
    real = torch.tensor([[True, True], [False, False]]).expand(3, -1, -1)
    cropped, masked = (several.loss(model, replace(batch, inputs=Features(*of))) for of in ((cells,), (padded, real)))
    torch.testing.assert_close(masked.figures["doubly_stochastic"], cropped.figures["doubly_stochastic"])
    torch.testing.assert_close(masked.total, cropped.total)


def test_the_loss_of_validation_is_plain_cross_entropy_whatever_was_trained_with() -> None:
    found = []
    for changes in ({}, {"label_smoothing": 0.2, "doubly_stochastic": 0.5}):
        one = task(**changes)
        with torch.no_grad():
            found.append(one.validate(one.network.eval()).figures["loss"])
    assert found[0] == pytest.approx(found[1])


def test_validation_sees_each_picture_once() -> None:
    """Its captions and its loss, the mean over the words of all references, are of one encoding."""
    one = task(doubly_stochastic=0.5)
    examples = world.examples()
    examples[1] = replace(examples[1], captions=("one green square",))  # not all have as many
    one.data = replace(one.data, validation=examples)
    model, seen = one.network.eval(), []
    encoder_of(model).register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0].cells)))
    with torch.no_grad(), autocast("float32", CPU):
        figures = one.validate(model).figures
        assert seen == [4]
        pairs = [(picture, caption) for picture, example in enumerate(examples) for caption in example.captions]
        assert len(pairs) == 10
        inputs = world.Stored()([picture for picture, _ in pairs], [WHOLE] * 10)
        batch = one.caption_batch(inputs, [caption for _, caption in pairs])
        loss = one.cross_entropy(model, batch, 0.0)
    assert figures["loss"] == pytest.approx(loss.figures["train_loss"].item() / loss.weight)


def test_the_rehearsal_captions_a_few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    one, seen = task(), []
    monkeypatch.setattr("captioning.task.REHEARSED", 3)
    encoder_of(one.network).register_forward_hook(lambda _, inputs, __: seen.append(len(inputs[0].cells)))
    with torch.no_grad():
        one.rehearse(one.network.eval())
        one.data = replace(one.data, validation=world.examples()[:2])
        one.rehearse(one.network)
    assert seen == [3, 2]


def test_the_speed_is_in_pictures() -> None:
    """However many captions of a picture share a batch."""
    for together in (1, 2, 3):
        one = task(together=together)
        assert one.unit == "pictures"
        assert one.loss(one.network, one.batch(0, 0, [0, 1, 2])).size == 3


def test_pictures_are_told_apart_after_some_steps() -> None:
    trained = task()
    model = trained.network
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for epoch in range(40):
        for position, examples in enumerate(trained.plan(epoch)):
            loss = trained.loss(model, trained.batch(epoch, position, examples))
            optimiser.zero_grad()
            loss.total.backward()
            optimiser.step()
    model.eval()
    with torch.no_grad(), autocast("float32", CPU):
        validation = trained.validate(model)
    assert (validation.primary, validation.higher_is_better) == ("CIDEr-D", True)
    assert validation.figures["CIDEr-D"] > 100
    assert not validation.noise


def test_where_a_batch_comes_from_is_told() -> None:
    assert task().whereabouts([0, 1, 11]) == "red.png, white.png"


def test_of_many_pictures_the_first_are_named_and_the_others_counted() -> None:
    assert task().whereabouts(range(12)) == "red.png, green.png, blue.png and 1 more"


@pytest.mark.parametrize(
    "decoder", [as_kind(world.recipe().decoder, "top_down"), world.TRANSFORMER], ids=lambda decoder: decoder.kind
)
def test_more_and_more_words_are_the_models_own(decoder: DecoderConfig) -> None:
    recipe = world.recipe()
    training = replace(recipe.training, epochs=5)
    trained = task(decoder=decoder, training=training, scheduled_sampling=0.4)
    shares = [trained.batch(epoch, 0, [0, 1]).sampling_probability for epoch in range(5)]
    assert shares == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    losses = [trained.loss(trained.network, trained.batch(4, 0, [0, 1])).total.item() for _ in range(8)]
    assert len(set(losses)) > 1


def test_an_only_epoch_is_the_last_one() -> None:
    recipe = world.recipe()
    decoder = as_kind(recipe.decoder, "top_down")
    once = task(decoder=decoder, training=replace(recipe.training, epochs=1), scheduled_sampling=0.4)
    assert once.batch(0, 0, [0, 1]).sampling_probability == 0.4

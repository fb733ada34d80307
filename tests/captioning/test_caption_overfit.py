"""Sixteen pictures are learned by heart: from files to features, through training and search, back to the captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import captioning_fixtures as world
import pytest
import torch
from PIL import Image

from captioning.captioner import Captioner
from captioning.corpus import CaptionedImage
from captioning.model import CaptioningModel, build_network
from captioning.prepare import Example, PreparedPictures
from captioning.task import CaptioningTask
from s2s.decoding.search import BeamOptions
from s2s.models.configuration import DecoderConfig
from s2s.text.vocabulary import WordVocabulary
from s2s.vision.batches import stack_pictures
from s2s.vision.crops import Augmentation
from s2s.vision.grids import Features, Pixels
from s2s.vision.images import Preprocessing, read_image

GROUNDS = {"coal": 20, "slate": 90, "ash": 150, "chalk": 220}  # greys


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    """Every colour on every ground."""
    found = []
    for (colour, rgb), (ground, grey) in product(world.COLOURS.items(), GROUNDS.items()):
        image = Image.new("RGB", (world.SIZE, world.SIZE), (grey,) * 3)
        image.paste(rgb, (0, 0, world.SIZE, world.SIZE // 2))
        path = tmp_path / f"{colour}-{ground}.png"
        image.save(path)
        caption = f"{colour} stands on {ground}"
        found.append(Example(CaptionedImage(path, (caption,), path.name, path.name), (caption,)))
    return found


@pytest.mark.parametrize("decoder", [world.recipe().decoder, world.TRANSFORMER], ids=lambda decoder: decoder.kind)
def test_sixteen_pictures_are_learned_by_heart(examples: Sequence[Example], decoder: DecoderConfig) -> None:
    words = WordVocabulary.from_lines([caption for example in examples for caption in example.captions])
    recipe = world.recipe(captions=16, decoder=decoder)
    recipe = replace(recipe, image=replace(recipe.image, mirror=False))
    config = world.model(recipe).config
    torch.manual_seed(0)
    model = CaptioningModel(config, words, build_network(config, world.backbone(), len(words)))
    preprocessing = Preprocessing(world.SIZE)
    pictures = [preprocessing.apply(read_image(example.picture.path)) for example in examples]
    with torch.no_grad():
        cells = model.encoder.backbone(Pixels.of(stack_pictures(pictures, preprocessing)).values)

    def inputs(pictures: Sequence[int], views: Sequence[Augmentation]) -> Features:
        return Features(cells[list(pictures)])

    task = CaptioningTask(
        recipe, PreparedPictures(examples, examples, words), model, (inputs, inputs), torch.device("cpu")
    )
    network = task.network
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for epoch in range(200):
        optimiser.zero_grad()
        task.loss(network, task.batch(epoch, 0, task.plan(epoch)[0])).total.backward()
        optimiser.step()
    model.network.eval()
    paths = [example.picture.path for example in examples]
    for width in (1, 4):
        found = Captioner(model.engine("float32"), BeamOptions(width)).caption(paths)
        assert [caption.text for caption in found] == [example.captions[0] for example in examples]

"""What a captioning recipe is built into: a fresh model or one that goes on from another, and the right features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import captioning_fixtures as world
import pytest
import torch
from model_fixtures import as_kind, encoder_of
from PIL import Image

from captioning.model import CaptioningModel
from captioning.recipe import DataConfig, ImageConfig, Recipe, SelfCriticalConfig, VocabularyConfig
from captioning.task import CaptioningTask
from captioning.train import build
from s2s.errors import UserError
from s2s.models.configuration import DropoutRates
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.nn.configuration import ScaledDotConfig
from s2s.vision import extract
from s2s.vision.crops import MIRRORED, WHOLE, Augmentation
from s2s.vision.grids import Pixels
from s2s.vision.images import ImageError, Preprocessing

CPU = torch.device("cpu")
IMAGE = ImageConfig("squares", preprocessing=Preprocessing(world.SIZE))


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Of the coloured squares, red ones to validate on, with a CNN of one layer."""
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("s2s.vision.backbones.build_backbone", lambda *_: world.backbone())
    monkeypatch.setattr("captioning.model.empty_backbone", lambda _: world.backbone())
    for colour, rgb in world.COLOURS.items():
        square = Image.new("RGB", (24, 16), rgb)
        square.paste((9, 9, 9), (0, 0, 8, 16))  # dark on the left
        square.save(tmp_path / f"{colour}.png")
    for split, colours in (("train", ["green", "blue", "white"]), ("validation", ["red"])):
        lines = [f"{colour}.png,{caption}" for colour in colours for caption in world.CAPTIONS[colour]]
        (tmp_path / f"{split}.csv").write_text("\n".join(["image,caption", *lines]) + "\n")
    data = DataConfig(train=tmp_path / "train.csv", validation=tmp_path / "validation.csv")
    return world.recipe(data=data, image=IMAGE, vocabulary=VocabularyConfig(threshold=1))


@pytest.fixture
def stored(recipe: Recipe, tmp_path: Path) -> Path:
    """The directory of a model of the recipe."""
    task = build(recipe, CPU).task
    assert isinstance(task, CaptioningTask)
    task.save(task.model.network, tmp_path / "model", {})
    return tmp_path / "model"


def going_on(recipe: Recipe, start: Path, **changes: Any) -> Recipe:
    return replace(recipe, start=start, **changes)


def test_mirrored_pictures_have_the_features_of_mirrored_pixels(recipe: Recipe) -> None:
    task = build(recipe, CPU).task
    assert isinstance(task, CaptioningTask)
    plain, turned = task.inputs([0, 1], [WHOLE, WHOLE]).cells, task.inputs([0, 1], [WHOLE, MIRRORED]).cells  # type: ignore
    torch.testing.assert_close(turned[0], plain[0])
    torch.testing.assert_close(turned[1], plain[1].flip(1), atol=0.02, rtol=0)
    assert not torch.allclose(turned[1], plain[1], atol=0.1)


@pytest.mark.parametrize("tuned", [0, 1, 2])
def test_the_grid_is_that_of_the_pixels_however_much_of_the_cnn_is_trained(tuned: int, recipe: Recipe) -> None:
    """Of features of the whole CNN, of those of its frozen stages, and of pixels where none is frozen."""
    training = build(replace(recipe, image=replace(IMAGE, tuned_stages=tuned)), CPU)
    assert isinstance(training.task, CaptioningTask)
    assert isinstance(training.network, EncoderDecoder)
    inputs = training.task.inputs([2, 0], [MIRRORED, WHOLE])
    assert isinstance(inputs, Pixels) == (tuned == 2)
    image = Image.open(recipe.data.training[0].path.with_name("green.png"))
    pixels = Pixels(torch.from_numpy(Preprocessing(world.SIZE).apply(image).pixels)[None])
    want = encoder_of(training.task.model.network)(pixels).grid
    torch.testing.assert_close(encoder_of(training.network)(inputs).grid[1:], want, atol=0.02, rtol=0)


def test_a_picture_that_can_no_longer_be_read_makes_it_other_data(recipe: Recipe, tmp_path: Path) -> None:
    """A run that was begun with the picture must not go on without it: its batches would be others."""
    data = build(recipe, CPU).data
    assert build(recipe, CPU).data == data
    (tmp_path / "blue.png").write_bytes(b"broken")
    assert build(recipe, CPU).data != data


def test_a_model_is_gone_on_from_with_its_weights_and_words(recipe: Recipe, stored: Path) -> None:
    model = CaptioningModel.load(stored)
    rates = replace(recipe.decoder, dropout=DropoutRates(output=0.9))
    second = build(going_on(recipe, stored, decoder=rates, self_critical=SelfCriticalConfig()), CPU)
    weights = model.without_cnn().state_dict()
    assert all(tensor.equal(weights[name]) for name, tensor in second.network.state_dict().items())


def test_a_caption_longer_than_a_model_may_state_gives_a_model_that_loads(recipe: Recipe, tmp_path: Path) -> None:
    with recipe.data.training[0].path.open("a") as file:
        file.write(f"green.png,{'green ' * 10_050}\n")
    task = build(recipe, CPU).task
    assert isinstance(task, CaptioningTask)
    task.save(task.model.network, tmp_path / "model", {})
    assert CaptioningModel.load(tmp_path / "model").config.max_caption_length == 10_000


def test_words_are_those_of_the_model_that_is_gone_on_from(recipe: Recipe, stored: Path) -> None:
    """None are learned: these captions could not fill such a vocabulary."""
    known = CaptioningModel.load(stored).vocabulary
    task = build(going_on(recipe, stored, vocabulary=VocabularyConfig("bpe", size=30_000)), CPU).task
    assert isinstance(task, CaptioningTask)
    assert task.data.vocabulary.to_bytes() == task.model.vocabulary.to_bytes() == known.to_bytes()


def test_a_start_in_another_language_gives_all_but_the_words(
    recipe: Recipe, stored: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = VocabularyConfig("bpe", size=40)
    task = build(going_on(recipe, stored, language="de-CH", vocabulary=text), CPU).task
    assert isinstance(task, CaptioningTask)
    assert "start writes en, and these captions are in de-CH" in capsys.readouterr().err
    config, known = task.model.config, CaptioningModel.load(stored)
    assert (config.language, config.text, config.vocabulary_kind) == ("de-CH", "own", "bpe")
    assert task.data.vocabulary.to_bytes() != known.vocabulary.to_bytes()
    old, new = known.network.state_dict(), task.model.network.state_dict()
    other = {name for name in new if new[name].shape != old[name].shape or not new[name].equal(old[name])}
    assert other == {"decoder.embedding.weight", "decoder.projection.weight", "decoder.projection.bias"}
    task.save(task.model.network, stored.parent / "german", {})
    again = build(going_on(recipe, stored.parent / "german", vocabulary=text), CPU).task
    assert isinstance(again, CaptioningTask)
    assert again.model.config == config  # the language of start is that of the captions, unless they have one


def test_what_the_language_of_a_start_lacks_is_refused(recipe: Recipe, stored: Path, tmp_path: Path) -> None:
    plain = replace(IMAGE, mirror=False)
    task = build(going_on(recipe, stored, language="fr", image=plain), CPU).task
    task.save(task.model.network, tmp_path / "french", {})  # type: ignore[attr-defined]
    with pytest.raises(UserError, match=r"image\.mirror: .* not for fr"):
        build(going_on(recipe, tmp_path / "french"), CPU)


def test_a_mirrored_picture_has_a_mirrored_caption_of_its_language(recipe: Recipe) -> None:
    task = build(replace(recipe, language="de", vocabulary=VocabularyConfig(threshold=1)), CPU).task
    assert isinstance(task, CaptioningTask)
    assert task.seen("ein Hund links, left", MIRRORED) == "ein Hund rechts, left"
    assert task.seen("ein Hund links", WHOLE) == "ein Hund links"


def test_a_start_with_another_cnn_is_another_one(recipe: Recipe, stored: Path) -> None:
    """So that a run that does not go on names it, and not the data; other weights are learned further."""
    assert build(recipe, CPU).start is None
    begun, model = build(going_on(recipe, stored), CPU).start, CaptioningModel.load(stored)
    for part, same in ((model.network.decoder, True), (model.encoder.backbone, False)):
        for parameter in part.parameters():
            parameter.data += 0.5
        model.save(stored, {})
        assert (build(going_on(recipe, stored), CPU).start == begun) == same


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"attention": ScaledDotConfig()}, r'decoder.attention \("scaled_dot", the model has "additive"\)'),
        ({"dim": 32, "kind": "top_down"}, r"decoder.kind \(.*\), decoder.dim \(32, the model has \d+\)"),
        ({"tie_output": False}, r"decoder.tie_output \(false, the model has true\)"),
    ],
)
def test_a_model_of_another_shape_is_not_gone_on_from(
    changes: dict[str, Any], key: str, recipe: Recipe, stored: Path
) -> None:
    changes = dict(changes)
    kind = changes.pop("kind", recipe.decoder.kind)
    other = as_kind(replace(recipe.decoder, **changes), kind)
    with pytest.raises(UserError, match=rf"the recipe differs from this model in {key}; change the recipe"):
        build(going_on(recipe, stored, decoder=other), CPU)


def test_pictures_are_prepared_as_those_of_the_model_were(recipe: Recipe, stored: Path) -> None:
    image = replace(IMAGE, backbone="triangles", preprocessing=Preprocessing(world.SIZE, "pad"))
    with pytest.raises(UserError, match=r"from this model in image\.backbone \(.*\), image\.preprocessing\.fit \("):
        build(going_on(recipe, stored, image=image), CPU)


@pytest.mark.parametrize("tuned", [0, 1, 2])
def test_a_picture_that_cannot_be_read_costs_only_itself(
    tuned: int, recipe: Recipe, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.data.training[0].path.with_name("blue.png").write_bytes(b"")
    task = build(replace(recipe, image=replace(IMAGE, tuned_stages=tuned)), CPU).task
    assert isinstance(task, CaptioningTask)
    assert [example.picture.path.stem for example in task.data.train] == ["green", "white"]
    assert "left out" in capsys.readouterr().err
    assert task.whereabouts(range(6)).endswith("white.png")


def test_a_picture_that_can_be_read_no_more_stops_the_mirrored_ones(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each picture after it would have the mirrored features of another one."""
    lost, real = recipe.data.training[0].path.with_name("green.png"), extract.extract

    def once(paths: Any, *arguments: Any, view: Augmentation, **options: Any) -> extract.Extraction:
        left = [path for path in paths if view == WHOLE or path != lost]
        found = real(left, *arguments, view=view, **options)
        return replace(found, failed=[ImageError(lost, "does not exist")] if view == MIRRORED else [])

    monkeypatch.setattr("s2s.vision.readable.extract", once)
    with pytest.raises(UserError, match=r"green\.png: does not exist"):
        build(recipe, CPU)


def test_the_best_model_is_calibrated_on_the_pictures_of_the_recipe(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr("captioning.calibration.calibrate_trained", lambda *arguments: asked.append(arguments))
    calibrate = build(recipe, CPU).calibrate
    assert calibrate is not None
    calibrate(tmp_path)
    [(directory, train, validation, device)] = asked
    assert (directory, len(train), len(validation), device) == (tmp_path, 3, 1, "cpu")

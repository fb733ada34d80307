"""A captioning world small enough for tests: coloured squares, a CNN of one layer, captions that name the colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch import nn

from captioning.configuration import CaptioningConfig
from captioning.corpus import CaptionedImage
from captioning.model import CaptioningModel, build_network
from captioning.prepare import Example, PreparedPictures
from captioning.recipe import DataConfig, Recipe
from s2s.models.configuration import (
    DropoutRates,
    GridEncoderConfig,
    ParallelConfig,
    TransformerDecoderConfig,
    TransformerDecoderDropout,
)
from s2s.nn.configuration import AdditiveConfig
from s2s.text.vocabulary import WordVocabulary
from s2s.vision.backbones import Backbone
from s2s.vision.crops import Augmentation
from s2s.vision.grids import Features
from s2s.vision.images import Preprocessing

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
CAPTIONS = {
    colour: (f"a {colour} thing on the left", f"the {colour} one is seen left of a man", f"one {colour} square")
    for colour in COLOURS
}
SIZE, CELLS, CHANNELS = 16, 2, 6
TRANSFORMER = TransformerDecoderConfig(
    dim=16, layers=2, heads=2, feedforward_dim=24, dropout=TransformerDecoderDropout(embedding=0, residual=0)
)


def backbone() -> Backbone:
    """Cells of 8 x 8 pixels; the same weights every time."""
    generator = torch.Generator().manual_seed(7)
    stages = nn.Sequential(nn.AvgPool2d(SIZE // CELLS), nn.Conv2d(3, CHANNELS, 1))
    for parameter in stages.parameters():
        if parameter.is_meta:
            continue  # torch.randn would import PyTorch's compiler here, which takes seconds
        parameter.data = torch.randn(parameter.shape, generator=generator).half().float()
    return Backbone("squares", stages, CHANNELS, [127.0] * 3, [64.0] * 3)


def photograph(size: tuple[int, int], colour: tuple[int, ...]) -> Image.Image:
    """A picture that is nearly one colour, but not quite: captions of one colour are doubtful."""
    image = Image.new("RGB", size, colour)
    image.paste(tuple(abs(value - 12) for value in colour), (0, 0, size[0] // 2, size[1]))
    return image


def examples(colours: Sequence[str] = tuple(COLOURS)) -> list[Example]:
    """A picture a colour."""
    return [
        Example(
            CaptionedImage(Path(f"{colour}.png"), CAPTIONS[colour], f"line {i + 2} of mine.csv", f"{colour}.png"),
            CAPTIONS[colour],
        )
        for i, colour in enumerate(colours)
    ]


def vocabulary() -> WordVocabulary:
    """All words of all captions, and those of their mirrored ones."""
    captions = [caption for captions in CAPTIONS.values() for caption in captions]
    return WordVocabulary.from_lines([*captions, "right"])


def prepared() -> PreparedPictures:
    """Trained on what is validated."""
    return PreparedPictures(examples(), examples(), vocabulary())


def recipe(**changes: object) -> Recipe:
    """Of a network of a few units, in float32."""
    rates = DropoutRates(embedding=0, hidden=0, context=0, output=0)
    shape = ParallelConfig(embedding_dim=16, dim=24, attention=AdditiveConfig(16), dropout=rates)
    plain = Recipe(
        DataConfig(train=Path("a"), validation=Path("b")),
        encoder=GridEncoderConfig(dim=16),
        decoder=shape,
        label_smoothing=0.0,
    )
    plain = replace(plain, training=replace(plain.training, precision="float32"))
    return replace(plain, **changes)  # type: ignore[arg-type]


def model(using: Recipe | None = None) -> CaptioningModel:
    """A fresh one."""
    using = using or recipe()
    config = CaptioningConfig(
        backbone="squares",
        vocabulary_kind="word",
        max_caption_length=9,
        preprocessing=Preprocessing(SIZE),
        encoder=using.encoder,
        decoder=using.decoder,
    )
    torch.manual_seed(0)
    words = vocabulary()
    return CaptioningModel(config, words, build_network(config, backbone(), len(words)))


def cells(colours: Sequence[str] = tuple(COLOURS)) -> torch.Tensor:
    """What the CNN makes of each colour's picture, which is dark below."""
    pixels = torch.tensor([COLOURS[colour] for colour in colours], dtype=torch.uint8)[:, :, None, None]
    pixels = pixels.repeat(1, 1, SIZE, SIZE)
    pixels[:, :, SIZE // 2 :] //= 4
    with torch.no_grad():
        return backbone()(pixels)


class Stored:
    """`Inputs` of the colours, which are the same in a mirror."""

    def __call__(self, pictures: Sequence[int], views: Sequence[Augmentation]) -> Features:
        """See `Inputs`."""
        return Features(cells()[list(pictures)])

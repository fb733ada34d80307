"""A world of questions small enough for tests: pictures of two colours, side by side, and questions about them."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path

import torch
from PIL import Image

from question_answering.assets import Assets
from question_answering.configuration import AnswererConfig, OwnPictureConfig
from question_answering.model import AnswererModel, build_network
from s2s.models.answer_configuration import StackedAttentionConfig
from s2s.models.configuration import DropoutRates, ParallelConfig, RecurrentEncoderConfig
from s2s.models.label_configuration import AttentionReadingConfig
from s2s.nn.configuration import AdditiveConfig
from s2s.text.vocabulary import WordVocabulary
from s2s.vision.backbones import empty_backbone
from s2s.vision.images import Preprocessing

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
SIZE = 32
QUESTION = "What colour is on the {}?"

RECIPE = """
batch = 8
together = 2
embedding_dim = 8
[data]
train = ["{folder}/train.jsonl"]
validation = "{folder}/validation.jsonl"
[picture]
kind = "cnn"
preprocessing = {{ size = 32 }}
[vocabulary]
unknown = 0.01
[encoder]
dim = 8
embedding_dropout = 0.0
[attention]
hops = 2
dim = 16
attention = {{ kind = "additive", dim = 8 }}
cell_dropout = 0.0
dropout = 0.0
[written]
weight = 1.0
[written.decoder]
kind = "parallel"
embedding_dim = 8
dim = 16
attention = {{ kind = "additive", dim = 8 }}
dropout = {{ embedding = 0.0, hidden = 0.0, context = 0.0, output = 0.0 }}
[training]
epochs = 70
precision = "float32"
save_every = 5
[training.optimiser]
learning_rate = 2e-2
[training.schedule]
warmup_steps = 4
"""


def draw_pictures(folder: Path) -> list[Path]:
    """A picture for each two colours: `red-blue.png` is red on the left and blue on the right."""
    folder.mkdir(exist_ok=True)
    paths = []
    for left, right in permutations(COLOURS, 2):
        image = Image.new("RGB", (SIZE, SIZE), COLOURS[left])
        image.paste(COLOURS[right], (SIZE // 2, 0, SIZE, SIZE))
        paths.append(folder / f"{left}-{right}.png")
        image.save(paths[-1])
    return paths


def write_data(folder: Path) -> Path:
    """Pictures, questions to train on, the same ones about copies to validate on, and a recipe; return the recipe."""
    for split in ("train", "validation"):
        rows = []
        for path in draw_pictures(folder / split):
            left, right = path.stem.split("-")
            for side, answer in (("left", left), ("right", right)):
                rows.append({"image": f"{split}/{path.name}", "question": QUESTION.format(side), "answer": answer})
                rows[-1]["kind"] = side
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "recipe.toml").write_text(RECIPE.format(folder=folder))
    return folder / "recipe.toml"


def model(*, decoder: bool = True, fit: str = "stretch", projection: int | None = None) -> AnswererModel:
    """A model of random weights, as a stored one has them in 16 bits."""
    rates = DropoutRates(embedding=0, hidden=0, context=0, output=0)
    config = AnswererConfig(
        answers=("red", "green", "blue", "dark green"),
        picture=OwnPictureConfig("small", projection, Preprocessing(32, "pad" if fit == "pad" else "stretch")),
        embedding_dim=6,
        encoder=RecurrentEncoderConfig(dim=5),
        attention=StackedAttentionConfig(
            hops=2, dim=8, attention=AdditiveConfig(6), reading=AttentionReadingConfig(AdditiveConfig(4))
        ),
        decoder=ParallelConfig(embedding_dim=6, dim=8, attention=AdditiveConfig(5), dropout=rates) if decoder else None,
        max_answer_length=2,
    )
    words = WordVocabulary.from_lines(["what colour is on the left right ?"])
    written = WordVocabulary.from_lines(config.answers) if decoder else None
    assets = Assets(config, words, written, {"": "red", "left": "blue"})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        found = AnswererModel(assets, build_network(assets, _backbone(projection)))
        with torch.no_grad():
            for parameter in found.network.parameters():
                parameter.copy_((parameter + torch.randn_like(parameter) / 4).half())
    found.network.eval()
    return found


def _backbone(projection: int | None):  # noqa: ANN202
    from s2s.models.configuration import GridEncoderConfig
    from s2s.models.image_encoder import GridEncoder, ProjectedCells

    small = empty_backbone("small")
    if projection is None:
        return small
    return small.extended(ProjectedCells(GridEncoder(GridEncoderConfig(projection), small.dim)), projection)

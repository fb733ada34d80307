"""Write the models that later versions must go on loading, with what they answer: tests/data/stored.

    python tests/data/make_stored_models.py

The tests never run this. Run it where the format's major version changes, into a folder of another name: models of
every version that is still to be loaded stay.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch

if not __package__:
    sys.path[:0] = [str(folder) for folder in Path(__file__).resolve().parents[1:3]]

import captioning_fixtures as world
import labelling_fixtures as labelled
from translation_fixtures import LINES, tiny_model

from captioning.captioner import Captioner
from labelling.classifier import Classifier
from labelling.tagger import Tagger
from s2s.decoding.search import BeamOptions
from s2s.models.label_configuration import AttentionReadingConfig
from s2s.nn.configuration import AdditiveConfig
from s2s.storage.weights import weightless
from s2s.vision.backbones import Backbone, empty_backbone
from s2s.vision.images import Picture
from translation.translator import Translator

STORED = Path(__file__).parent / "stored"
OPTIONS = BeamOptions(3, stop_early=True, guard_loops=False)
TEXT = [*LINES, "A dog is in the hat ."]


def translations(directory: Path) -> list[list[object]]:
    """What the model writes for some lines, as they are: how lines are read and written has changed since."""
    translator = Translator.load(directory, OPTIONS, device="cpu", precision="float32")
    engine = translator.engine
    found = translator.searcher.search_batch(engine.source.encode_all(TEXT))
    return [[engine.target.decode(best.tokens).strip(), best.score] for best, *_ in found]


def captions(directory: Path) -> list[list[object]]:
    """Texts and scores of squares of four colours."""
    captioner = Captioner.load(directory, OPTIONS, device="cpu", precision="float32")
    pixels = [np.full((16, 16, 3), rgb, dtype=np.uint8).transpose(2, 0, 1) for rgb in world.COLOURS.values()]
    found = captioner.describe([Picture(picture, 16, 16) for picture in pixels])
    return [[best.text, best.score] for best, *_ in found]


def labels(directory: Path) -> list[list[object]]:
    """Labels of some sentences, and their probabilities."""
    found = Classifier.load(directory, device="cpu", precision="float32").classify_words(labelled.SENTENCES)
    return [[each.label, each.probability] for each in found if each]


def tags(directory: Path) -> list[list[object]]:
    """Tags of some sentences, and the probability of the first."""
    found = Tagger.load(directory, device="cpu", precision="float32").tag(labelled.SENTENCES)
    return [[" ".join(each.tags), each.probabilities[0]] for each in found]


def layout(name: str) -> str:
    """The SHA-256 of the names and shapes of a CNN's tensors, on which stored captioners rely."""
    with weightless():
        backbone: Backbone = empty_backbone(name)
    shapes = {key: list(tensor.shape) for key, tensor in backbone.state_dict().items()}
    return hashlib.sha256(json.dumps(shapes, sort_keys=True).encode()).hexdigest()


def main() -> None:
    """Write both models and their answers."""
    from captioning import model

    model.empty_backbone = lambda name: world.backbone()  # a real one has millions of weights
    tiny_model().save(STORED / "translation", {"note": "random weights"})
    captioner = world.model()
    with torch.no_grad():
        for parameter in captioner.network.decoder.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(parameter.numel()))
    captioner.save(STORED / "captioning", {"note": "random weights"})
    answers = {"translation": translations(STORED / "translation"), "captioning": captions(STORED / "captioning")}
    labelled.classifier(AttentionReadingConfig(AdditiveConfig(4)), spelling=True).save(STORED / "classifier", {})
    labelled.tagger(labels=("O", "B-X", "I-X"), scheme="IOB2", written_scheme="IOB1").save(STORED / "tagger", {})
    answers |= {"classifier": labels(STORED / "classifier"), "tagger": tags(STORED / "tagger")}
    answers["layout"] = {name: layout(name) for name in ("efficientnet_lite0", "efficientnet_lite2")}  # type: ignore[assignment]
    (STORED / "answers.json").write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

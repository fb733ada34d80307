"""On a GPU everything comes out as on the CPU: values, gradients, a search, a training and its resumption.

S2S_TEST_DEVICE=cpu runs these tests without a GPU, which shows only that the tests themselves work.
"""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import captioning_fixtures
import pytest
import torch
from model_fixtures import DECODER_KINDS, as_kind
from torch import Tensor, nn
from toy_text import DATA, write_toy_text
from translation_fixtures import SHAPE, SOURCE, TARGET, TRANSFORMER_FORMS, tiny_model, transformer_model

from s2s.decoding.search import BeamOptions
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.text.subwords import train_subwords
from s2s.text.tokens import END, START
from s2s.training.batches import padded_tensors
from s2s.vision.grids import Features
from translation.model import TranslationModel
from translation.train import train
from translation.translator import Translator

DEVICE = torch.device(os.environ.get("S2S_TEST_DEVICE", "cuda"))
pytestmark = pytest.mark.skipif(
    DEVICE.type == "cuda" and not torch.cuda.is_available(),
    reason="there is no GPU (S2S_TEST_DEVICE=cpu runs it all the same)",
)
RECIPE = (
    DATA
    + """
[vocabulary]
kind = "word"
threshold = 1
[batch]
sentences = 8
[encoder]
dim = 8
[decoder]
embedding_dim = 8
dim = 8
attention.dim = 8
[training]
epochs = 2
precision = "{precision}"
"""
)
LINES = ["a man sleeps", "two dogs play in the park"]


def loss_and_gradients(network: nn.Module, inputs: object, tokens: list[list[int]]) -> list[Tensor]:
    """Of teacher forcing, on the device of the network, in double precision; brought to the CPU."""
    device = next(network.parameters()).device
    read = padded_tensors([[START, *row] for row in tokens], device)
    wanted = padded_tensors([[*row, END] for row in tokens], device)
    logits = network(inputs, read.ids, wanted.mask).logits
    loss = nn.functional.cross_entropy(logits, wanted.ids[wanted.mask])
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    return [loss.detach().cpu(), *(gradient.cpu() for gradient in gradients if gradient is not None)]


def assert_agree(model: TranslationModel) -> None:
    ids = model.target.encode_all(TARGET)
    found = []
    for device in (torch.device("cpu"), DEVICE):
        network = deepcopy(model.network).double().eval().to(device)
        found.append(loss_and_gradients(network, padded_tensors(model.source.encode_all(SOURCE), device), ids))
    torch.testing.assert_close(found[1], found[0])


@pytest.mark.parametrize("kind", list(DECODER_KINDS))
def test_a_recurrent_translator_learns_the_same(kind: str) -> None:
    vocabulary = train_subwords(SOURCE + TARGET, 60)
    torch.manual_seed(1)
    shape = replace(SHAPE, vocabulary_kind="bpe", decoder=as_kind(SHAPE.decoder, kind))
    assert_agree(TranslationModel.fresh(shape, vocabulary, vocabulary))


@pytest.mark.parametrize("form", list(TRANSFORMER_FORMS))
def test_a_transformer_learns_the_same(form: str) -> None:
    assert_agree(transformer_model(form))


def test_a_captioner_learns_the_same() -> None:
    model = captioning_fixtures.model()
    found = []
    for device in (torch.device("cpu"), DEVICE):
        encoder = deepcopy(model.network.encoder)
        assert encoder is not None
        network = EncoderDecoder(encoder.get_submodule("grid"), deepcopy(model.network.decoder)).double().eval()
        cells = Features(captioning_fixtures.cells().double().to(device))
        ids = model.vocabulary.encode_all(["ein rotes Bild", "a green picture", "blue", "white"])
        found.append(loss_and_gradients(network.to(device), cells, ids))
    torch.testing.assert_close(found[1], found[0])


@pytest.mark.parametrize("form", ["recurrent", *TRANSFORMER_FORMS])
def test_a_search_finds_the_same(form: str, tmp_path: Path) -> None:
    model = tiny_model() if form == "recurrent" else transformer_model(form)
    model.save(tmp_path / "model", {})
    texts = []
    for device in ("cpu", DEVICE.type):
        options = BeamOptions(3, stop_early=True)
        translator = Translator.load(
            str(tmp_path / "model"), options, engine="torch", device=device, precision="float32"
        )
        texts.append([each.text for each in translator.translate(LINES)])
    assert texts[1] == texts[0]


@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_a_training_goes_on_where_it_stopped(precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S2S_CACHE", str(tmp_path / "cache"))
    write_toy_text(tmp_path, train=64, validation=8)
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE.format(folder=tmp_path, precision=precision))
    run = tmp_path / "run"
    assert train([str(recipe), "--run", str(run), "--device", DEVICE.type]) == 0
    assert (
        train([str(recipe), "--run", str(run), "--resume", "--set", "training.epochs=3", "--device", DEVICE.type]) == 0
    )
    log = (run / "log.jsonl").read_text().splitlines()
    assert len(log) == 3
    assert len(Translator.load(str(run / "best"), device=DEVICE.type, engine="torch").translate(["a b c"])) == 1

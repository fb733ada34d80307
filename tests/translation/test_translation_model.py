"""A translation model comes back from its directory as it was, to 16 bits; what does not fit is named."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import captioning_fixtures as world
import pytest
import torch
from model_fixtures import CELL_KINDS, as_kind, logits_of, recurrent
from translation_fixtures import SHAPE

from s2s.config import to_dict
from s2s.errors import UserError
from s2s.models.configuration import ParallelConfig, RecurrentEncoderConfig
from s2s.nn.configuration import AdditiveConfig
from s2s.storage import model_directory
from s2s.text.subwords import train_subwords
from s2s.text.tokens import END, START
from s2s.text.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary
from s2s.training.batches import padded_tensors
from translation.configuration import KIND, TranslationConfig
from translation.model import TranslationModel

SOURCE = ["a man sleeps in the park", "two dogs play with a ball"]
TARGET = ["ein mann schläft im park", "zwei hunde spielen mit einem ball"]
CONFIG = replace(
    SHAPE,
    encoder=RecurrentEncoderConfig(dim=6),
    decoder=ParallelConfig(embedding_dim=8, dim=10, attention=AdditiveConfig(4)),
    length_ratio=1.5,
)


def fresh(config: TranslationConfig = CONFIG, *, seed: int = 0) -> TranslationModel:
    source, target = WordVocabulary.from_lines(SOURCE), WordVocabulary.from_lines(TARGET)
    if config.joint_vocabulary:
        source = target = WordVocabulary.from_lines([*SOURCE, *TARGET])
    torch.manual_seed(seed)
    return TranslationModel.fresh(config, source, target)


def tied(model: TranslationModel) -> list[set[str]]:
    """The names of parameters that are one and the same."""
    names: dict[int, set[str]] = {}
    for name, parameter in model.network.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), set()).add(name)
    return sorted((group for group in names.values() if len(group) > 1), key=min)


def read(model: TranslationModel) -> torch.Tensor:
    """Logits of the model for the sentences above."""
    source = padded_tensors([[*ids, END] for ids in model.source.encode_all(SOURCE)])
    target = padded_tensors([[START, *ids] for ids in model.target.encode_all(TARGET)])
    with torch.no_grad():
        return logits_of(model.network.eval(), source, target.ids)


WHOLE = {"encoder.embedding.weight", "decoder.embedding.weight", "decoder.projection.weight"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [WHOLE]),
        ({"tie_embeddings": False}, [WHOLE - {"encoder.embedding.weight"}]),
        ({"tie_embeddings": False, "joint_vocabulary": False}, [WHOLE - {"encoder.embedding.weight"}]),
        ({"decoder": replace(CONFIG.decoder, tie_output=False)}, [WHOLE - {"decoder.projection.weight"}]),
        ({"decoder": replace(CONFIG.decoder, tie_output=False), "tie_embeddings": False}, []),
    ],
)
def test_what_is_tied_stays_tied_and_is_stored_once(changes: dict, expected: list[set[str]], tmp_path: Path) -> None:
    model = fresh(replace(CONFIG, **changes))
    assert tied(model) == expected
    model.save(tmp_path / "model", {})
    assert tied(TranslationModel.load(tmp_path / "model")) == expected
    numbers = sum(parameter.numel() for parameter in model.network.parameters())
    stored = (tmp_path / "model" / "model.safetensors").stat().st_size
    assert 2 * numbers <= stored < 2 * numbers + 4096  # bytes; the rest is the header


@pytest.mark.parametrize("wiring", ["parallel", "input_feeding"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_weights_come_back_to_16_bits(cell: str, wiring: str, tmp_path: Path) -> None:
    config = replace(
        CONFIG,
        encoder=replace(CONFIG.encoder, cell=CELL_KINDS[cell](), layers=2, bidirectional=False),
        decoder=as_kind(replace(CONFIG.decoder, cell=CELL_KINDS[cell](), layers=2), wiring),
    )
    model = fresh(config)
    model.save(tmp_path / "model", {"seed": 0})
    loaded = TranslationModel.load(tmp_path / "model")
    assert loaded.config == config
    assert not loaded.network.training
    for name, value in model.network.state_dict().items():
        found = loaded.network.state_dict()[name]
        assert found.dtype == torch.float32
        assert torch.equal(found, value.half().float()), name
    assert torch.allclose(read(loaded), read(model), atol=1e-2)

    loaded.save(tmp_path / "again", {"seed": 0})
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (
        tmp_path / "model" / "model.safetensors"
    ).read_bytes()


def test_loading_draws_no_random_numbers_and_what_it_gives_can_be_trained(tmp_path: Path) -> None:
    fresh().save(tmp_path / "model", {})
    before = torch.get_rng_state()
    loaded = TranslationModel.load(tmp_path / "model")
    assert torch.equal(torch.get_rng_state(), before)
    batch = padded_tensors([[START, 5, END]])
    logits_of(loaded.network, batch, batch.ids).sum().backward()
    assert all(parameter.grad is not None for parameter in loaded.network.parameters())


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize("kind", ["word", "character", "bpe", "unigram"])
def test_vocabularies_come_back(kind: str, joint: bool, tmp_path: Path) -> None:
    def learn(lines: list[str]) -> Vocabulary:
        if kind in ("bpe", "unigram"):
            return train_subwords(lines * 3, 30 if joint else 26, kind=kind)
        return (WordVocabulary if kind == "word" else CharacterVocabulary).from_lines(lines)

    source = learn([*SOURCE, *TARGET] if joint else SOURCE)
    target = source if joint else learn(TARGET)
    config = replace(CONFIG, vocabulary_kind=kind, joint_vocabulary=joint, tie_embeddings=joint)
    TranslationModel.fresh(config, source, target).save(tmp_path / "model", {})
    loaded = TranslationModel.load(tmp_path / "model")
    for ours, found in ((source, loaded.source), (target, loaded.target)):
        assert (found.kind, found.to_bytes()) == (kind, ours.to_bytes())
    assert (loaded.source is loaded.target) == joint
    assert (tmp_path / "model" / "target.vocabulary").exists() == (not joint)


def test_a_model_says_how_it_was_made(tmp_path: Path) -> None:
    fresh().save(tmp_path / "model", {"recipe": {"seed": 3}})
    stored = model_directory.read_model(tmp_path / "model")
    assert (stored.kind, stored.about) == ("translation", {"recipe": {"seed": 3}})


def write(directory: Path, model: TranslationModel, **changes: Any) -> Path:
    """`model` as it stores itself, some of it changed."""
    parts: dict[str, Any] = {
        "kind": KIND,
        "config": to_dict(model.config),
        "tensors": model.network.state_dict(),
        "assets": {"source.vocabulary": model.source.to_bytes()},
    }
    model_directory.write_model(directory, **(parts | changes))
    return directory


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"assets": {"source.vocabulary": WordVocabulary.from_lines(SOURCE).to_bytes()}},
            r"embedding\.weight is 24 x 8 but 15 x 8 here.*vocabulary sizes 24 and 15",
        ),
        ({"assets": {}}, r"config\.json: does not name the file source\.vocabulary"),
        ({"assets": {"source.vocabulary": b"{}"}}, "the word vocabulary is not a list of strings"),
        ({"config": to_dict(replace(CONFIG, joint_vocabulary=False))}, "does not name the file target.vocabulary"),
        ({"config": to_dict(replace(CONFIG, vocabulary_kind="words"))}, "unknown kind of vocabulary 'words'"),
        ({"config": to_dict(CONFIG) | {"colour": "red"}}, r"config\.json: unknown key 'colour'"),
        ({"config": to_dict(CONFIG) | {"max_source_length": 0}}, "'max_source_length': expected at least 1"),
        (
            {"config": to_dict(replace(CONFIG, decoder=replace(CONFIG.decoder, cell="gru")))},
            "does not fit this model: decoder",
        ),
        ({"kind": "captioning"}, "holds a model of kind 'captioning', which this command cannot use"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict, message: str, tmp_path: Path) -> None:
    directory = write(tmp_path / "model", fresh(), **changes)
    with pytest.raises(UserError, match=message) as error:
        TranslationModel.load(directory)
    assert "\n" not in str(error.value)
    assert str(directory) in str(error.value) or "vocabulary" in message


def test_weights_too_large_for_16_bits_are_not_stored_as_infinity(tmp_path: Path) -> None:
    model = fresh()
    with torch.no_grad():
        recurrent(model.network).projection.bias[0] = 1e6
    with pytest.raises(UserError, match=r"decoder\.projection\.bias"):
        model.save(tmp_path / "model", {})
    assert not (tmp_path / "model").exists()


def test_a_run_is_pointed_to_its_best_model(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    fresh().save(tmp_path / "run" / "best", {})
    with pytest.raises(UserError, match=r"did you mean .*best"):
        TranslationModel.load(tmp_path / "run")


def test_loading_imports_no_compiler_and_no_metrics(tmp_path: Path) -> None:
    """Torch's compiler takes three seconds to import, ten times as long as a small model."""
    fresh().save(tmp_path / "model", {})
    code = (
        "import json, sys; from translation.model import TranslationModel; TranslationModel.load(sys.argv[1]); "
        "print(json.dumps([name for name in ('torch._dynamo', 'sacrebleu', 'sacremoses') if name in sys.modules]))"
    )
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", code, str(tmp_path / "model")]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8", cwd=root)
    assert json.loads(done.stdout) == []


def test_a_captioner_is_refused_though_captioning_is_imported_too(tmp_path: Path) -> None:
    world.model().save(tmp_path / "captioner", {})
    with pytest.raises(UserError, match=r"kind 'captioning', which this command cannot use \(it uses: translation\)"):
        TranslationModel.load(tmp_path / "captioner")

"""Training and decoding speed of a Transformer, beside nn.Transformer and this toolkit's LSTM.

    uv run python -m tests.benchmarks.transformer_speed --text TEXT --models runs/transformer/best en-de-multi30k
    uv run python -m tests.benchmarks.transformer_speed --joeynmt data/multi30k

Training: the sizes of translation/recipes/multi30k-transformer.toml and multi30k-en-de.toml, on random sentences of
equal lengths, in turns: forward, label-smoothed cross-entropy, backward, Adam. nn.Transformer has the same sizes and
the same tied embeddings, in float32 and under autocast to bfloat16. Decoding: a beam of 5 over a text, by each engine,
as `translate` does. The processor's time is counted, because other programs may take the cores.

With `--joeynmt`, instead: training on Multi30k by the recipes of both kinds and by JoeyNMT's Transformer of the same
sizes, each by its own command, in turns.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from s2s.cli.process import prepare_process
from s2s.decoding.search import BeamOptions
from s2s.models.configuration import (
    ParallelConfig,
    RecurrentEncoderConfig,
    TransformerDecoderConfig,
    TransformerDecoderDropout,
    TransformerDropout,
    TransformerEncoderConfig,
)
from s2s.models.decoders import build_decoder
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.text_encoder import build_text_encoder
from s2s.nn.loss import smoothed_cross_entropy
from s2s.nn.positions import wave_numbers
from s2s.nn.precision import autocast
from s2s.text.padding import Padded
from s2s.text.tokens import PAD
from s2s.training.configuration import OptimiserConfig
from s2s.training.distributed import Ranks
from s2s.training.optimisation import build_optimiser
from tests.benchmarks import joeynmt
from tests.benchmarks import ours as driver
from tests.benchmarks.machine import describe
from tests.benchmarks.toolkit import Data, Setting
from translation.translator import Translator

_DIM, _LAYERS, _HEADS, _UNITS, _DROPOUT, _VOCABULARY = 128, 4, 4, 256, 0.3, 6000
_RATE, _SMOOTHING = 1e-3, 0.1
_STEPS = 60  # of a training beside JoeyNMT


class PyTorchs(nn.Module):
    """nn.Transformer between tied embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(_VOCABULARY, _DIM, padding_idx=PAD)
        nn.init.normal_(self.embedding.weight, std=_DIM**-0.5)
        shape = (_DIM, _HEADS, _LAYERS, _LAYERS, _UNITS, _DROPOUT)
        self.layers = nn.Transformer(*shape, batch_first=True, norm_first=True)
        self.drop = nn.Dropout(_DROPOUT)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Token ids (sentences, length) of both sides -> logits (sentences, length, vocabulary)."""
        causal = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        states = self.layers(self._embed(source), self._embed(target), tgt_mask=causal, tgt_is_causal=True)
        return states @ self.embedding.weight.t()

    def _embed(self, tokens: Tensor) -> Tensor:
        angles = torch.arange(tokens.shape[1]).unsqueeze(1) * wave_numbers(_DIM)
        return self.drop(self.embedding(tokens) * _DIM**0.5 + torch.cat([angles.sin(), angles.cos()], 1))


def pytorchs(source: Tensor, target: Tensor, *, low: bool) -> Callable[[], None]:
    """A step of nn.Transformer, under autocast to bfloat16 if `low`."""
    torch.manual_seed(1)
    model = PyTorchs()
    optimiser = torch.optim.Adam(model.parameters(), _RATE, fused=True)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            logits = model(source, target).flatten(0, 1)
            loss = nn.functional.cross_entropy(logits, target.flatten(), label_smoothing=_SMOOTHING)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def our_model(*, recurrent: bool, vocabulary: int = _VOCABULARY) -> EncoderDecoder:
    """The model of the Transformer's recipe, or of the LSTM's."""
    torch.manual_seed(1)
    encoder, decoder = RecurrentEncoderConfig(dim=192), ParallelConfig(embedding_dim=256, dim=384)
    if not recurrent:
        sizes = {"dim": _DIM, "layers": _LAYERS, "heads": _HEADS, "feedforward_dim": _UNITS}
        rates = {"embedding": _DROPOUT, "residual": _DROPOUT}
        encoder = TransformerEncoderConfig(**sizes, dropout=TransformerDropout(**rates))  # type: ignore[arg-type]
        decoder = TransformerDecoderConfig(**sizes, dropout=TransformerDecoderDropout(**rates))  # type: ignore[arg-type]
    written = build_decoder(decoder, vocabulary, encoder.output_dim, encoder.output_dim)
    return EncoderDecoder(build_text_encoder(encoder, written.embedding), written)


def ours(
    source: Tensor, target: Tensor, *, recurrent: bool, vocabulary: int = _VOCABULARY, ranks: Ranks | None = None
) -> Callable[[], None]:
    """A step of this toolkit: the Transformer's recipe, or that of the LSTM; alone, or with other processes."""
    model = our_model(recurrent=recurrent, vocabulary=vocabulary)
    optimiser, trained = build_optimiser(OptimiserConfig(), model), (ranks or Ranks()).wrapped(model)
    read, mask = Padded(source, torch.full((len(source),), source.shape[1])), torch.ones_like(target, dtype=torch.bool)

    def step() -> None:
        with autocast("auto", torch.device("cpu")):
            total, _ = smoothed_cross_entropy(trained(read, target, mask).logits, target.flatten(), _SMOOTHING)
        (total / target.numel()).backward()
        optimiser.step(_RATE)
        optimiser.zero_grad()

    return step


def training(options: argparse.Namespace) -> None:
    """Measure in turns, and print the best of each."""
    source, target = torch.randint(4, _VOCABULARY, (2, options.sentences, options.length)).unbind()
    contestants = {
        "nn.Transformer, float32": pytorchs(source, target, low=False),
        "nn.Transformer, bfloat16": pytorchs(source, target, low=True),
        "ours, Transformer": ours(source, target, recurrent=False),
        "ours, LSTM": ours(source, target, recurrent=True),
    }
    best = dict.fromkeys(contestants, float("inf"))
    for turn in range(options.turns + 1):
        for name, step in contestants.items():
            before = time.process_time()
            step()
            if turn:  # the first one warms up
                best[name] = min(best[name], time.process_time() - before)
    for name, seconds in best.items():
        print(f"{name:26} {2 * source.numel() / seconds:10,.0f} source and target tokens/s of a core")


def decoding(options: argparse.Namespace) -> None:
    """Translate a text with each model and engine."""
    lines = options.text.read_text(encoding="utf-8").splitlines()[: options.lines]
    for model in options.models:
        for engine in ("torch", "onnx"):
            translator = Translator.load(model, BeamOptions(5, stop_early=True), engine=engine, threads=options.threads)
            translator.translate(lines[:32])
            before = time.process_time()
            translator.translate(lines)
            print(f"{model}, {engine}: {len(lines) / (time.process_time() - before):,.0f} sentences/s of a core")


def beside_joeynmt(source: Path, threads: int, turns: int) -> None:
    """Train some steps of each by its own command, in turns, and print the best rates."""
    recipes = {
        name: driver.ROOT / "translation/recipes" / f"{name}.toml"
        for name in ("multi30k-transformer", "multi30k-en-de")
    }
    joeynmt.ENVIRONMENT.install()
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as scratch:
        data = Data(Path(scratch) / "data")
        data.folder.mkdir()
        keys = driver.data_keys(source.resolve())
        driver.work(
            "prepared", threads, recipe=str(recipes["multi30k-transformer"]), changes=keys, folder=str(data.folder)
        )
        peer = joeynmt.JoeyTransformer(Setting(), data, Path(scratch), threads)
        for turn in range(turns):
            for name, recipe in recipes.items():
                given = {"recipe": str(recipe), "changes": keys, "folder": f"{scratch}/{name}-{turn}"}
                found = driver.work("train", threads, steps=_STEPS, warmup=_STEPS // 3, **given)
                best[name] = max(best.get(name, 0.0), found["both"])
            best[peer.name] = max(best.get(peer.name, 0.0), peer.train(_STEPS)["both"])
    for name, rate in best.items():
        print(f"{name:26} {rate:10,.0f} source and target tokens/s")


def main() -> None:
    """Measure what the options ask for."""
    parser = argparse.ArgumentParser(description="Speed of a Transformer beside nn.Transformer and LSTMs.")
    for name, default in {"sentences": 128, "length": 16, "turns": 5, "threads": 1, "lines": 500}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--text", type=Path, help="sentences to translate, one per line")
    parser.add_argument("--models", nargs="*", default=[], help="model directories, or bundled models")
    parser.add_argument("--joeynmt", type=Path, metavar="DIR", help="the folder of Multi30k; measure beside JoeyNMT")
    options = parser.parse_args()
    if options.joeynmt:
        beside_joeynmt(options.joeynmt, options.threads, options.turns)
        return
    prepare_process()
    torch.set_num_threads(options.threads)
    print(f"{describe()['processor']}, {options.threads} threads, PyTorch {torch.__version__}")
    training(options)
    if options.models:
        decoding(options)


if __name__ == "__main__":
    main()

"""Tokens a second in training a language model, beside PyTorch's word-language-model example with nn.LSTM.

    uv run python -m tests.benchmarks.language_model_speed --threads 2

Both train the same sizes on the same random tokens, in turns: a chunk of each stream, the state carried,
cross-entropy, gradient clipping, plain SGD, as in github.com/pytorch/examples, word_language_model. The example
is written out below. It runs in float32, as it is, and under autocast; ours as `s2s train language-model` does. The
processor's time is counted too, because other programs may take the cores.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from s2s.cli.process import prepare_process
from s2s.models.language_configuration import LanguageModelDropout, RecurrentLanguageModelConfig
from s2s.models.language_model import ChunkPredictor, RecurrentLanguageModel
from s2s.nn.loss import smoothed_cross_entropy
from s2s.nn.precision import autocast
from tests.benchmarks.machine import describe

_RATE, _CLIP, _DROPOUT = 1.0, 0.25, 0.2


class ExampleModel(nn.Module):
    """The model of the example: embeddings, nn.LSTM, a tied output layer; time comes first."""

    def __init__(self, vocabulary: int, dim: int, layers: int) -> None:
        super().__init__()
        self.drop = nn.Dropout(_DROPOUT)
        self.encoder = nn.Embedding(vocabulary, dim)
        self.rnn = nn.LSTM(dim, dim, layers, dropout=_DROPOUT)
        self.decoder = nn.Linear(dim, vocabulary)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)

    def forward(self, tokens: Tensor, hidden: Any) -> tuple[Tensor, Any]:
        """Tokens (time, rows) -> log-probabilities (time * rows, vocabulary) and the next state."""
        output, hidden = self.rnn(self.drop(self.encoder(tokens)), hidden)
        decoded = self.decoder(self.drop(output)).flatten(0, 1)
        return nn.functional.log_softmax(decoded, dim=1), hidden


def example(options: argparse.Namespace, tokens: Tensor, *, low: bool) -> Callable[[], None]:
    """A step of the example, under autocast to bfloat16 if `low`."""
    torch.manual_seed(1)
    model = ExampleModel(options.vocabulary, options.dim, options.layers)
    read, written = tokens[:, :-1].t().contiguous(), tokens[:, 1:].t().flatten()
    hidden: Any = None

    def step() -> None:
        nonlocal hidden
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            found, hidden = model(read, hidden)
            loss = nn.functional.nll_loss(found, written)
        hidden = tuple(each.detach() for each in hidden)
        loss.backward()
        _update(model)

    return step


def ours(options: argparse.Namespace, tokens: Tensor) -> Callable[[], None]:
    """A step of this toolkit."""
    torch.manual_seed(1)
    rates = LanguageModelDropout(embedding=_DROPOUT, hidden=_DROPOUT, output=_DROPOUT, weight=0.0)
    shape = RecurrentLanguageModelConfig(
        embedding_dim=options.dim, dim=options.dim, layers=options.layers, dropout=rates
    )
    model = ChunkPredictor(RecurrentLanguageModel(shape, options.vocabulary))
    read, written = tokens[:, :-1], tokens[:, 1:].t().flatten()
    state = model.decoder.start(None, sentences=len(tokens))

    def step() -> None:
        nonlocal state
        with autocast("auto", torch.device("cpu")):
            found = model(read, state)
            total, _ = smoothed_cross_entropy(found.logits, written)
        state = found.state.detach()
        (total / len(written)).backward()
        _update(model)

    return step


def _update(model: nn.Module) -> None:
    """Clip the gradients and take a step along them."""
    nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.add_(parameter.grad, alpha=-_RATE)
                parameter.grad = None


def main() -> None:
    """Measure in turns, and print the best of each."""
    parser = argparse.ArgumentParser(description="Tokens a second beside PyTorch's word-language-model example.")
    for name, default in {"vocabulary": 10_000, "dim": 650, "layers": 2, "rows": 32, "steps": 35}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    prepare_process()
    torch.set_num_threads(options.threads)
    tokens = torch.randint(4, options.vocabulary, (options.rows, options.steps + 1))
    contestants = {
        "nn.LSTM, float32": example(options, tokens, low=False),
        "nn.LSTM, bfloat16": example(options, tokens, low=True),
        "s2s": ours(options, tokens),
    }
    best: dict[str, tuple[float, float]] = {}
    for turn in range(options.turns + 1):
        for name, step in contestants.items():
            wall, processor = time.perf_counter(), time.process_time()
            step()
            spent = time.perf_counter() - wall, time.process_time() - processor
            if turn:  # the first one warms up
                before = best.get(name, spent)
                best[name] = min(before[0], spent[0]), min(before[1], spent[1])
    machine, count = describe(), options.rows * options.steps
    print(f"{machine['processor']}, {options.threads} threads, PyTorch {torch.__version__}, {vars(options)}")
    print(f"{'':20} {'tokens/s':>10} {'tokens/s of a core':>20} {'ratio':>8}")
    for name, (wall, processor) in best.items():
        ratio = best["nn.LSTM, float32"][1] / processor
        print(f"{name:20} {count / wall:10,.0f} {count / processor:20,.0f} {ratio:8.2f}")


if __name__ == "__main__":
    main()

"""Unroll a text: record each step of a language model that reads it from the beginning of a line."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from language_model.corpus import Text
from language_model.model import LanguageModel, load_model
from language_model.states import pieces_of
from s2s.errors import check
from s2s.models.unrolling import likeliest, token_label, unrolled_layers, values_of
from s2s.nn.recording import recorded
from s2s.text.tokens import END
from s2s.views.unrolled import LONGEST, SentenceToUnroll, Unrolled, UnrolledStep

_LINE_END = "↵"


def unroll(directory: Path, sentence: SentenceToUnroll) -> Unrolled:
    """See `Unroll`."""
    check(
        sentence.target is None, "--target: a language model reads one text and has no translation; leave --target out"
    )
    return unroll_text(load_model(directory, sentence.device, sentence.threads), sentence.text, sentence.units)


def unroll_text(model: LanguageModel, text: str, units: int) -> Unrolled:
    """The steps over a text, with so many units of each vector at most; the first one reads the end of a line before.

    Raises:
        UserError: the text is empty, or too long.
    """
    lines = Text.of(text)
    ids = [END, *lines.encode(model.vocabulary).tolist()]
    check(len(ids) > 1, "the text is empty: give at least one character")
    check(len(ids) <= LONGEST, f"the text has {len(ids) - 1:,} tokens; give one of fewer than {LONGEST}")
    decoder = model.decoder
    tokens = torch.tensor([ids], device=decoder.embedding.weight.device)
    with recorded(decoder.layers) as cells:
        states, _ = decoder.trace(tokens, decoder.start(None, sentences=1))
        log_probabilities = decoder.readout(states[-1][0][:, 0]).float().log_softmax(-1)  # (time, vocabulary)
    runs = {f"layer {number}": cell.run() for number, cell in enumerate(cells, 1)}
    shown = [_shown(piece) for piece in ["\n", *pieces_of(model, lines, ids[1:])]]
    label = partial(_label, model)
    steps = [
        UnrolledStep(
            "language model",
            shown[t],
            t,
            values_of(decoder.embedding.weight[token], units),
            unrolled_layers(runs, t, units),
            None,
            likeliest(log_probabilities[t], label),
            shown[t + 1] if t + 1 < len(shown) else None,
        )
        for t, token in enumerate(ids)
    ]
    return Unrolled(steps, [], decoder.embedding.embedding_dim)


def _shown(piece: str) -> str:
    return _LINE_END if piece == "\n" else piece.strip() or "␣"


def _label(model: LanguageModel, token: int) -> str:
    return _LINE_END if token == END else token_label(model.vocabulary, token)

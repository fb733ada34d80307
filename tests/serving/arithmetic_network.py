"""A network of integer arithmetic, which two languages compute alike: it writes nonsense, and often loops.

Its two graphs have the inputs and outputs of a light form; a third one is the step of a language model.
arithmetic_network.mjs has the same in JavaScript.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2s.text.tokens import END

Arrays = dict[str, NDArray[Any]]


class Encoder:
    """What is known of each source: the sum of its ids, and its length."""

    inputs: Sequence[str] = ("ids", "lengths")
    outputs: Sequence[str] = ("rows.history", "sentences.sum", "sentences.length", "sentences.places")
    widths: Mapping[str, Any] = {}

    def run(self, inputs: Arrays, outputs: Sequence[str]) -> list[NDArray[Any]]:
        ids = inputs["ids"]
        sums = (ids.sum(1, keepdims=True) % 997).astype(np.float32)
        lengths = inputs["lengths"][:, None].astype(np.float32)
        found = dict(zip(self.outputs, (sums, sums, lengths, np.zeros(ids.shape, np.float32))))
        return [found[name] for name in outputs]


class Stepper:
    """Scores from the sum of the source and all tokens so far, or from the last token alone: then it loops."""

    inputs: Sequence[str] = ("tokens", "count", *Encoder.outputs)
    outputs: Sequence[str] = ("log_probabilities", "best.values", "best.tokens", "attention", "next.rows.history")

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        self.widths: Mapping[str, Any] = {"log_probabilities": vocabulary}

    def run(self, inputs: Arrays, outputs: Sequence[str]) -> list[NDArray[Any]]:
        tokens, before = inputs["tokens"], inputs["rows.history"][:, 0].astype(np.int64)
        slots = len(tokens) // len(inputs["sentences.sum"])
        sums, lengths = (inputs[f"sentences.{each}"][:, 0].astype(np.int64).repeat(slots) for each in ("sum", "length"))
        read = np.where(sums % 4 == 0, tokens % 5 + 1, (before * 31 + tokens * 17 + sums) % 997)
        numbers = np.arange(self.vocabulary)
        scores = -((read[:, None] * (numbers + 3) * 7 + numbers * numbers * 13) % 1021) / np.float32(64)
        scores = scores.astype(np.float32)
        scores[:, END] = -(read % 7) / np.float32(32)
        attention = np.zeros((len(tokens), inputs["sentences.places"].shape[1]), np.float32)
        rows = np.arange(len(tokens))
        attention[rows, read % lengths] += 0.75
        attention[rows, read * 3 % lengths] += 0.25
        likeliest = np.argsort(-scores, axis=1, kind="stable")[:, : int(inputs["count"][0])]
        best = np.take_along_axis(scores, likeliest, 1), likeliest
        history = read[:, None].astype(np.float32)
        found = dict(zip(self.outputs, (scores, *best, attention, history)))
        return [found[name] for name in outputs]


class Follower:
    """Scores from all tokens so far."""

    inputs: Sequence[str] = ("tokens", "count", "rows.hidden.0")
    outputs: Sequence[str] = ("log_probabilities", "best.values", "best.tokens", "next.rows.hidden.0")

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        self.widths: Mapping[str, Any] = {"log_probabilities": vocabulary}

    def run(self, inputs: Arrays, outputs: Sequence[str]) -> list[NDArray[Any]]:
        read = (inputs["rows.hidden.0"].astype(np.int64) * 31 + inputs["tokens"][:, None] * 17) % 997
        numbers = np.arange(self.vocabulary)
        scores = -((read * (numbers + 3) * 7 + numbers * numbers * 13) % 1021) / np.float32(64)
        scores = scores.astype(np.float32)
        likeliest = np.argsort(-scores, axis=1, kind="stable")[:, : int(inputs["count"][0])]
        best = np.take_along_axis(scores, likeliest, 1), likeliest
        found = dict(zip(self.outputs, (scores, *best, read.astype(np.float32))))
        return [found[name] for name in outputs]

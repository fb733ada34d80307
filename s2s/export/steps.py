"""What the graphs of all decoders share: the grid that they start from, and the answer of a step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from s2s.export.builder import FLOAT, INT64
from s2s.export.matrices import NetworkGraph

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class EncodedGrid:
    """The values of a `Memory` in the encoder's graph.

    Attributes:
        grid: (sentences, positions, dim)
        mask: (sentences, positions) bool; None where all positions are real
        summary: (sentences, summary_dim)
        bound: what no element of the grid exceeds in absolute value; infinity if that is not known
    """

    grid: str
    mask: str | None
    summary: str
    bound: float = math.inf


def add_answer(graph: NetworkGraph, projection: nn.Linear, features: str, count: str) -> None:
    """Add the next token's log-probabilities, and the likeliest tokens, to the outputs of a step.

    Args:
        graph: of the step
        projection: to logits
        features: (rows, dim)
        count: (1,), of likeliest tokens
    """
    logits = graph.linear(features, projection.weight, projection.bias)
    log_probabilities = graph.node("LogSoftmax", logits, axis=-1)
    best, tokens = graph.nodes("TopK", [log_probabilities, count], 2, axis=-1)
    graph.output("log_probabilities", log_probabilities, FLOAT, ["rows", "vocabulary"])
    graph.output("best.values", best, FLOAT, ["rows", "best"])
    graph.output("best.tokens", tokens, INT64, ["rows", "best"])

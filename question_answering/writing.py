"""Answers that the decoder writes, by a beam over either engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from question_answering.configuration import AnswererConfig
from s2s.decoding.generation import generate
from s2s.decoding.search import BeamOptions, Hypothesis
from s2s.models.contracts import Network
from s2s.text.tokens import PAD, START, UNK

_BEAM = 5


def write_answers(
    network: Network, inputs: Any, count: int, n_best: int, config: AnswererConfig
) -> list[list[Hypothesis]]:
    """The likeliest written answers to questions; their scores are log-probabilities.

    An answer that is cut off at the longest length is given only where there is no other.

    Args:
        network: of the decoder
        inputs: what it starts from
        count: of questions
        n_best: answers to each question, at most
        config: of the model
    """
    limits = np.full(count, config.max_answer_length + 1)
    options = BeamOptions(width=max(_BEAM, n_best), n_best=n_best, length_penalty=0.0, minimum_length=1)
    found = generate(network, inputs, limits, options, banned=(PAD, UNK, START))
    return [[each for each in of if each.finished] or of[:1] for of in found]

"""From an encoder-decoder to sentences: encode, and search with the decoder's step. One place for every application."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from s2s.decoding.search import Hypothesis, SearchOptions, StepFunction, beam, greedy
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.ensemble import Ensemble
from s2s.models.quantisation import is_quantised
from s2s.nn.precision import Precision, autocast
from s2s.text.tokens import END, PAD, START


# Not inference_mode: inside it autocast keeps no weight that it has cast, and casts them all again at every step.
@torch.no_grad()
def generate(
    network: EncoderDecoder | Ensemble,
    inputs: Any,
    limits: Tensor,
    options: SearchOptions,
    *,
    banned: Sequence[int] = (PAD, START),
    precision: Precision = "auto",
) -> list[list[Hypothesis]]:
    """The best hypotheses of each input, best first; a width of 1 searches greedily.

    Args:
        network: on its device, in evaluation mode
        inputs: what its encoder takes
        limits: (inputs,) int64, steps at most, END being one; on the device of the network
        options: of the beam
        banned: tokens never written
        precision: of matrix products; with quantised decoders all others are float32
    """
    common = {
        "start": START,
        "end": END,
        "banned": banned,
        "maximum_length": limits,
        "device": limits.device,
    }
    with autocast("float32" if is_quantised(network) else precision, limits.device):
        state = network.start(inputs)
        step: StepFunction = network.step  # type: ignore[assignment]
        if options.width > 1:
            return beam(step, state, len(limits), options=options, **common)
        common |= {"minimum_length": options.minimum_length, "length_penalty": options.length_penalty}
        return [[best] for best in greedy(step, state, len(limits), **common)]


def with_end(hypothesis: Hypothesis) -> list[int]:
    """Its tokens, END among them where it came to it."""
    return [*hypothesis.tokens, END] if hypothesis.finished else hypothesis.tokens

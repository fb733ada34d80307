"""Generation: encode the inputs of an encoder-decoder, and search for output sentences with its decoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from s2s.decoding.beam import beam
from s2s.decoding.constraints import Constraint, constrain
from s2s.decoding.greedy import greedy
from s2s.decoding.loops import LoopGuard, NoLoops
from s2s.decoding.search import Hypothesis, SearchOptions, StepFunction
from s2s.models.contracts import State
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.ensemble import Ensemble
from s2s.models.quantisation import is_quantised
from s2s.nn.precision import Precision, autocast
from s2s.text.tokens import END, PAD, START


# This is not `inference_mode`, in which autocast does not cache the weights that it has cast: it would cast all of them
# again at each step.
@torch.no_grad()
def generate(
    network: EncoderDecoder | Ensemble,
    inputs: Any,
    limits: Tensor,
    options: SearchOptions,
    *,
    banned: Sequence[int] = (PAD, START),
    precision: Precision = "auto",
    constraint: Constraint | None = None,
    guard: LoopGuard | None = None,
) -> list[list[Hypothesis]]:
    """Search for the best hypotheses of each input, best first. A width of 1 searches greedily.

    Args:
        network: on its device, in evaluation mode
        inputs: what its encoder takes
        limits: (inputs,) int64, the maximum number of steps, END being one; on the device of the network
        options: of the search
        banned: token ids that are never chosen
        precision: of matrix products; if the decoder is quantised, its other products are float32 in any case
        constraint: on what is written, with one row for each input
        guard: an input whose best hypothesis loops is searched again, in such a way that none does

    Raises:
        UserError: a limit is below 1, or a log-probability is NaN or infinite.
    """
    with autocast("float32" if is_quantised(network) else precision, limits.device):
        state: State = network.start(inputs)
        found = _search(network.step, state, limits, options, banned, constraint)
        looping = [i for i, best in enumerate(found) if guard and guard.loops(i, best[0].tokens)]
        if guard and looping:
            rows = torch.tensor(looping, device=limits.device)
            no_loops = NoLoops.of([guard.allowed(i) for i in looping], guard.words, limits.device)
            step, some = constrain(network.step, state.keep(rows), no_loops)
            kept = constraint.keep(rows, len(found)) if constraint else None
            for i, hypotheses in zip(looping, _search(step, some, limits[rows], options, banned, kept)):
                found[i] = hypotheses
        if guard and options.n_best > 1:
            found = [[h for h in of if h is of[0] or not guard.loops(i, h.tokens)] for i, of in enumerate(found)]
        return found


def _search(
    step: StepFunction,
    state: State,
    limits: Tensor,
    options: SearchOptions,
    banned: Sequence[int],
    constraint: Constraint | None,
) -> list[list[Hypothesis]]:
    """Search with a beam, or greedily if its width is 1."""
    if constraint:
        step, state = constrain(step, state, constraint)
    if options.width > 1:
        return beam(
            step,
            state,
            len(limits),
            start=START,
            end=END,
            maximum_length=limits,
            options=options,
            banned=banned,
            device=limits.device,
        )
    best = greedy(
        step,
        state,
        len(limits),
        start=START,
        end=END,
        maximum_length=limits,
        minimum_length=options.minimum_length,
        length_penalty=options.length_penalty,
        banned=banned,
        device=limits.device,
    )
    return [[hypothesis] for hypothesis in best]


def with_end(hypothesis: Hypothesis) -> list[int]:
    """The tokens of a hypothesis, followed by END if it is finished."""
    return [*hypothesis.tokens, END] if hypothesis.finished else hypothesis.tokens

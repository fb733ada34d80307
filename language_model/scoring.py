"""The log-probabilities that a language model gives to the tokens of a text.

All functions are to be called without gradients, with the model in evaluation mode, and in the precision that is wanted
(`torch.autocast`). A text begins after a line end: its first token is predicted from END and a state of zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from language_model.corpus import Tokens
from s2s.decoding.search import check_probabilities
from s2s.models.language_model import ChunkPredictor, RecurrentLanguageModel
from s2s.models.recurrent_decoder import RecurrentState
from s2s.nn.loss import weighted_cross_entropy
from s2s.text.tokens import END
from s2s.training.batches import padded_tensors

CHUNK = 512  # tokens that a row reads at once: memory for their logits; results do not depend on it
_LOGITS = 1 << 24  # of a chunk of all rows, at most
_TOKENS = 8192  # of a batch of lines

LogProbabilities = NDArray[np.float32]  # natural logarithms


def score_chunk(
    decoder: RecurrentLanguageModel, tokens: Tensor, targets: Tensor, state: RecurrentState
) -> tuple[Tensor, RecurrentState]:
    """Read one chunk.

    Args:
        decoder: on the device of all tensors
        tokens: (rows, time), what is read
        targets: (rows, time), the token after each
        state: before the chunk

    Returns:
        log-probabilities of the targets (rows, time) float32, and the state after the chunk
    """
    found = ChunkPredictor(decoder)(tokens, state)
    flat = targets.t().flatten()  # time by time, as the logits
    _, log_probabilities = weighted_cross_entropy(found.logits, flat, torch.ones_like(flat, dtype=torch.float32))
    check_probabilities(float(log_probabilities.sum()))
    return log_probabilities.view(targets.shape[1], -1).t(), found.state


def score_stream(
    decoder: RecurrentLanguageModel, ids: Tokens, *, parts: int = 1, run_up: int = 0, chunk: int = CHUNK
) -> LogProbabilities:
    """Score a text as one continuous stream, whose state is carried from its first token to its last.

    Args:
        decoder: see above
        ids: (tokens,), at least one
        parts: how many parts of the text are read side by side, which is many times as fast. Each part but the first
            begins without a past; so 1 alone is exact
        run_up: tokens before each part that are read first, and not scored
        chunk: tokens that are read at once

    Returns:
        (tokens,)
    """
    device = decoder.embedding.weight.device
    targets = torch.from_numpy(ids.astype(np.int64)).to(device)
    tokens = torch.cat([targets.new_tensor([END]), targets[:-1]])
    length = -(-len(targets) // parts)
    parts = -(-len(targets) // length)
    chunk = max(1, min(chunk, _LOGITS // (parts * decoder.embedding.num_embeddings)))
    state = _after_run_up(decoder, tokens, parts, length, run_up)
    surplus = parts * length - len(targets)
    rows = [torch.nn.functional.pad(each, (0, surplus), value=END).view(parts, length) for each in (tokens, targets)]
    found = list[Tensor]()
    for first in range(0, length, chunk):
        read, written = (each[:, first : first + chunk] for each in rows)
        scores, state = score_chunk(decoder, read, written, state)
        found.append(scores)
    return torch.cat(found, 1).flatten()[: len(targets)].cpu().numpy()


def _after_run_up(
    decoder: RecurrentLanguageModel, tokens: Tensor, parts: int, length: int, run_up: int
) -> RecurrentState:
    """The states of all parts before their first tokens; the first one has no past."""
    state = decoder.start(None, sentences=parts)
    starts = torch.arange(1, parts, device=tokens.device) * length  # (parts - 1,)
    run_up = min(run_up, length)
    if parts == 1 or not run_up:
        return state
    before = tokens[starts[:, None] + torch.arange(-run_up, 0, device=tokens.device)]  # (parts - 1, run_up)
    others = decoder(before, decoder.start(None, sentences=parts - 1)).state
    layers = tuple(
        tuple(torch.cat([zero[:1], known]) for zero, known in zip(zeros, after))
        for zeros, after in zip(state.layers, others.layers)
    )
    return replace(state, layers=layers)


def score_lines(decoder: RecurrentLanguageModel, lines: Sequence[Sequence[int]]) -> list[LogProbabilities]:
    """Score lines, each without a past: one log-probability for each token and one for the line end.

    Args:
        decoder: see above
        lines: token ids without END
    """
    device = decoder.embedding.weight.device
    order = sorted(range(len(lines)), key=lambda i: (len(lines[i]), i))
    found = [np.empty(0, np.float32) for _ in lines]
    batch = list[int]()
    for position, i in enumerate(order):
        batch.append(i)
        following = order[position + 1] if position + 1 < len(order) else None
        if following is None or (len(batch) + 1) * (len(lines[following]) + 1) > _TOKENS:
            read = padded_tensors([[END, *lines[row]] for row in batch], device)
            written = padded_tensors([[*lines[row], END] for row in batch], device)
            scores = _score_rows(decoder, read.ids, written.ids)
            for row, values in zip(batch, scores):
                found[row] = values[: len(lines[row]) + 1]
            batch = []
    return found


def _score_rows(decoder: RecurrentLanguageModel, tokens: Tensor, targets: Tensor) -> LogProbabilities:
    """Score rows without a past, chunk by chunk: (rows, time) each."""
    state, found = decoder.start(None, sentences=len(tokens)), list[Tensor]()
    chunk = max(1, min(CHUNK, _LOGITS // (len(tokens) * decoder.embedding.num_embeddings)))
    for first in range(0, tokens.shape[1], chunk):
        read, written = (each[:, first : first + chunk] for each in (tokens, targets))
        scores, state = score_chunk(decoder, read, written, state)
        found.append(scores)
    return torch.cat(found, 1).cpu().numpy()

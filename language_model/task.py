"""The language modelling task: contiguous streams, with a state that is carried from chunk to chunk."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from language_model.figures import Figures
from language_model.model import LanguageModel
from language_model.prepare import PreparedText
from language_model.recipe import FullSoftmax, Recipe, SampledSoftmax
from language_model.scoring import CHUNK, score_stream
from language_model.streams import Streams
from s2s import seeds
from s2s.errors import check, first_few
from s2s.models.language_model import Candidates, ChunkPredictor, Continuation
from s2s.models.recurrent_decoder import RecurrentState
from s2s.nn.cells import CellStates
from s2s.nn.loss import smoothed_cross_entropy
from s2s.nn.sampled_softmax import Sample, TokenSampler
from s2s.text.tokens import END
from s2s.training.distributed import Ranks
from s2s.training.task import Loss, Task, TaskState, Validation

# Validation reads up to so many parts of its text side by side, each of so many tokens or more, and after a run-up: the
# figures are those of one continuous stream to the third decimal. `s2s evaluate` reads one stream.
PARTS, PART_TOKENS, RUN_UP = 32, 1024, 256


@dataclass(frozen=True)
class Chunk:
    """A chunk of every stream of this process.

    Attributes:
        tokens: (streams, time), what is read
        targets: (streams, time), the token after each
        first: whether the streams begin here
        sample: what stands for the vocabulary, with a sampled softmax
    """

    tokens: Tensor
    targets: Tensor
    first: bool
    sample: Sample | None


class LanguageModelTask(Task[Chunk]):
    """Cross-entropy of the next token; validation by the same. An example is the number of a chunk."""

    carries = True  # the states of the streams
    splits = True  # several processes read some of the streams each

    def __init__(self, recipe: Recipe, data: PreparedText, model: LanguageModel, device: torch.device) -> None:
        self.recipe, self.data, self.model, self.device = recipe, data, model, device
        self.network = ChunkPredictor(model.decoder)
        self.streams = Streams(data.train, recipe.batch.streams, recipe.batch.steps, recipe.training.seed)
        self.sampler = _sampler(recipe.softmax, data)
        self._ranks = Ranks()
        self._state: RecurrentState | None = None  # of this process's streams, after the last chunk that was read

    def join(self, ranks: Ranks) -> None:
        """See `Task`: each process has neighbouring streams, as many as the others or one more."""
        check(
            ranks.world <= self.streams.rows,
            f"{ranks.world} processes cannot share batch.streams = {self.streams.rows}: start at most as many "
            "processes as there are streams, or raise batch.streams",
        )
        self._ranks = ranks

    def report(self) -> str:
        """Return a line about the streams."""
        streams = self.streams
        longest = max(end - begin for begin, end in map(streams.bounds, range(streams.chunks)))
        return (
            f"{streams.rows:,} streams of {streams.length:,} tokens, in {streams.chunks:,} chunks of up to {longest:,}"
        )

    def plan(self, epoch: int) -> list[list[int]]:
        """See `Task`."""
        return [[number] for number in range(self.streams.chunks)]

    def longest(self) -> list[int]:
        """See `Task`."""
        return [0]

    def batch(self, epoch: int, position: int, examples: Sequence[int]) -> Chunk:
        """See `Task`."""
        (number,) = examples
        own = self._ranks.part(self.streams.rows)
        tokens, targets = (torch.from_numpy(each[own]).to(self.device) for each in self.streams.chunk(epoch, number))
        sample = None
        if self.sampler is not None:
            seed = seeds.of_sampled_softmax(self.recipe.training.seed, epoch, position)
            sample = self.sampler.draw(seed, self.device)
        return Chunk(tokens, targets, first=number == 0, sample=sample)

    def loss(self, model: nn.Module, batch: Chunk) -> Loss:
        """See `Task`. The state goes on from the chunk before, without its history of gradients."""
        state = None if batch.first else self._state
        if state is None:
            state = self.model.decoder.start(None, sentences=len(batch.tokens))
        candidates = None if batch.sample is None else Candidates(batch.targets, batch.sample)
        found: Continuation = model(batch.tokens, state, candidates)
        self._state = found.state.detach()
        targets = batch.targets.t().flatten()
        if batch.sample is not None:
            targets = torch.full_like(targets, len(batch.sample))  # the last column is the target's, in every row
        total, exact = smoothed_cross_entropy(found.logits, targets)
        size = batch.targets.numel()
        return Loss(total, size, size, {"train_loss": exact})

    def state(self) -> TaskState:
        """See `Task`: the state of every stream, (streams, dim) for each layer and state."""
        layers, rows = () if self._state is None else self._state.layers, self.streams.rows
        return TaskState(
            {
                f"{i}.{j}": self._ranks.joined_parts(each, rows)
                for i, states in enumerate(layers)
                for j, each in enumerate(states)
            }
        )

    def restore(self, state: TaskState) -> None:
        """See `Task`."""
        if not state.tensors:
            self._state = None
            return
        counts = [len(each) for each in self.model.decoder.start(None, sentences=1).layers]
        own = self._ranks.part(self.streams.rows)
        layers = tuple(
            cast("CellStates", tuple(state.tensors[f"{i}.{j}"][own] for j in range(count)))
            for i, count in enumerate(counts)
        )
        self._state = RecurrentState(own.stop - own.start, layers)

    def validate(self, model: nn.Module) -> Validation:
        """See `Task`."""
        ids = self.data.validation
        parts = max(1, min(PARTS, len(ids) // PART_TOKENS))
        found = score_stream(self.model.decoder, ids, parts=parts, run_up=RUN_UP)
        nats = -float(found.astype(np.float64).sum())
        figures = Figures(nats, len(found), self.data.characters, self.data.words)
        scores = {"bits_per_character": figures.bits_per_character, "word_perplexity": figures.word_perplexity}
        if self.data.vocabulary.kind != "character":
            scores = {"nats_per_character": figures.nats_per_character, **scores}
        return Validation(figures.nats_per_token, {name: each for name, each in scores.items() if math.isfinite(each)})

    def rehearse(self, model: nn.Module) -> None:
        """See `Task`: the first chunks of the validation."""
        score_stream(self.model.decoder, self.data.validation[: PARTS * CHUNK], parts=PARTS)

    def whereabouts(self, examples: Sequence[int]) -> str:
        """See `Task`: the lines in which the chunks of the streams begin, about, for the streams move in each epoch."""
        ends = np.cumsum(self.data.train == END)
        begins = [
            int(ends[row * self.streams.length + self.streams.bounds(number)[0]]) + 1
            for number in sorted(set(examples))
            for row in range(self.streams.rows)
        ]
        files = ", ".join(map(str, self.recipe.data.train))
        return f"the {self.streams.steps} tokens after about lines {first_few(begins)} of {files}"

    def save(self, model: nn.Module, directory: Path, about: Mapping[str, Any]) -> None:
        """See `Task`."""
        self.model.save(directory, about)


def _sampler(config: FullSoftmax | SampledSoftmax, data: PreparedText) -> TokenSampler | None:
    if isinstance(config, FullSoftmax):
        return None
    tokens = len(data.vocabulary)
    check(
        config.size < tokens,
        f"softmax.size = {config.size:,} is not below the {tokens:,} tokens of the vocabulary: lower it, or leave "
        "softmax out",
    )
    return TokenSampler(np.bincount(data.train, minlength=tokens), config.size)

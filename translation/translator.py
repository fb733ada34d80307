"""A model put to work: lines in, hypotheses out, one for one and in order, in batches of like lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from s2s.batch import Padded, pad
from s2s.decoder import Step
from s2s.precision import Precision, products
from s2s.search import Hypothesis, SearchOptions, beam, greedy
from s2s.vocabulary import END, PAD, START, UNK
from translation.model import TranslationModel


@dataclass(frozen=True)
class Translation:
    """One way to say a line in the other language.

    Attributes:
        text: the sentence
        score: its length-normalised log-probability, higher is better
        tokens: its tokens' surfaces, END last where it ended by itself
        attention: (tokens, source tokens), where each token looked
    """

    text: str
    score: float
    tokens: list[str]
    attention: Tensor | None


class Translator:
    """Translate lines with a model.

    Args:
        model: on its device
        options: of the beam; a width of 1 searches greedily
        precision: of matrix products
        batch_tokens: padded source tokens times hypotheses in a batch, which bounds the memory
    """

    def __init__(
        self,
        model: TranslationModel,
        options: SearchOptions | None = None,
        *,
        precision: Precision = "auto",
        batch_tokens: int = 16_384,
    ) -> None:
        self.model, self.options, self.precision, self.batch_tokens = (
            model,
            options or SearchOptions(),
            precision,
            batch_tokens,
        )
        self.device = next(model.network.parameters()).device

    def translate(self, lines: Sequence[str]) -> list[list[Translation]]:
        """The n best translations of each line, best first. A blank line gives one empty translation."""
        encoded = self.model.source.encode_all([line.strip() for line in lines])
        found: list[list[Translation]] = [[Translation("", 0.0, [], None)] for _ in lines]
        for batch in self._batches([len(ids) for ids in encoded]):
            for i, hypotheses in zip(batch, self._search([encoded[i] for i in batch])):
                found[i] = [self._written(lines[i], hypothesis) for hypothesis in hypotheses]
        return found

    def _batches(self, lengths: Sequence[int]) -> Iterator[list[int]]:
        """Indices of lines that have tokens, by length, within the budget."""
        budget = max(1, self.batch_tokens // self.options.width)
        batch: list[int] = []
        for i in sorted((i for i, length in enumerate(lengths) if length), key=lambda i: (lengths[i], i)):
            if batch and (len(batch) + 1) * (lengths[i] + 1) > budget:
                yield batch
                batch = []
            batch.append(i)
        if batch:
            yield batch

    def _search(self, sources: Sequence[Sequence[int]]) -> list[list[Hypothesis]]:
        network, options = self.model.network, self.options
        source: Padded = pad([[*ids, END] for ids in sources]).to(self.device)
        common = {
            "start": START,
            "end": END,
            "banned": (PAD, START),
            "maximum_length": (source.lengths * self.model.config.length_ratio).long() + 10,
            "device": self.device,
        }
        with torch.inference_mode(), products(self.precision, self.device):
            state = network.start(source)
            step: type[Step] = network.decoder.step  # type: ignore[assignment]
            if options.width > 1:
                return beam(step, state, len(sources), options=options, **common)
            common |= {"minimum_length": options.minimum_length, "length_penalty": options.length_penalty}
            return [[best] for best in greedy(step, state, len(sources), **common)]

    def _written(self, line: str, hypothesis: Hypothesis) -> Translation:
        """The hypothesis as text; an unknown token is the source token it looked at most (Luong et al., 2015)."""
        target, unknown = self.model.target, ""
        if UNK in hypothesis.tokens and hypothesis.attention is not None:
            pieces = [*self.model.source.pieces(line.strip()), ""]
            looked = hypothesis.attention[: len(hypothesis.tokens), : len(pieces)].argmax(-1).tolist()
            unknown = [pieces[j].strip() for i, j in enumerate(looked) if hypothesis.tokens[i] == UNK]
        text = target.decode(hypothesis.tokens, unknown).strip()
        tokens = target.tokens([*hypothesis.tokens, END] if hypothesis.finished else hypothesis.tokens)
        return Translation(text, hypothesis.score, tokens, hypothesis.attention)

"""The generator: text that a language model writes, token by token, as a continuation of a given beginning."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from language_model.configuration import KIND, LENGTH
from language_model.corpus import Text, unknown_parts, written
from language_model.engine import LanguageEngine
from language_model.loading import model_directory
from s2s.decoding.generation import likeliest
from s2s.decoding.sampling import Draw, random_numbers
from s2s.decoding.search import SamplingOptions, check_probabilities
from s2s.errors import check, first_few, printable
from s2s.models.contracts import Search, State
from s2s.nn.configuration import DecodingPrecision
from s2s.runtime.engine_options import EngineName, EngineOptions
from s2s.text.tokens import END, PAD, START, UNK

_BANNED = (PAD, START, UNK)
Follow = Callable[[int, str], object]  # (the number of a sample, what is written next)


@dataclass
class Sample:
    """A text that was written.

    Attributes:
        text: after the prime
        tokens: how many it has
        log_probability: of them, the model's own: without the temperature, and with all tokens allowed
        stopped: whether it ends with the text of `until`; else it has the greatest length
    """

    text: str = ""
    tokens: int = 0
    log_probability: float = 0.0
    stopped: bool = False
    _begins: bool = field(default=True, repr=False)  # whether the next token is the first of its line

    def add(self, text: str, log_probability: float, until: str) -> str:
        """Add what a token writes; return how much of it comes before the end, which `until` is, if it is not empty."""
        before = len(self.text)
        self.text += text
        self.tokens, self.log_probability = self.tokens + 1, log_probability
        found = self.text.find(until, max(0, before - len(until) + 1)) if until else -1
        if found >= 0:
            self.text, self.stopped = self.text[: found + len(until)], True
        self._begins = text == "\n"
        return self.text[before:]

    @property
    def begins_line(self) -> bool:
        """Whether the next token is the first of its line."""
        return self._begins


class Generator:
    """Writes with a language model.

    Args:
        engine: of the model
    """

    def __init__(self, engine: LanguageEngine) -> None:
        self.engine = engine

    @classmethod
    def load(
        cls,
        directory: Path | str | None = None,
        *,
        engine: EngineName = "auto",
        device: str = "auto",
        precision: DecodingPrecision = "auto",
        threads: int | None = None,
    ) -> Generator:
        """Load a model: a directory or the name of a bundled one; None for the first bundled one.

        Raises:
            UserError: the model is missing or damaged, or cannot be run in this way.
        """

        def light(form: Any, cores: int) -> LanguageEngine:
            from language_model.light import light_engine

            return light_engine(form, cores)

        def torch(*arguments: Any) -> LanguageEngine:
            from language_model.model import load_engine

            return load_engine(*arguments)

        options = EngineOptions(engine, device, precision, threads)
        found = model_directory(None if directory is None else Path(directory))
        return cls(options.load(found, KIND, light, torch))

    def encode(self, prime: str) -> list[int]:
        """Return the token ids of the beginning of a text.

        Raises:
            UserError: the model does not know a part of it; the message names it.
        """
        text, vocabulary = Text.of(unicodedata.normalize("NFC", prime)), self.engine.vocabulary
        unknown = [printable(repr(part)) for part in unknown_parts(vocabulary, text)]
        what = "characters" if vocabulary.kind != "word" else "words"
        check(not unknown, f"the prime has {what} that the model does not know: {first_few(unknown)}; leave them out")
        return text.encode(vocabulary).tolist()

    def sample(
        self,
        prime: str = "",
        *,
        length: int = LENGTH,
        n: int = 1,
        until: str = "",
        options: SamplingOptions | None = None,
        follow: Follow = lambda number, text: None,
    ) -> list[Sample]:
        """Write several texts at once. A text depends on its number and the seed, not on how many there are.

        Args:
            prime: what the texts begin with; it stands at the beginning of a line, as the model sees it
            length: of each text, in tokens, at most
            n: how many texts
            until: a text ends once it has written this; empty for no such end
            options: which tokens are drawn, and how often: temperature, top-k, top-p, seed
            follow: called with each piece of text as soon as it is written

        Raises:
            UserError: the model does not know a part of the prime, or its weights are damaged.
        """
        options = options or SamplingOptions()
        given, network = [END, *self.encode(prime)], self.engine.network
        samples = [Sample(_begins=given[-1] == END) for _ in range(n)]
        numbers = network.array(random_numbers(options.seed, [(i,) for i in range(n)], 1, length)[:, 0])  # (n, length)
        draw = Draw(options, _BANNED)
        with network.searching(likeliest(options, {*_BANNED})) as search:
            state = self._read(search, given[:-1]).repeat(n)
            tokens, alive = network.array(np.full(n, given[-1])), list(range(n))
            totals = network.array(np.zeros((n, 1), np.float32))
            for time in range(length):
                step = search.step(tokens, state)
                chosen = draw(step, totals, numbers[alive, time : time + 1])
                check_probabilities(float(chosen.checksum))
                tokens, totals, state = chosen.tokens[:, 0], chosen.totals, step.state
                ids, values = tokens.tolist(), totals[:, 0].tolist()
                going = [
                    row
                    for row, number in enumerate(alive)
                    if not self._write(samples[number], number, ids[row], values[row], until, follow)
                ]
                if len(going) < len(alive):
                    rows = network.array(np.array(going, np.int64))
                    tokens, totals, state = tokens[rows], totals[rows], state.reorder(rows)
                    alive = [alive[row] for row in going]
                if not alive:
                    break
        return samples

    def _read(self, search: Search, ids: list[int]) -> State:
        """The state after some tokens, of one text."""
        state = search.start(self.engine.beginning)
        for token in ids:
            state = search.step(self.engine.network.array(np.array([token])), state).state
        return state

    def _write(self, sample: Sample, number: int, token: int, value: float, until: str, follow: Follow) -> bool:
        """Add a token to a sample; return whether the sample is done."""
        text = written(self.engine.vocabulary, token, begins=sample.begins_line)
        follow(number, sample.add(text, value, until))
        return sample.stopped

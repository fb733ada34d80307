"""The page samples as Python does: the same random numbers, the same draws, the same texts and errors."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np
import pytest
from arithmetic_network import Follower
from engine_fixtures import ask, needs_node
from language_fixtures import TEXT

from language_model.configuration import LanguageModelConfig
from language_model.engine import LanguageEngine
from language_model.generator import Generator
from language_model.prepare import learn_vocabulary
from language_model.recipe import VocabularyConfig
from s2s.decoding.sampling import Draw, random_numbers
from s2s.decoding.search import SamplingOptions
from s2s.errors import UserError
from s2s.models.language_configuration import RecurrentLanguageModelConfig
from s2s.nn.configuration import LSTMConfig, RNNConfig
from s2s.runtime.network import LightNetwork, LightState, LightStep
from s2s.text.tokens import PAD, START, UNK
from serving.language_rules import generator_data

pytestmark = needs_node
KINDS = ["character", "word", "bpe", "unigram"]
DRAWING: list[dict[str, Any]] = [
    {},
    {"temperature": 0.3},
    {"temperature": 1.7, "top_k": 5},
    {"top_k": 1},
    {"top_k": 10_000},
    {"top_p": 0.8},
    {"top_p": 0.05, "temperature": 3.3},
    {"top_k": 12, "top_p": 0.6, "temperature": 1.2},
]


def as_json(options: SamplingOptions) -> dict[str, Any]:
    return {"temperature": options.temperature, "topK": options.top_k, "topP": options.top_p}


@pytest.mark.parametrize("seed", [0, 1, 2024, 2**32 - 1, 2**32, 3**50, 2**128 + 5, 7**100])
def test_random_numbers_are_those_of_numpy(seed: int) -> None:
    places = [(0,), (3,), (0, 5, 2**40)]
    asks = [("numbers", str(seed), [*map(str, place), "0"], 300) for place in places]
    np.testing.assert_array_equal(ask(*asks), random_numbers(seed, places, 1, 300)[:, 0])


@pytest.mark.parametrize("vocabulary", [9, 70, 600])
def test_the_same_numbers_draw_the_same_tokens(vocabulary: int) -> None:
    draw = np.random.default_rng(vocabulary)
    rows = np.log(draw.dirichlet(np.full(vocabulary, 0.3), 40) + 1e-30).astype(np.float32)
    rows[:4] = np.round(rows[:4])  # some tokens are equally likely
    numbers = draw.random((40, 1))
    numbers[:2] = [[0.0], [1 - 2**-53]]
    asks, expected = [], []
    for case in DRAWING:
        options = SamplingOptions(**case)
        step: Any = LightStep(LightState(40, {}, {}), None, rows)
        chosen = Draw(options, (PAD, UNK, START))(step, np.zeros((40, 1), np.float32), numbers)
        expected.append(chosen.tokens[:, 0].tolist())
        asks.append(("drawn", rows.tolist(), [PAD, UNK, START], as_json(options), numbers[:, 0].tolist()))
    assert ask(*asks) == expected


@pytest.mark.parametrize("damage", ["NaN", "Infinity"])
def test_damaged_probabilities_draw_nothing(damage: str) -> None:
    with pytest.raises(AssertionError, match="weights are damaged"):
        ask(("drawn", [[-1, -1, -1, -1, damage, -1]], [], as_json(SamplingOptions()), [0.5]))


@cache
def model(kind: str) -> tuple[Generator, dict[str, Any]]:
    """A language model of integer arithmetic, and the same for JavaScript."""
    size = 33 if kind == "unigram" else 60  # as many as the text has
    vocabulary = learn_vocabulary(TEXT, VocabularyConfig(kind, size=size))  # type: ignore[arg-type]
    config = LanguageModelConfig(kind, RecurrentLanguageModelConfig(RNNConfig(), 1, 1, 1, tie_embeddings=False))
    network = LightNetwork(None, Follower(len(vocabulary)))
    zeros = LightState(1, {"rows.hidden.0": np.zeros((1, 1), np.float32)}, {})
    engine = LanguageEngine(config, vocabulary, network, zeros, "float32")
    return Generator(engine), generator_data(config, vocabulary)


def sampled(kind: str, prime: str, *, length: int, until: str = "", options: SamplingOptions) -> dict[str, Any]:
    """What Python writes, as JavaScript says it."""
    try:
        (sample,) = model(kind)[0].sample(prime, length=length, until=until, options=options)
    except UserError as error:
        return {"error": str(error)}
    found = {name: value for name, value in asdict(sample).items() if not name.startswith("_")}
    return {**found, "log_probability": pytest.approx(sample.log_probability, rel=1e-6), "whole": True}


def question(kind: str, prime: str, *, length: int, until: str = "", options: SamplingOptions) -> tuple[Any, ...]:
    given = {**as_json(options), "seed": str(options.seed), "length": length, "until": until}
    return "sampled", model(kind)[1], prime, given


@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_those_of_python(kind: str) -> None:
    primes = ["", "A man", "Two dogs \n", "\n\nA ball in the snow", "  A  man  "]
    cases: list[dict[str, Any]] = [
        {"prime": primes[i % len(primes)], "length": 60, "options": SamplingOptions(seed=i, **drawing)}
        for i, drawing in enumerate(DRAWING * 2)
    ]
    found = ask(*(question(kind, **case) for case in cases))
    assert found == [sampled(kind, **case) for case in cases]
    assert len({each["text"] for each in found}) > len(DRAWING)


@pytest.mark.parametrize("kind", KINDS)
def test_texts_end_where_python_s_do(kind: str) -> None:
    options = [SamplingOptions(seed=seed) for seed in range(4)]
    untils = ["\n", "\n\n", "a", "k w", "dogs", "nowhere"]
    cases: list[dict[str, Any]] = [
        {"prime": "A man", "length": 80, "until": until, "options": each} for until in untils for each in options
    ]
    found = ask(*(question(kind, **case) for case in cases))
    assert found == [sampled(kind, **case) for case in cases]
    assert {each["stopped"] for each in found} == {True, False}


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_model_does_not_know_is_named_as_in_python(kind: str) -> None:
    primes = [
        "Qq€",
        "A zebra\nA man's \"Z'",
        "A\tman\u200b",
        "cafe\u0301",
        "\\ \x07 'x'",
        "\U000e0001 \U0001f600",
        "\ufeffA",
    ]
    cases: list[dict[str, Any]] = [{"prime": prime, "length": 3, "options": SamplingOptions()} for prime in primes]
    found = ask(*(question(kind, **case) for case in cases))
    assert found == [sampled(kind, **case) for case in cases]
    assert any("error" in each for each in found)


def test_the_state_has_the_arrays_of_the_light_form() -> None:
    lstm = RecurrentLanguageModelConfig(LSTMConfig(), 6, 8, 2, tie_embeddings=True)
    assert lstm.states == {"hidden.0": 8, "cell.0": 8, "hidden.1": 6, "cell.1": 6}

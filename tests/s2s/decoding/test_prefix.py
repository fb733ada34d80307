"""Prefixes and maximum lengths: against all outputs of small tables, and in every kind of search."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fixtures import BANNED, END, LIBRARIES, Library, TableNetwork, log_probability, random_tables
from torch import Tensor

from s2s.decoding.constraints import WriteOnce
from s2s.decoding.generation import generate
from s2s.decoding.loops import LoopGuard, WordTable
from s2s.decoding.prefix import Prefix, PrefixSpeller
from s2s.decoding.search import BeamOptions, Hypothesis, SamplingOptions, SearchOptions
from s2s.text.subwords import train_subwords
from s2s.text.tokens import PLACEHOLDERS, SPECIALS, Surfaces
from s2s.text.vocabulary import CharacterVocabulary, WordVocabulary

TEXTS = [" ", " a", " ab", "a", "b", "ab", " b"]
SIZE = len(SPECIALS) + len(TEXTS)


class Subwords(Surfaces):
    """A vocabulary of these texts; it segments from the left, by the longest."""

    kind = "bpe"

    def encode(self, text: str) -> list[int]:
        ids, text = list[int](), f" {text}" if text else ""
        while text:
            longest = max((t for t in TEXTS if text.startswith(t)), key=len, default="")
            if not longest:
                return [1]
            ids, text = [*ids, len(SPECIALS) + TEXTS.index(longest)], text[len(longest) :]
        return ids


VOCABULARY: Any = Subwords(TEXTS)


def written(tokens: Sequence[int]) -> str:
    """The text of tokens, with the space before its first word."""
    return "".join(TEXTS[token - len(SPECIALS)] for token in tokens)


def run(
    tables: Any, options: SearchOptions, prefixes: Sequence[Prefix], limit: int, reports: bool = True, **more: Any
) -> list[list[Hypothesis]]:
    network, limits = TableNetwork(tables, reports), np.full(len(prefixes), limit)
    return generate(network, np.arange(len(prefixes)), limits, options, banned=(*BANNED, 1), prefixes=prefixes, **more)


def spelt(text: str, vocabulary: Any = VOCABULARY, **how: bool) -> Prefix:
    prefix = PrefixSpeller(vocabulary).spell(text, **how)
    assert prefix is not None
    return prefix


def all_outputs(table: Tensor, limit: int) -> list[tuple[list[int], float]]:
    """Every output that ends, with its score, the best first."""
    found = []
    for length in range(limit):
        for tokens in map(list, product(range(len(SPECIALS), SIZE), repeat=length)):
            found.append((tokens, log_probability(table, [*tokens, END]) / (length + 1)))
    return sorted(found, key=lambda entry: -entry[1])


def is_allowed(tokens: Sequence[int], text: str) -> bool:
    """Whether tokens begin as the vocabulary segments a word, until one reaches its end or beyond."""
    rest = f" {text}" if text else ""
    for token, expected in zip(tokens, [*VOCABULARY.encode(text), None]):
        if not rest or written([token]).startswith(rest):
            return True
        if token != expected:
            return False
        rest = rest.removeprefix(written([token]))
    return not rest


@pytest.mark.oldest
@pytest.mark.parametrize("text", ["a", "ab", "b", "bb", ""])
def test_what_begins_with_a_part_of_a_word_is_found(library: Library, text: str) -> None:
    tables = random_tables(2, SIZE, seed=1, sharpness=2)
    found = run(library(tables), BeamOptions(3000, 3000), [spelt(text)] * 2, limit=4)
    for table, hypotheses in zip(tables, found):
        wanted = [entry for entry in all_outputs(table, 4) if is_allowed(entry[0], text)]
        assert all(written(tokens).startswith(f" {text}" if text else "") for tokens, _ in wanted)
        ended = [h for h in hypotheses if h.finished]
        assert [h.tokens for h in ended] == [tokens for tokens, _ in wanted]
        assert [h.score for h in ended] == pytest.approx([score for _, score in wanted], abs=1e-5)


@pytest.mark.parametrize(
    ("text", "how", "accepted", "refused"),
    [
        ("ab a", {}, [[" ab", " a"], [" ab", " ab", "b"]], [[" a", "b", " a"], [" ab", " b"], [" ab", " ", "a"]]),
        ("aa", {}, [[" a", "a"], [" a", "ab"]], [[" a", "b"], [" a"], [" ", "a", "a"]]),
        ("ab ", {}, [[" ab", " b"], [" ab"], [" ab", " "]], [[" ab", "a"], [" ab", "ab"]]),
        ("ab", {"whole": True}, [[" ab"]], [[" ab", " b"], [" ab", "b"], [" a"], [" a", "b"]]),
        ("AB", {"folded": True}, [[" ab", "b"], [" ab"]], [[" b"], [" a", "a"]]),
        ("AB B", {"folded": True}, [[" ab", " b"], [" ab", " b", "a"]], [[" b"], [" ab", "b"]]),
    ],
)
def test_a_prefix_allows_these_and_no_others(
    text: str, how: dict[str, bool], accepted: list[list[str]], refused: list[list[str]]
) -> None:
    prefix = spelt(text, **how)

    def allows(tokens: list[str]) -> bool:
        place = 0
        for token in [*(len(SPECIALS) + TEXTS.index(each) for each in tokens), END]:
            if place < 0:
                return True
            if token not in prefix.nodes[place].tokens:
                return False
            place = prefix.nodes[place].leads.get(token, -1)
        return place < 0

    assert [tokens for tokens in accepted if not allows(tokens)] == []
    assert [tokens for tokens in refused if allows(tokens)] == []


@pytest.mark.parametrize(
    ("vocabulary", "text"),
    [
        (VOCABULARY, "ab c"),
        (VOCABULARY, "c ab"),
        (WordVocabulary(["ein", "mann"]), "eine"),
        (WordVocabulary(["ein", "mann"]), "ei mann"),
        (CharacterVocabulary(["a", " "]), "ab"),
    ],
)
def test_what_a_vocabulary_cannot_write_has_no_prefix(vocabulary: Any, text: str) -> None:
    assert PrefixSpeller(vocabulary).spell(text) is None


def test_words_characters_and_placeholders() -> None:
    words = WordVocabulary(["ein", "eine", "mann"])
    assert sorted(spelt("mann ein", words).nodes[1].tokens) == words.encode("ein eine")
    assert spelt("mann ", words).nodes[0].tokens.tolist() == words.encode("mann")
    assert len(spelt("ein ei", CharacterVocabulary(["e", "i", "n", " "])).nodes) == 6
    subwords = train_subwords(["a man and a dog", "the dogs and the men"] * 3, 40)
    with_placeholders = type(subwords)(subwords.to_bytes(), kind="bpe", placeholders=2)
    nodes = spelt(f"a {PLACEHOLDERS[1]}", with_placeholders).nodes
    assert nodes[-1].tokens.tolist() == [with_placeholders.first_placeholder + 1]
    assert spelt("").nodes == ()


SEARCHES: list[SearchOptions] = [
    BeamOptions(1),
    BeamOptions(3, 3),
    BeamOptions(4, 4, groups=2, diversity_penalty=2.0),
    SamplingOptions(3, 3, seed=4),
    SamplingOptions(2, 2, top_k=2, top_p=0.8),
]


@given(seed=st.integers(0, 10_000), options=st.sampled_from(SEARCHES), end=st.floats(-3, 3))
@settings(max_examples=40)
def test_every_search_begins_with_the_prefix_in_both_libraries(seed: int, options: SearchOptions, end: float) -> None:
    tables, texts = random_tables(5, SIZE, seed, end=end), ["a", "", "ab b", "b a", "ab a"]
    found = [run(library(tables), options, [*map(spelt, texts)], limit=4) for library in LIBRARIES.values()]
    for by_torch, by_numpy, table, text in zip(*found, tables, texts):
        assert [h.tokens for h in by_torch] == [h.tokens for h in by_numpy]
        for h in by_torch:
            assert written(h.tokens).startswith(f" {text}" if text else "")
            path = [*h.tokens, END] if h.finished else h.tokens
            assert h.log_probability == pytest.approx(log_probability(table, path), abs=1e-4)


@given(seed=st.integers(0, 10_000), options=st.sampled_from(SEARCHES), most=st.integers(1, 5))
@settings(max_examples=30)
def test_no_sentence_is_longer_than_the_maximum_and_all_end(
    library: Library, seed: int, options: SearchOptions, most: int
) -> None:
    tables = random_tables(4, SIZE, seed, end=-4)
    limited = type(options)(**{**vars(options), "maximum_length": most})
    for table, hypotheses in zip(tables, run(library(tables), limited, [Prefix()] * 4, limit=9)):
        for h in hypotheses:
            assert h.finished
            assert len(h.tokens) <= most
            assert h.log_probability == pytest.approx(log_probability(table, [*h.tokens, END]), abs=1e-4)


def test_a_maximum_that_no_sentence_reaches_changes_nothing(library: Library) -> None:
    tables = library(random_tables(6, SIZE, seed=3, end=2))
    free = run(tables, BeamOptions(3, 3), [Prefix()] * 6, limit=5)
    assert run(tables, BeamOptions(3, 3, maximum_length=30), [Prefix()] * 6, limit=5) == free


def test_a_prefix_prevails_over_lengths_constraints_and_the_guard(library: Library) -> None:
    tables, repeated = library(random_tables(2, SIZE, seed=5, end=-4)), "ab " * 9 + "ab"
    words = WordTable([True] * SIZE)
    for options in (BeamOptions(3, maximum_length=2), BeamOptions(1), SamplingOptions(2)):
        found = run(tables, options, [spelt(repeated)] * 2, limit=4, guard=LoopGuard(words, [[]] * 2, words))
        for (best,) in found:
            assert written(best.tokens).startswith(f" {repeated}")
            assert best.finished == (options.maximum_length is not None or len(best.tokens) < 20)
    # The constraint forbids the last token, unless it is needed; what it needs is not written within two tokens.
    network = TableNetwork(tables)
    once = WriteOnce.of([[SIZE - 1], []], network.array, first=SIZE - 1, count=1, end=END)
    prefixes = [spelt("a"), spelt("b ")]
    for h in run(tables, BeamOptions(1, maximum_length=2), prefixes, limit=4, constraint=once):
        assert h[0].finished


def test_a_minimum_length_makes_room(library: Library) -> None:
    tables = library(random_tables(3, SIZE, seed=6, end=2))
    for options in (BeamOptions(3, minimum_length=12), SamplingOptions(minimum_length=12)):
        for (best,) in run(tables, options, [Prefix()] * 3, limit=4):
            assert len(best.tokens) >= 12
    assert all(len(best.tokens) <= 4 for (best,) in run(tables, BeamOptions(3), [Prefix()] * 3, limit=4))


@pytest.mark.parametrize("maximum", [None, 9])
def test_a_minimum_length_holds_unless_a_prefix_is_a_whole_sentence(library: Library, maximum: int | None) -> None:
    tables = library(random_tables(4, SIZE, seed=6, end=2))
    prefixes = [spelt("ab", whole=True), spelt("ab "), spelt("a"), Prefix()]
    lengths: Any = {"minimum_length": 7, "maximum_length": maximum}
    for options in (BeamOptions(3, **lengths), BeamOptions(1, **lengths), SamplingOptions(**lengths)):
        (whole,), *others = run(tables, options, prefixes, limit=4)
        assert (written(whole.tokens), whole.finished) == (" ab", True)
        for (best,), text in zip(others, ("ab", "a", "")):
            assert len(best.tokens) >= 7
            assert written(best.tokens).startswith(f" {text}" if text else "")


def test_prefixes_stay_with_their_sentences_in_whatever_batch(library: Library) -> None:
    tables, texts = random_tables(6, SIZE, seed=8, end=1), ["a", "b", "", "ab a", "ab ", "b b"]
    for options in SEARCHES[:3]:
        together = run(library(tables), options, [*map(spelt, texts)], limit=6)
        for i, text in enumerate(texts):
            alone = run(library(tables[i : i + 1]), options, [spelt(text)], limit=6)
            assert [h.tokens for h in alone[0]] == [h.tokens for h in together[i]]
            assert torch.tensor([h.score for h in alone[0]]).allclose(torch.tensor([h.score for h in together[i]]))

"""Readings, heads and spellings: what they read, and that padding changes nothing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from s2s.models.configuration import RecurrentEncoderConfig
from s2s.models.heads import READINGS, LabelNetwork, build_label_network, build_reading
from s2s.models.label_configuration import (
    AttentionReadingConfig,
    ClassifierHeadConfig,
    LastReadingConfig,
    MaxReadingConfig,
    MeanReadingConfig,
    ReadingConfig,
    SpellingConfig,
    TaggerHeadConfig,
)
from s2s.models.text_encoder import TextEncoder, source_embedding
from s2s.models.word_encoder import WordEncoder
from s2s.nn.configuration import AdditiveConfig, DotConfig, GeneralConfig
from s2s.text.padding import Padded
from s2s.text.vocabulary import CharacterVocabulary
from s2s.text.words import LONGEST_WORD, pad_words
from s2s.training.batches import padded_tensors

LINES = [[5, 6, 7, 8], [9], [10, 11, 4, 5, 6, 7]]
CONFIG = RecurrentEncoderConfig(dim=3, embedding_dropout=0)
ALL = [
    LastReadingConfig(),
    MeanReadingConfig(),
    MaxReadingConfig(),
    AttentionReadingConfig(AdditiveConfig(4)),
    AttentionReadingConfig(DotConfig()),
    AttentionReadingConfig(GeneralConfig()),
]
each_reading = pytest.mark.parametrize("reading", ALL, ids=str)


def encoder(config: RecurrentEncoderConfig = CONFIG) -> TextEncoder:
    torch.manual_seed(1)
    return TextEncoder(config, source_embedding(13, 6)).eval()


def build(reading: ReadingConfig | None) -> LabelNetwork:
    head = ClassifierHeadConfig(reading) if reading else TaggerHeadConfig()
    return build_label_network(encoder(), head, 4).eval()


def test_every_reading_is_tested() -> None:
    assert {type(reading) for reading in ALL} == set(READINGS)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_what_each_reading_reads(bidirectional: bool) -> None:
    config = RecurrentEncoderConfig(dim=3, bidirectional=bidirectional, embedding_dropout=0)
    text, source = encoder(config), padded_tensors(LINES)
    memory = text(source)
    grids = [memory.grid[row, : len(line)] for row, line in enumerate(LINES)]

    def read(reading: ReadingConfig) -> tuple[Tensor, Tensor | None]:
        return build_reading(reading, text)(memory)

    torch.testing.assert_close(read(MeanReadingConfig())[0], torch.stack([grid.mean(0) for grid in grids]))
    torch.testing.assert_close(read(MaxReadingConfig())[0], torch.stack([grid.amax(0) for grid in grids]))
    encoded = text.layers(text.embedding(source.ids), source.lengths)
    states = torch.cat([side[-1][0] for side in (encoded.ahead, encoded.back) if side], -1)
    torch.testing.assert_close(read(LastReadingConfig())[0], states)
    vector, weights = read(ALL[3])
    assert weights is not None
    torch.testing.assert_close(weights.sum(1), torch.ones(3))
    assert weights[~source.mask].abs().max() == 0
    torch.testing.assert_close(vector, torch.einsum("bp,bpd->bd", weights, memory.grid))


@each_reading
def test_a_sentence_alone_has_the_scores_that_it_has_in_a_batch(reading: ReadingConfig) -> None:
    network = build(reading)
    together = network(padded_tensors(LINES)).logits
    for row, line in enumerate(LINES):
        torch.testing.assert_close(network(padded_tensors([line])).logits[0], together[row])


def test_a_tagger_scores_the_real_words_row_by_row() -> None:
    network = build(None)
    together = network(padded_tensors(LINES)).logits
    assert together.shape == (11, 4)
    torch.testing.assert_close(network(padded_tensors([LINES[1]])).logits, together[4:5])
    torch.testing.assert_close(network(padded_tensors([LINES[2]])).logits, together[5:])


@pytest.mark.parametrize("reading", [*ALL, None], ids=str)
def test_every_parameter_learns_and_padding_does_not(reading: ReadingConfig | None) -> None:
    network = build(reading)
    embedded: list[Tensor] = []

    def remember(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        output.retain_grad()
        embedded.append(output)

    network.encoder.embedding.register_forward_hook(remember)
    source = padded_tensors(LINES)
    scores = network(source).logits.log_softmax(-1)
    scores[:, 1].sum().backward()
    unused = {"reading.attention.query.weight", "reading.attention.query.bias"}  # a constant query is learned itself
    for name, parameter in network.named_parameters():
        assert name in unused or (parameter.grad is not None and parameter.grad.abs().sum() > 0), name
    assert embedded[0].grad is not None
    assert embedded[0].grad[~source.mask].abs().max() == 0


# ------------------------------------------------------------------------------------------------------- spellings

CHARACTERS = CharacterVocabulary.from_lines(["abcdefgh"])
SENTENCES = [["abc", "d", "abc"], ["hgfedcba"]]
IDS = [[5, 6, 5], [7]]


def words(sentences: list[list[str]], ids: list[list[int]]) -> Padded:
    return pad_words(sentences, ids, CHARACTERS).moved(torch.from_numpy)


def spelling_encoder() -> WordEncoder:
    torch.manual_seed(1)
    spelling = SpellingConfig(embedding_dim=3, dim=2)
    return WordEncoder(CONFIG, source_embedding(13, 6), spelling, len(CHARACTERS)).eval()


def test_different_words_are_spelt_once() -> None:
    padded = pad_words(SENTENCES, IDS, CHARACTERS)
    assert padded.spelling_of.tolist() == [[0, 1, 0], [2, 0, 0]]
    assert padded.spelling_lengths.tolist() == [3, 1, 8]
    assert CHARACTERS.decode(padded.spellings[2].tolist()) == "hgfedcba"
    long = pad_words([["a" * 500 + "b"]], [[5]], CHARACTERS)
    assert CHARACTERS.decode(long.spellings[0].tolist()) == "a" * (LONGEST_WORD - 1) + "b"


def test_words_of_one_id_differ_by_their_spelling_alone() -> None:
    network = spelling_encoder()
    one, other = (network(words([["abc", word]], [[5, 6]])).grid for word in ("abd", "dba"))
    assert not torch.allclose(one, other)
    assert torch.equal(network(words([["abc", "abd"]], [[5, 6]])).grid, one)


def test_the_company_of_a_word_does_not_change_its_spelling() -> None:
    network = spelling_encoder()
    together = network(words(SENTENCES, IDS)).grid
    for row, (sentence, ids) in enumerate(zip(SENTENCES, IDS)):
        torch.testing.assert_close(network(words([sentence], [ids])).grid[0], together[row, : len(ids)])

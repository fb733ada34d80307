"""A model of two memories, a sentence and a grid of cells: decoded as any other, and drawn in every view."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from model_fixtures import decoder_of, encoder_of, logits_of
from PIL import Image
from torch import Tensor, nn

from s2s.decoding.beam import beam
from s2s.decoding.search import BeamOptions, Hypothesis
from s2s.models.configuration import GridEncoderConfig, ParallelConfig, RecurrentEncoderConfig
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.image_encoder import GridEncoder
from s2s.models.memory import Memory, Segment, join
from s2s.models.text_encoder import TextEncoder, source_embedding
from s2s.nn.configuration import AdditiveConfig
from s2s.text.padding import Padded
from s2s.text.tokens import END, PAD, START
from s2s.training.batches import padded_tensors
from s2s.views.attention_file import attention_writer, read_attention_file
from s2s.views.attention_matrix import attention_matrix
from s2s.views.attention_page import attention_page
from s2s.views.attention_view import AttentionView, Grid, Photograph, Words, round_weights
from s2s.vision.grids import Features

VOCABULARY, CHANNELS, DIM, SHAPE = 12, 5, 16, (2, 3)
QUESTIONS = [[5, 6, 7, 8, END], [9, END], [5, 10, END]]  # the second and the third are padded
PHOTOGRAPH = Photograph("p.jpg", 60, 40, (0.0, 0.0, 60.0, 40.0))


@dataclass(frozen=True)
class Question:
    """A batch of sentences, each with its picture."""

    words: Padded
    picture: Features

    def alone(self, row: int) -> Question:
        """One of them, without padding."""
        return Question(padded_tensors([QUESTIONS[row]]), Features(self.picture.cells[row : row + 1]))


class TwoMemories(nn.Module):
    """An encoder whose memory is that of the words, then that of the cells."""

    def __init__(self) -> None:
        super().__init__()
        self.words = TextEncoder(RecurrentEncoderConfig(dim=DIM // 2), source_embedding(VOCABULARY, 8))
        self.cells = GridEncoder(GridEncoderConfig(dim=DIM), CHANNELS)
        self.summary_dim = self.words.output_dim + self.cells.summary_dim

    def forward(self, question: Question) -> Memory:
        return join([self.words(question.words), self.cells(question.picture)])


def build(kind: str) -> EncoderDecoder:
    torch.manual_seed(1)
    encoder = TwoMemories()
    config = ParallelConfig(embedding_dim=8, dim=DIM, attention=AdditiveConfig(DIM))
    return EncoderDecoder(encoder, decoder_of(kind, config, VOCABULARY, DIM, encoder.summary_dim)).eval()


def batch() -> Question:
    torch.manual_seed(2)
    return Question(padded_tensors(QUESTIONS), Features(torch.randn(len(QUESTIONS), *SHAPE, CHANNELS)))


@torch.inference_mode()
def answers(model: EncoderDecoder, question: Question) -> list[Hypothesis]:
    """The best answer of each question."""
    limits, options = torch.full_like(question.words.lengths, 6), BeamOptions(width=3, minimum_length=2)
    state = model.start(question)
    found = beam(model.step, state, limits, start=START, end=END, options=options, banned=(PAD, START))
    return [hypotheses[0] for hypotheses in found]


def view_of(name: str, answer: Hypothesis, segments: tuple[Segment, ...], words: list[int]) -> AttentionView:
    """The view of an answer: its attention by segments, and of the words only those that are not padding."""
    assert answer.attention is not None
    on_words, on_cells = np.split(answer.attention, [segments[0].length], axis=1)
    weights = np.concatenate([on_words[:, : len(words)], on_cells], axis=1)
    question = Words(segments[0].name, (*(f" {word}" for word in words[:-1]), "</s>"))
    assert segments[1].shape is not None
    picture = Grid(segments[1].name, *segments[1].shape, PHOTOGRAPH)
    tokens = (*(f" {token}" for token in answer.tokens), "</s>")[: len(weights)]
    text = "".join(tokens[: len(answer.tokens)]).strip()
    return AttentionView(name, (question, picture), tokens, round_weights(weights), text, answer.score)


def views_of(model: EncoderDecoder, question: Question) -> list[AttentionView]:
    segments = encoder_of(model)(question).segments
    found = enumerate(zip(answers(model, question), QUESTIONS), 1)
    return [view_of(f"question {i}", answer, segments, words) for i, (answer, words) in found]


@pytest.mark.parametrize("kind", ["parallel", "input_feeding", "top_down"])
def test_the_decoder_attends_to_both_memories_and_to_no_padding(kind: str) -> None:
    model, question = build(kind), batch()
    memory: Memory = encoder_of(model)(question)
    assert memory.segments == (Segment("source", 5), Segment("image", 6, SHAPE))
    for i, answer in enumerate(answers(model, question)):
        [alone] = answers(model, question.alone(i))
        assert answer.tokens == alone.tokens
        assert answer.score == pytest.approx(alone.score, abs=1e-5)
        assert answer.attention is not None
        assert alone.attention is not None
        length = len(QUESTIONS[i])
        assert (answer.attention[:, length:5] == 0).all()
        real = np.delete(answer.attention, range(length, 5), axis=1)
        np.testing.assert_allclose(real, alone.attention, atol=1e-5, rtol=0)
        assert (real > 0).all()


def test_training_reaches_both_encoders() -> None:
    model, question = build("parallel"), batch()
    encoder = encoder_of(model)
    logits = logits_of(model, question, torch.full((3, 2), START))
    gradients = torch.autograd.grad(logits.square().sum(), list(encoder.parameters()))
    names = [name for name, _ in encoder.named_parameters()]
    assert not [name for name, gradient in zip(names, gradients) if gradient.abs().max() == 0]


def test_every_view_draws_both_segments_also_from_the_file(tmp_path: Path) -> None:
    """The views are read back from attention.json, and the photograph is given beside them."""
    views = views_of(build("parallel"), batch())
    with attention_writer(tmp_path / "attention.json") as write:
        for view in views:
            write(view)
    found = read_attention_file(tmp_path / "attention.json")
    assert found == views
    photographs = {"p.jpg": Image.new("RGB", (60, 40), (0, 200, 0))}
    page = attention_page(found, "Answers", photographs)
    [data] = re.findall(r'id="data">(.*?)</script>', page, re.DOTALL)
    for shown, view in zip(json.loads(data), found, strict=True):
        words, picture = shown["segments"]
        assert len(words["tokens"]) == view.segments[0].positions
        assert picture["photograph"] == 0
        assert len(shown["tokens"]) == len(shown["weights"])
    assert page.count("<img ") == 1
    pixels = np.asarray(attention_matrix(found, photographs)).astype(int).reshape(-1, 3)
    assert (pixels[:, 1] > pixels[:, 0] + 5).any()  # the photograph is green
    assert ((pixels[:, 0] > pixels[:, 2] + 5) & (pixels[:, 1] <= pixels[:, 0])).any()  # the words are shaded


def test_the_pictures_change_with_the_weights_of_either_segment() -> None:
    """Each view is drawn from the weights of both segments: move some within one, and the pictures differ."""
    [view, *_] = views_of(build("parallel"), batch())
    assert view.weights
    photographs = {"p.jpg": Image.new("RGB", (60, 40), (0, 200, 0))}

    def drawn(weights: tuple[tuple[float, ...], ...]) -> tuple[bytes, ...]:
        changed = AttentionView(view.name, view.segments, view.tokens, weights, view.text, view.score)
        return attention_matrix([changed], photographs).tobytes(), attention_page([changed], "x", photographs).encode()

    plain = drawn(view.weights)
    for positions in ((0, 1), (5, 10)):
        moved = torch.tensor(view.weights)
        moved[:, positions[0]] += moved[:, positions[1]]
        moved[:, positions[1]] = 0
        assert all(one != other for one, other in zip(plain, drawn(round_weights(moved)), strict=True))


def test_two_sentences_and_two_pictures_are_drawn(tmp_path: Path) -> None:
    """Four memories in one, without a photograph."""
    model, question = build("parallel"), batch()
    encoder = model.encoder
    assert isinstance(encoder, TwoMemories)
    words, cells = encoder.words(question.words), encoder.cells(question.picture)
    memory = join([words, cells, cells, words])
    attention = _attend(memory)[1]
    names = iter(["question", "before", "after", "answer"])
    segments = tuple(
        Words(next(names), ("x",) * segment.length) if segment.shape is None else Grid(next(names), *segment.shape)
        for segment in memory.segments
    )
    view = AttentionView("four", segments, ("a", "b"), round_weights(attention), "a b", -1.0)
    with attention_writer(tmp_path / "a.json") as write:
        write(view)
    assert read_attention_file(tmp_path / "a.json") == [view]
    for name in ("question", "before", "after", "answer"):
        assert f'"name":"{name}"' in attention_page([view], "Four")
    assert attention_matrix([view]).width > 10 * 48


def _attend(memory: Memory) -> Tensor:
    """Any weights (sentences, 2, positions) that respect the mask."""
    scores = torch.rand(len(memory.grid), 2, memory.grid.shape[1])
    return scores if memory.mask is None else scores.masked_fill(~memory.mask[:, None], -torch.inf).softmax(-1)

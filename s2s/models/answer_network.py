"""The network of an answerer: a question looks at the grid of a picture, and an answer is read from what it found.

Stacked attention (Yang et al., 2016, "Stacked attention networks for image question answering"):

    cells = grid + P [row; column]  so that a question can ask for a side
    u_0 = tanh(W q)                 q: the question, read to one vector
    c_k = attention(u_k-1, cells)   the mean of the cells, weighted by hop k
    u_k = u_k-1 + c_k               the next hop looks with what this one found
    answer = softmax(V [u_K; tanh(M q) * c_K])

The places of the cells, and the product of the question with what the last hop found, are not in the paper.

Beside it stands a blind network, which reads the question alone, by layers of its own. It shares no weight with the
rest. What it gets right needs no picture. A decoder may write the answer as well: it looks at the cells of the picture
and the words of the question, and starts from u_K.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from s2s.models.answer_configuration import StackedAttentionConfig
from s2s.models.decoder import Decoder
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.heads import ClassifierNetwork, build_reading
from s2s.models.memory import Memory, Segment, join
from s2s.models.text_encoder import TextEncoder
from s2s.nn.attention import Attention
from s2s.nn.attentions import build_attention
from s2s.nn.dropout import Dropout
from s2s.text.padding import Padded


@dataclass(frozen=True, eq=False)
class AskedPictures:
    """A batch of questions about pictures.

    Attributes:
        pictures: what the picture encoder takes
        picture_of: (questions,) int64, the row of the picture that each question is about
        questions: (questions, words)
    """

    pictures: Any
    picture_of: Tensor
    questions: Padded


@dataclass(frozen=True, eq=False)
class AnswerScores:
    """What the network says.

    Attributes:
        logits: (questions, answers)
        blind: (questions, answers), of the network that does not see the picture; None if it was not asked
        hops: (questions, hops, positions), the weights of the cells in each hop
        words: (questions, words), the weights of the question's words; None where it is not read by attention
        memory: what a decoder looks at: the cells of the picture, then the words of the question
        written: (n, vocabulary), logits of the decoder at the positions that the mask of the call names, or None
    """

    logits: Tensor
    blind: Tensor | None
    hops: Tensor
    words: Tensor | None
    memory: Memory
    written: Tensor | None = None


class StackedAttention(nn.Module):
    """A question's vector looks at the cells of a picture, hop by hop.

    Args:
        config: the shape
        question_dim: width of the question's vector
    """

    def __init__(self, config: StackedAttentionConfig, question_dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(question_dim, config.dim)
        self.match = nn.Linear(question_dim, config.dim)
        self.hops = nn.ModuleList(build_attention(config.attention, config.dim, config.dim) for _ in range(config.hops))
        self.output_dim = 2 * config.dim

    @property
    def looks(self) -> Iterable[Attention]:
        """The attention of each hop."""
        return cast("Iterable[Attention]", self.hops)

    def forward(self, question: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """Look at the cells, hop by hop.

        Args:
            question: (questions, question_dim)
            memory: the cells of the picture of each question

        Returns:
            the vector (questions, 2 dim) that an answer is read from, and the weights (questions, hops, positions).
        """
        found = torch.tanh(self.query(question)).unsqueeze(1)  # (questions, 1, dim)
        context, weights = found, []
        for attention in self.looks:
            look = attention(found, attention.keys(memory.grid), memory.grid, memory.mask)
            context, found = look.context, found + look.context
            weights.append(look.weights)
        product = torch.tanh(self.match(question)) * context.squeeze(1)
        return torch.cat([found.squeeze(1), product], -1), torch.cat(weights, 1)


def coordinates(shape: tuple[int, int]) -> Tensor:
    """Row and column of each cell of a grid, from -1 to 1: (positions, 2)."""
    rows, columns = (torch.linspace(-1, 1, size) if size > 1 else torch.zeros(1) for size in shape)
    return torch.cartesian_prod(rows, columns)


class AnswerHead(nn.Module):
    """All of an answerer but its picture encoder.

    Args:
        config: of the attention
        reader: of the questions
        answers: how many there are
        blind: reads the questions alone
        decoder: writes answers, built for a memory of width `config.dim` and a summary of width `2 * config.dim`; None
            for a model that only chooses
    """

    def __init__(
        self,
        config: StackedAttentionConfig,
        reader: TextEncoder,
        answers: int,
        blind: ClassifierNetwork,
        decoder: Decoder | None = None,
    ) -> None:
        super().__init__()
        self.reader, self.blind, self.decoder = reader, blind, decoder
        self.reading = build_reading(config.reading, reader)
        self.drop_cells, self.dropout = Dropout(config.cell_dropout), Dropout(config.dropout)
        self.places = nn.Linear(2, config.dim, bias=False)
        self.attention = StackedAttention(config, reader.output_dim)
        self.output = nn.Linear(self.attention.output_dim, answers)
        self.project_words = None if decoder is None else nn.Linear(reader.output_dim, config.dim)

    def forward(self, cells: Memory, questions: Padded, *, blind: bool = True) -> AnswerScores:
        """Answer questions: `cells` has the picture of each question, its grid (questions, positions, dim)."""
        words = self.reader(questions)
        question, word_weights = self.reading(words)
        (segment,) = cells.segments
        places = self.places(coordinates(segment.shape or (1, segment.length)).to(cells.grid.device))
        cells = replace(cells, grid=self.drop_cells(cells.grid) + places)
        vector, hops = self.attention(question, cells)
        memory = replace(cells, summary=vector)
        if self.project_words is not None:
            segments = (Segment("question", words.grid.shape[1]),)
            memory = join([memory, Memory(self.project_words(words.grid), words.mask, segments=segments)])
        without = self.blind(questions).logits if blind else None
        return AnswerScores(self.output(self.dropout(vector)), without, hops, word_weights, memory)


class AnswerNetwork(nn.Module):
    """A picture encoder, and what answers questions about its grids.

    Args:
        encoder: `encoder(pictures) -> Memory`, of width `dim` of the head's configuration
        head: the rest
    """

    def __init__(self, encoder: nn.Module, head: AnswerHead) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(
        self, asked: AskedPictures, tokens: Tensor | None = None, mask: Tensor | None = None, *, blind: bool = True
    ) -> AnswerScores:
        """Score the answers, and those that are written where `tokens` are given.

        Args:
            asked: the questions and their pictures
            tokens: (questions, time), written answers after START, for teacher forcing
            mask: (questions, time), True at the positions whose logits are wanted
            blind: whether the blind network answers too
        """
        cells = _spread(self.encoder(asked.pictures), asked.picture_of)
        scores: AnswerScores = self.head(cells, asked.questions, blind=blind)
        if tokens is None or mask is None or self.head.decoder is None:
            return scores
        written = EncoderDecoder(nn.Identity(), self.head.decoder)(scores.memory, tokens, mask).logits
        return replace(scores, written=written)


def _spread(memory: Memory, picture_of: Tensor) -> Memory:
    """The memory of the picture of each question."""
    mask = None if memory.mask is None else memory.mask[picture_of]
    return Memory(memory.grid[picture_of], mask, None, memory.segments)

"""A sentence and its photograph as one memory: the words' vectors and the picture's cells, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from s2s.models.image_encoder import ImageEncoder
from s2s.models.memory import Memory, join
from s2s.models.text_encoder import TextEncoder
from s2s.models.transformer_encoder import TransformerEncoder
from s2s.text.padding import Padded
from s2s.vision.grids import Features


@dataclass(frozen=True, eq=False)
class PicturedText:
    """Sentences, some of them with the features of a photograph.

    Attributes:
        text: token ids
        pictures: one feature map for each sentence. Where a sentence has no photograph, its mask is False everywhere
    """

    text: Padded
    pictures: Features

    @classmethod
    def of(cls, text: Padded, pictures: Sequence[Features | None]) -> PicturedText | Padded:
        """Put photographs beside sentences; the text alone if there is no photograph.

        Args:
            text: tensors
            pictures: for each sentence the features of one picture, on any device, or None
        """
        shown = [picture for picture in pictures if picture is not None]
        if not shown:
            return text
        like = shown[0].cells
        cells = like.new_zeros(len(pictures), *like.shape[1:])
        mask = torch.zeros(cells.shape[:3], dtype=torch.bool, device=like.device)
        for row, picture in enumerate(pictures):
            if picture is not None:
                cells[row] = picture.cells[0]
                mask[row] = True if picture.mask is None else picture.mask[0]
        return cls(text, Features(cells, mask).to(text.ids.device))

    @property
    def ids(self) -> Tensor:
        """(rows, longest), of the sentences."""
        return self.text.ids

    @property
    def mask(self) -> Tensor:
        """(rows, longest), True at real tokens."""
        return self.text.mask

    @property
    def lengths(self) -> Tensor:
        """(rows,), of the sentences in tokens."""
        return self.text.lengths


class PicturedTextEncoder(nn.Module):
    """A text encoder and an image encoder whose grids are joined (after Caglayan et al., 2016).

    The vectors of each side pass through a projection of their own, and a learned vector says which side they are of:

        grid = [W_text h_1 + t_text; ...; W_picture c_1 + t_picture; ...],   summary = [mean(h); mean(c)]

    The mean of the cells is 0 for a sentence without a photograph.

    Args:
        text: of the sentence
        image: of the photograph
    """

    skips_parameters: ClassVar[bool] = True  # those of the picture, in a batch without any

    def __init__(self, text: TextEncoder | TransformerEncoder, image: ImageEncoder) -> None:
        super().__init__()
        self.text, self.image = text, image
        self.output_dim = text.output_dim
        self.summary_dim = text.output_dim + image.grid.summary_dim
        self.text_projection = nn.Linear(text.output_dim, self.output_dim)
        self.picture_projection = nn.Linear(image.grid.output_dim, self.output_dim)
        self.text_type = nn.Parameter(torch.zeros(self.output_dim))
        self.picture_type = nn.Parameter(torch.zeros(self.output_dim))
        for vector in (self.text_type, self.picture_type):
            nn.init.normal_(vector, std=self.output_dim**-0.5)

    def forward(self, inputs: PicturedText | Padded) -> Memory:
        """To a memory whose grid has the words first and the cells behind them; text alone has no cells."""
        words = self.text(inputs.text if isinstance(inputs, PicturedText) else inputs)
        grid = self.text_projection(words.grid) + self.text_type  # (batch, tokens, output_dim)
        if not isinstance(inputs, PicturedText):
            nothing = words.summary.new_zeros(len(grid), self.image.grid.summary_dim)
            return Memory(grid, words.mask, torch.cat([words.summary, nothing], -1), words.segments)
        seen = self.image.grid(inputs.pictures)
        cells = self.picture_projection(seen.grid) + self.picture_type  # (batch, cells, output_dim)
        picture = Memory(cells, seen.mask, seen.summary.to(words.summary.dtype), seen.segments)
        return join([Memory(grid, words.mask, words.summary, words.segments), picture])

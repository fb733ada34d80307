"""Encoders of films: recurrent layers read the frames' CNN vectors in order, or each vector is read alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, layer_norm
from torch.nn.utils.rnn import pad_sequence

from s2s.models.configuration import RecurrentEncoderConfig
from s2s.models.label_configuration import FrameByFrameConfig, FrameEncoderConfig
from s2s.models.memory import Memory, Segment, masked_mean
from s2s.nn.dropout import Dropout
from s2s.nn.recurrent import RecurrentEncoder


@dataclass(frozen=True, eq=False)
class FilmVectors:
    """Films as one tensor.

    Attributes:
        vectors: (films, longest, dim), zeros after the end of each film
        lengths: (films,), how many frames each has
    """

    vectors: Tensor
    lengths: Tensor

    @property
    def mask(self) -> Tensor:
        """(films, longest) bool, True at real frames."""
        return torch.arange(self.vectors.shape[1], device=self.lengths.device) < self.lengths[:, None]

    @classmethod
    def of(cls, films: Sequence[Tensor], device: torch.device) -> FilmVectors:
        """Films (frames, dim) of any lengths as a batch on a device."""
        lengths = torch.tensor([len(film) for film in films], device=device)
        return cls(pad_sequence(list(films), batch_first=True).to(device), lengths)


def pool_cells(cells: Tensor, sides: int) -> Tensor:
    """Feature maps to vectors: the means of the cells in sides x sides parts of the picture, one after the other.

    Args:
        cells: (frames, rows, columns, channels)
        sides: parts along each side; 1 is the mean of the whole picture

    Returns:
        (frames, sides * sides * channels).
    """
    return adaptive_avg_pool2d(cells.permute(0, 3, 1, 2), sides).permute(0, 2, 3, 1).flatten(1)


class FrameEncoder(nn.Module):
    """What all encoders of films share: vectors are normalised, so that any CNN's do, and `read` makes the grid.

    Attributes:
        output_dim: width of the grid
    """

    output_dim: int

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.drop_vector = Dropout(dropout)

    def forward(self, source: FilmVectors) -> Memory:
        """Films -> grid (films, longest, output_dim) and summary (films, output_dim)."""
        vectors = self.drop_vector(layer_norm(source.vectors, source.vectors.shape[-1:]))
        grid, mask = self.read(vectors, source.lengths), source.mask
        return Memory(grid, mask, masked_mean(grid, mask), (Segment("frames", grid.shape[1]),))

    def read(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """(films, longest, dim) and the lengths (films,) -> (films, longest, output_dim)."""
        raise NotImplementedError


class RecurrentFrameEncoder(FrameEncoder):
    """Recurrent layers over the frames, so that each is labelled by what came before it, and after it.

    Args:
        config: the shape; its `word_dropout` drops whole frames, its `embedding_dropout` elements of their vectors
        input_dim: width of the vectors of frames
    """

    def __init__(self, config: RecurrentEncoderConfig, input_dim: int) -> None:
        super().__init__(config.embedding_dropout)
        self.drop_frame = Dropout(config.word_dropout, shared=-1)
        self.layers = RecurrentEncoder(
            config.cell,
            input_dim,
            config.dim,
            layers=config.layers,
            bidirectional=config.bidirectional,
            residual=config.residual,
            dropout=config.hidden_dropout,
        )
        self.output_dim = self.layers.output_dim

    def read(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """See `FrameEncoder`."""
        return self.layers(self.drop_frame(vectors), lengths).outputs


class FrameByFrameEncoder(FrameEncoder):
    """A layer with ReLU on each frame by itself. It cannot know in which direction anything moves.

    Args:
        config: the shape
        input_dim: width of the vectors of frames
    """

    def __init__(self, config: FrameByFrameConfig, input_dim: int) -> None:
        super().__init__(config.embedding_dropout)
        self.layer = nn.Linear(input_dim, config.dim)
        self.output_dim = config.dim

    def read(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """See `FrameEncoder`."""
        return torch.relu(self.layer(vectors))


FRAME_ENCODERS: dict[type[FrameEncoderConfig], type[FrameEncoder]] = {
    RecurrentEncoderConfig: RecurrentFrameEncoder,
    FrameByFrameConfig: FrameByFrameEncoder,
}


def build_frame_encoder(config: FrameEncoderConfig, input_dim: int) -> FrameEncoder:
    """The encoder of films that a configuration describes."""
    return FRAME_ENCODERS[type(config)](config, input_dim)  # type: ignore[arg-type]

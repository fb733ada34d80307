"""The `Network` that computes with PyTorch: it wraps an encoder-decoder for search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from s2s.decoding.workers import parallel_map
from s2s.models.contracts import Item, Result
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.quantisation import is_quantised
from s2s.nn.precision import Precision, autocast


class TorchNetwork:
    """See `Network`. Every step gives the log-probabilities of all tokens.

    Args:
        network: on its device, in evaluation mode
        precision: of matrix products; if the decoder is quantised, its other products are float32 in any case
    """

    def __init__(self, network: EncoderDecoder, precision: Precision = "auto") -> None:
        self.network = network
        self.precision: Precision = precision

    @property
    def device(self) -> torch.device:
        """Of the network."""
        return next(self.network.parameters()).device

    @contextmanager
    def searching(self, likeliest: int | None = None) -> Iterator[EncoderDecoder]:
        """See `Network`: without gradients, in the precision."""
        precision: Precision = "float32" if is_quantised(self.network) else self.precision
        # This is not `inference_mode`, in which autocast does not cache the weights that it has cast: it would cast all
        # of them again at each step.
        with torch.no_grad(), autocast(precision, self.device):
            yield self.network

    def array(self, values: NDArray[Any]) -> Tensor:
        """See `Network`."""
        return torch.from_numpy(values).to(self.device)

    def map(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """See `Network`: on a CPU one batch for each core."""
        return parallel_map(function, items, self.device)

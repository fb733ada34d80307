"""What every decoder offers; see s2s/models/contracts.py."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from s2s.errors import UserError, check
from s2s.models.contracts import DecoderStep, Output
from s2s.models.memory import Memory


class Decoder(nn.Module):
    """What every decoder offers, recurrent or not."""

    embedding: nn.Embedding

    def start(self, memory: Memory | None, *, sentences: int | None = None) -> Any:
        """The state before START, of one row a sentence.

        Args:
            memory: what the decoder looks at; None for a decoder that was built without one, such as a language model
            sentences: how many there are, where there is no memory that tells
        """
        raise NotImplementedError

    def step(self, tokens: Tensor, state: Any) -> DecoderStep:
        """Read one token a row: tokens (rows,) -> the next token's log-probabilities."""
        raise NotImplementedError

    def forward(self, tokens: Tensor, state: Any) -> Output:
        """Teacher forcing: read tokens (rows, time), START first, all at once."""
        raise NotImplementedError

    def readout(self, features: Tensor) -> Tensor:
        """(..., dim) -> logits (..., vocabulary)."""
        raise NotImplementedError

    def scheduled(self, tokens: Tensor, state: Any, sampling_probability: float) -> Output:
        """Scheduled sampling, for decoders whose `DecoderConfig` has `reads_own_words`.

        Raises:
            UserError: this decoder computes all steps at once
        """
        raise UserError(
            f"{type(self).__name__} reads all words at once, so scheduled sampling cannot feed its own words back: "
            "choose a decoder.kind among input_feeding, show_and_tell, show_attend_tell, top_down and transformer, or "
            "leave scheduled_sampling out"
        )


def check_sampling_probability(probability: float) -> None:
    """Raise a UserError if this is no probability of scheduled sampling."""
    check(
        0 <= probability <= 1,
        f"the probability of scheduled sampling is {probability}: choose a number from 0 to 1",
    )

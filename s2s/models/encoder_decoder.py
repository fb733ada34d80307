"""The encoder-decoder: an encoder that makes a `Memory`, and the decoder that looks at it."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from s2s.models.contracts import DecoderStep, Predictions
from s2s.models.decoder import Decoder
from s2s.nn.hard_attention import mean_over_positions


class EncoderDecoder(nn.Module):
    """An encoder and a decoder as one model.

    Args:
        encoder: `encoder(inputs) -> Memory`, of the typed batch that it takes. None for a decoder without a memory, as
            in a language model; then `inputs` is the number of sentences
        decoder: built for this memory, or for none
    """

    def __init__(self, encoder: nn.Module | None, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def start(self, inputs: Any) -> Any:
        """Encode, and return the decoder's state before START."""
        if self.encoder is None:
            return self.decoder.start(None, sentences=inputs)
        return self.decoder.start(self.encoder(inputs))

    def step(self, tokens: Tensor, state: Any) -> DecoderStep:
        """Read one token a row: tokens (rows,) -> the next token's log-probabilities."""
        return self.decoder.step(tokens, state)

    def forward(self, inputs: Any, tokens: Tensor, mask: Tensor, sampling_probability: float = 0.0) -> Predictions:
        """Teacher forcing.

        Args:
            inputs: what the encoder takes
            tokens: (rows, time), START first. There may be several rows to an input, side by side: five captions of a
                photograph look at one grid
            mask: (rows, time), True at the positions whose logits are wanted: where the next token is real
            sampling_probability: share of the tokens that the decoder replaces by its own (scheduled sampling)
        """
        state = self.start(inputs)
        state = state.repeat(len(tokens) // state.sentences)
        if sampling_probability:
            output = self.decoder.scheduled(tokens, state, sampling_probability)
        else:
            output = self.decoder(tokens, state)
        logits = self.decoder.readout(output.features[mask])  # (n, vocabulary)
        if output.mixture is not None:
            logits = mean_over_positions(logits, output.mixture[mask])
        return Predictions(logits, output.attention, state.mask, output.sampled)

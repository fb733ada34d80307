"""The encoder-decoder: anything that makes a `Memory`, and the decoder that looks at it."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from s2s.models.recurrent_decoder import Decoder, DecoderState, Output, Step


class EncoderDecoder(nn.Module):
    """An encoder, `encoder(inputs) -> Memory`, and a decoder.

    `inputs` is whatever typed batch the encoder takes: the core never looks inside.
    """

    def __init__(self, encoder: nn.Module, decoder: Decoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def start(self, inputs: Any) -> DecoderState:
        """Encode, and give the decoder's state before START."""
        return self.decoder.start(self.encoder(inputs))

    def step(self, tokens: Tensor, state: DecoderState) -> Step:
        """Read one token a row: tokens (rows,) -> the next token's log-probabilities."""
        return self.decoder.step(tokens, state)

    def forward(self, inputs: Any, tokens: Tensor, own: float = 0.0) -> Output:
        """Teacher forcing: inputs and the sentences so far (rows, time), START first, to all steps' features.

        The rows may be several to an input, side by side: five captions of a photograph look at one grid. With `own`
        above 0 that share of the words read is the decoder's own: see `SequentialDecoder.scheduled`.
        """
        state = self.start(inputs)
        state = state.repeat(len(tokens) // state.sentences)
        return self.decoder.scheduled(tokens, state, own) if own else self.decoder(tokens, state)

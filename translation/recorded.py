"""Recorded translation: what the layers of a translator compute while they read a sentence and write another one.

The decoder reads the model's own translation, or a given one; translation/pairs.py says how a line is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from s2s.errors import UserError
from s2s.models.recorded_encoder import record_encoder
from s2s.models.recurrent_decoder import RecurrentDecoder
from s2s.models.text_encoder import TextEncoder
from s2s.nn.recording import LayerRun, recorded
from s2s.text.padding import pad
from translation.model import TranslationModel
from translation.pairs import Pair, PairReader


@dataclass(frozen=True)
class Recording:
    """What the network computes for a pair.

    Attributes:
        embedded: what the lowest layers of the encoder read, (source tokens, embedding_dim)
        encoder: the layers from the bottom, by name; time is that of the sentence also where it is read backwards
        read: the tokens that the decoder reads: START, and the target without its last token
        decoder: the layers from the bottom, by name
        attention: (steps, source tokens); None where the decoder does not look
        log_probabilities: (steps, vocabulary), of what follows each step
    """

    embedded: Tensor
    encoder: Mapping[str, LayerRun]
    read: list[int]
    decoder: Mapping[str, LayerRun]
    attention: Tensor | None
    log_probabilities: Tensor


class Recorder(PairReader):
    """Records a translation model.

    Args:
        model: on its device, in evaluation mode
        width: of the beam that finds the model's own translations
    """

    def __init__(self, model: TranslationModel, width: int) -> None:
        encoder, decoder = model.text_encoder, model.network.decoder
        if not isinstance(encoder, TextEncoder) or not isinstance(decoder, RecurrentDecoder):
            raise UserError(
                "the encoder or the decoder of this model is a Transformer, which has no recurrent cells to look into; "
                "see what its heads look at with `s2s view heads`"
            )
        super().__init__(model, width)
        self.encoder, self.decoder = encoder, decoder

    def record(self, pair: Pair) -> Recording:
        """Run the network over a pair, in float32."""
        source, read = pad([pair.source]).moved(self.array), pair.read
        memory, encoder = record_encoder(self.encoder, source)
        with recorded(list(self.decoder.layers)) as cells:  # without gradients
            embedded = self.encoder.embed(source)
            output = self.decoder(self.array(np.array([read])), self.decoder.start(memory))
            log_probabilities = self.decoder.readout(output.features).float().log_softmax(-1)
        return Recording(
            embedded[0],
            encoder,
            read,
            {f"layer {number}": cell.run() for number, cell in enumerate(cells, 1)},
            None if output.attention is None else output.attention[0],
            log_probabilities[0],
        )

"""Recorded translation: what the layers of a translator compute while they read a sentence and write another one.

The decoder reads the model's own translation, or a given one; translation/pairs.py says how a line is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from s2s.errors import UserError
from s2s.models.recurrent_decoder import RecurrentDecoder
from s2s.models.text_encoder import TextEncoder
from s2s.nn.recording import LayerRun, recorded
from s2s.text.padding import pad
from translation.model import TranslationModel
from translation.pairs import Pair, PairReader

RIGHT_TO_LEFT = ", right to left"  # the end of the name of a layer that reads a sentence backwards


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
        ahead, back = list(self.encoder.layers.ahead), list(self.encoder.layers.back)
        source = pad([pair.source]).moved(self.array)
        with recorded([*ahead, *back]) as cells:
            embedded, memory = self.encoder.embed(source), self.encoder(source)
        runs = [cell.run() for cell in cells]
        read = pair.read
        with recorded(list(self.decoder.layers)) as cells:
            output = self.decoder(self.array(np.array([read])), self.decoder.start(memory))
            log_probabilities = self.decoder.readout(output.features).float().log_softmax(-1)
        return Recording(
            embedded[0],
            dict(_named(runs[: len(ahead)], runs[len(ahead) :])),
            read,
            {f"layer {number}": cell.run() for number, cell in enumerate(cells, 1)},
            None if output.attention is None else output.attention[0],
            log_probabilities[0],
        )


def _named(ahead: Sequence[LayerRun], back: Sequence[LayerRun]) -> Iterator[tuple[str, LayerRun]]:
    """The layers of an encoder in the order in which they are computed."""
    for i, run in enumerate(ahead):
        yield f"layer {i + 1}" + (", left to right" if back else ""), run
        if back:
            yield f"layer {i + 1}{RIGHT_TO_LEFT}", _flipped(back[i])


def _flipped(run: LayerRun) -> LayerRun:
    """The steps of a layer that read a sentence backwards, in the order of the sentence."""
    gates = {name: gate.flip(0) for name, gate in run.gates.items()}
    return LayerRun(gates, tuple(each.flip(0) for each in run.before), tuple(each.flip(0) for each in run.states))

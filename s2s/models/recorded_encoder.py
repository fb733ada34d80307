"""What the recurrent layers of a text encoder compute over sentences, by name and in the order of the sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from s2s.models.memory import Memory
from s2s.models.text_encoder import TextEncoder
from s2s.nn.recording import LayerRun, recorded
from s2s.text.padding import Padded

RIGHT_TO_LEFT = ", right to left"  # the end of the name of a layer that reads a sentence backwards


def record_encoder(encoder: TextEncoder, source: Padded) -> tuple[Memory, dict[str, LayerRun]]:
    """Run an encoder over one sentence.

    Args:
        encoder: in evaluation mode
        source: a batch of one row, on the device of the encoder

    Returns:
        the memory, and the layers from the bottom; time is that of the sentence also where it is read backwards.
    """
    ahead, back = list(encoder.layers.ahead), list(encoder.layers.back)
    with recorded([*ahead, *back]) as cells:
        memory = encoder(source)
    runs = [cell.run() for cell in cells]
    return memory, dict(_named(runs[: len(ahead)], runs[len(ahead) :]))


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

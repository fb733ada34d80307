"""Unrolling a translation: the steps of the encoder over the sentence, then those of the decoder over the translation.

Without a given translation, each step of the decoder reads the token that was likeliest after the step before.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from s2s.errors import check
from s2s.models.recorded_encoder import RIGHT_TO_LEFT
from s2s.models.unrolling import likeliest, shown_piece, token_label, unrolled_layers, values_of
from s2s.views.unrolled import LONGEST, SentenceToUnroll, Unrolled, UnrolledStep
from translation.recorded import Pair, Recorder, Recording


def unroll(directory: Path, sentence: SentenceToUnroll) -> Unrolled:
    """See `Unroll`."""
    recorder = Recorder.load(directory, 1, sentence.device, sentence.threads)
    (pair,) = recorder.pairs([sentence.text], None if sentence.target is None else [sentence.target])
    return unroll_pair(recorder, pair, sentence.units)


def unroll_pair(recorder: Recorder, pair: Pair, units: int) -> Unrolled:
    """The steps over a pair, with so many units of each vector at most.

    Raises:
        UserError: a sentence is too long.
    """
    for side, ids in (("source", pair.source), ("translation", pair.target)):
        check(len(ids) <= LONGEST, f"the {side} has {len(ids):,} tokens; give a sentence of at most {LONGEST}")
    recording = recorder.record(pair)
    source = [shown_piece(piece) for piece in pair.source_pieces]
    steps = [*_encoder_steps(recording, source, units), *_decoder_steps(recorder, recording, pair, units)]
    return Unrolled(steps, source if recording.attention is not None else [], recording.embedded.shape[-1])


def _encoder_steps(recording: Recording, source: list[str], units: int) -> Iterator[UnrolledStep]:
    """Layer by layer: a layer reads what both directions of the layer below have found."""
    lowest = next(iter(recording.encoder)).partition(",")[0]
    for name, run in recording.encoder.items():
        backwards = name.endswith(RIGHT_TO_LEFT)
        for t in reversed(range(len(source))) if backwards else range(len(source)):
            embedding = values_of(recording.embedded[t], units) if name.partition(",")[0] == lowest else None
            layers = unrolled_layers({name: run}, t, units)
            yield UnrolledStep(f"encoder, {name}", source[t], t, embedding, layers)


def _decoder_steps(recorder: Recorder, recording: Recording, pair: Pair, units: int) -> Iterator[UnrolledStep]:
    embeddings = recorder.decoder.embedding.weight
    label = partial(token_label, recorder.model.target)
    target = [shown_piece(piece) for piece in pair.target_pieces]
    for t, token in enumerate(recording.read):
        yield UnrolledStep(
            "decoder",
            target[t - 1] if t else shown_piece("", begins=True),
            t,
            values_of(embeddings[token], units),
            unrolled_layers(recording.decoder, t, units),
            None if recording.attention is None else values_of(recording.attention[t]),
            likeliest(recording.log_probabilities[t], label),
            target[t] if t < len(target) else None,
        )

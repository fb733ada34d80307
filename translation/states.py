"""The states of a translator's layers over sentences: the encoder's over the source, the decoder's over the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from s2s.models.layer_states import layer_states
from s2s.nn.recording import LayerRun
from s2s.text.tokens import UNK
from s2s.views.text_states import TextStates, TextToRead
from translation.recorded import Pair, Recorder

_WIDTH = 5  # of the beam, as that of `translate`


def read_states(directory: Path, text: TextToRead) -> list[TextStates]:
    """See `ReadStates`: one sentence per line, each of which is read by itself."""
    recorder = Recorder.load(directory, _WIDTH, text.device, text.threads)
    lines = text.text.removesuffix("\n").split("\n")
    return pair_states(recorder, recorder.pairs(lines, text.targets), given=text.targets is not None)


def pair_states(recorder: Recorder, pairs: Sequence[Pair], *, given: bool = False) -> list[TextStates]:
    """The states of the encoder and of the decoder over pairs.

    The decoder's tokens are those that it reads: START, and the translation without END.

    Args:
        pairs: at least one
        given: whether the translations are given ones, for the name of the text
    """
    recordings = [recorder.record(pair) for pair in pairs]
    sources = [pair.source for pair in pairs]
    shown = [["", *pair.target_pieces[: len(each.read) - 1]] for pair, each in zip(pairs, recordings)]
    name = "decoder: the given translation" if given else "decoder: the model's own translation"
    return [
        _text("encoder: the source", sources, [pair.source_pieces for pair in pairs], [r.encoder for r in recordings]),
        _text(name, [each.read for each in recordings], shown, [each.decoder for each in recordings]),
    ]


def _text(
    name: str, ids: Sequence[list[int]], pieces: Sequence[list[str]], runs: Sequence[Mapping[str, LayerRun]]
) -> TextStates:
    """All sentences of one side."""
    starts = list(accumulate(map(len, ids[:-1]), initial=0))
    tokens = [token for sentence in ids for token in sentence]
    return TextStates(
        [piece for sentence in pieces for piece in sentence],
        [layer_states(layer, [run[layer].states for run in runs]) for layer in runs[0]],
        name,
        starts,
        [place for place, token in enumerate(tokens) if token == UNK],
    )

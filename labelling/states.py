"""The states of the encoder of a classifier or tagger over sentences: what each unit holds after each word."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import torch

from labelling.configuration import TAGGER
from labelling.model import LabellingModel
from s2s.errors import check
from s2s.models.layer_states import layer_states
from s2s.models.recorded_encoder import record_encoder
from s2s.nn.precision import choose_device, use_threads
from s2s.nn.recording import LayerRun
from s2s.text.tokens import UNK
from s2s.text.word_marks import words_of
from s2s.views.text_states import TextStates, TextToRead


def read_states(directory: Path, text: TextToRead) -> list[TextStates]:
    """See `ReadStates`: one sentence per line, each of which is read by itself, in words as the model reads them."""
    check(text.targets is None, "--target: a classifier or tagger writes no text; leave --target out")
    use_threads(text.threads)
    device, model = choose_device(text.device), LabellingModel.load(directory)
    model.network.to(device)
    lines = text.text.removesuffix("\n").split("\n")
    sentences = [words for line in lines if (words := _words(model, line))]
    check(sentences, "the text holds no words; give at least one sentence")
    return [sentence_states(model, sentences)]


def sentence_states(model: LabellingModel, sentences: Sequence[Sequence[str]]) -> TextStates:
    """The states over sentences; each word is a piece, and all but the first of a sentence begin with a space.

    Args:
        model: in evaluation mode
        sentences: at least one, of at least one word each
    """
    ids = model.assets.ids(sentences)
    runs = [_record(model, words, own) for words, own in zip(sentences, ids)]
    return TextStates(
        [f" {word}" if place else word for words in sentences for place, word in enumerate(words)],
        [layer_states(layer, [run[layer].states for run in runs]) for layer in runs[0]],
        "encoder",
        list(accumulate(map(len, ids[:-1]), initial=0)),
        [place for place, token in enumerate(token for own in ids for token in own) if token == UNK],
    )


def _record(model: LabellingModel, words: Sequence[str], ids: Sequence[int]) -> dict[str, LayerRun]:
    encoder = model.network.encoder
    place = encoder.embedding.weight.device
    source = model.assets.batch([words], [ids]).moved(lambda values: torch.from_numpy(values).to(place))
    return record_encoder(encoder, source)[1]


def _words(model: LabellingModel, line: str) -> list[str]:
    """The words of a line, as `classify` and `tag` find them."""
    config = model.config
    return line.split() if config.head.kind == TAGGER else words_of(line, tokenise=config.tokenise)

r"""The states of a language model over a text: what each unit of each layer holds after each token.

    states = text_states(model, "ROMEO:\nBut soft")
    states.layers[0].cell[:, 17]

is the value of unit 17 of the lowest layer, one for each of `states.pieces`.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import torch

from language_model.corpus import Text, written
from language_model.model import LanguageModel, load_model
from s2s.errors import check
from s2s.models.layer_states import layer_states
from s2s.nn.cells import CellStates
from s2s.text.tokens import END, UNK
from s2s.views.text_states import TextStates, TextToRead

_CHUNK = 4096  # tokens that are read at once


def read_states(directory: Path, text: TextToRead) -> list[TextStates]:
    """See `ReadStates`: the states over the text, which is one sequence."""
    check(text.targets is None, "--target: a language model reads one text and has no translation; leave --target out")
    return [text_states(load_model(directory, text.device, text.threads), text.text)]


def text_states(model: LanguageModel, text: str) -> TextStates:
    r"""Read a text from its beginning; return the states after each of its tokens.

    Args:
        model: in evaluation mode
        text: with `\n` at line ends

    Raises:
        UserError: the text is empty.
    """
    lines = Text.of(text)
    ids = lines.encode(model.vocabulary).tolist()
    check(ids, "the text is empty: give at least one character")
    decoder, parts = model.decoder, list[list[CellStates]]()
    tokens = torch.tensor([ids], device=decoder.embedding.weight.device)
    with torch.no_grad():
        _, state = decoder.trace(tokens.new_tensor([[END]]), decoder.start(None, sentences=1))
        for chunk in tokens.split(_CHUNK, dim=1):
            layers, state = decoder.trace(chunk, state)
            parts.append(layers)
    joined = [layer_states(f"layer {i + 1}", [part[i] for part in parts]) for i in range(len(parts[0]))]
    unknown = [place for place, token in enumerate(ids) if token == UNK]
    return TextStates(pieces_of(model, lines, ids), joined, unknown=unknown)


def pieces_of(model: LanguageModel, lines: Text, ids: list[int]) -> list[str]:
    """What each token of a text stands for; unknown ones are shown as they stand in the text."""
    vocabulary = model.vocabulary
    shown = [written(vocabulary, token, begins=before == END) for token, before in zip(ids, chain([END], ids))]
    if UNK not in ids:
        return shown
    own = (piece for line in lines.lines for piece in [*vocabulary.pieces(line), "\n"])
    return [piece if token == UNK else each for token, each, piece in zip(ids, shown, own)]

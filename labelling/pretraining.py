"""Begin with the text encoder of another model: what a translator has learned of words, a classifier need not learn.

A translator must tell what a sentence says, from far more text than has labels (McCann et al., 2017, "Learned in
translation"). Its recurrent layers are taken over as they are. A word of the new vocabulary begins as the mean of the
vectors of its subwords. All of it is then trained further.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from labelling.model import LabellingModel
from s2s.cli.start import fill_shape
from s2s.cli.training_command import check_same_shape
from s2s.errors import UserError, check
from s2s.models.pretrained import ReadsText, load_reader
from s2s.models.text_encoder import TextEncoder
from s2s.text.tokens import PAD, SPECIALS, UNK


class Start:
    """The model that a training begins with: first the recipe gets its shape, then the new model its weights.

    It is loaded once for both.
    """

    def __init__(self) -> None:
        self._readers = dict[str, ReadsText]()  # that have given their shape and not yet their weights

    def take_over(self, table: dict[str, Any]) -> Iterator[str]:
        """Fill in what a recipe leaves out of the shape of the encoder of the model in `start`; yield what is wrong.

        Args:
            table: the recipe as read from TOML; changed in place
        """
        if isinstance(start := table.get("start"), str):
            try:
                reader = self._readers[start] = load_reader(start)
            except UserError as error:
                yield f"start: {error}"
                return
            encoder = reader.text_encoder
            fill_shape(table, "encoder", encoder.config)
            table.setdefault("embedding_dim", encoder.embedding.embedding_dim)

    def begin(self, model: LabellingModel, start: Path) -> None:
        """Copy the weights of another model's text encoder into a new model.

        Layers above those of the other encoder, and the weights that read spellings, stay as they are.

        Raises:
            UserError: the shapes do not fit.
        """
        reader, encoder = self._readers.pop(str(start), None) or load_reader(start), model.text_encoder
        check_same_shape(start, reader.text_encoder.config, encoder.config, free=["layers"], names={})
        width, own = reader.text_encoder.embedding.embedding_dim, encoder.embedding.embedding_dim
        differs = f"{start}: the recipe differs from this model in embedding_dim ({own}, the model has {width})"
        check(width == own, differs)
        with torch.no_grad():
            encoder.embedding.weight.copy_(_word_vectors(model, reader))
            _take_layers(encoder, reader.text_encoder)


def _word_vectors(model: LabellingModel, reader: ReadsText) -> Tensor:
    """The vector of each word of the vocabulary: the mean of those of its subwords; (words, embedding_dim)."""
    known = reader.text_encoder.embedding.weight.float()
    vectors = known[len(SPECIALS) :].mean(0).repeat(len(model.source), 1)  # of words that are unknown there
    vectors[PAD] = 0
    for i, word in enumerate(model.source.surfaces):
        ids = [each for each in reader.source.encode(word) if each != UNK] if i >= len(SPECIALS) else []
        if ids:
            vectors[i] = known[ids].mean(0)
    return vectors


def _take_layers(encoder: TextEncoder, other: TextEncoder) -> None:
    """Copy the weights of the recurrent layers that both have."""
    weights = encoder.layers.state_dict()
    for name, values in other.layers.state_dict().items():
        if name in weights:  # the first layer may read more than words: spellings, whose weights stand behind
            weights[name][..., : values.shape[-1]] = values

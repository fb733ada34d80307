"""The heads of a translator that is a Transformer, over a sentence and its translation, for `s2s view heads`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from s2s.errors import UserError, check
from s2s.models.looking import decoder_looks, encoder_looks
from s2s.models.transformer_decoder import TransformerDecoder
from s2s.models.transformer_encoder import TransformerEncoder
from s2s.text.padding import pad
from s2s.text.tokens import SPECIALS, START
from s2s.text.vocabulary import Vocabulary
from s2s.views.heads import LONGEST, Heads, InputToRead, LookingHeads
from translation.pairs import Pair, PairReader

_WIDTH = 5  # of the beam, as that of `translate`


def read_heads(directory: Path, given: InputToRead) -> Heads:
    """See `ReadHeads`."""
    reader = PairReader.load(directory, _WIDTH, given.device, given.threads)
    encoder, decoder = reader.model.text_encoder, reader.model.network.decoder
    if not isinstance(encoder, TransformerEncoder) and not isinstance(decoder, TransformerDecoder):
        raise UserError(
            f"{directory}: neither its encoder nor its decoder is a Transformer, so it has no heads; see its attention "
            "with `translate --attention PAGE.html`"
        )
    (pair,) = reader.pairs([given.text], None if given.target is None else [given.target])
    return pair_heads(reader, pair)


def pair_heads(reader: PairReader, pair: Pair) -> Heads:
    """The heads over a pair; see `read_heads`."""
    for side, ids in (("sentence", pair.source), ("translation", pair.target)):
        check(len(ids) <= LONGEST, f"the {side} has {len(ids):,} tokens; give one of at most {LONGEST}")
    encoder, decoder = reader.model.text_encoder, reader.model.network.decoder
    source, found = pad([pair.source]).moved(reader.array), list[LookingHeads]()
    words = _shown(pair.source_pieces, pair.source, reader.model.source)
    written = _shown(pair.target_pieces, pair.target, reader.model.target)
    if isinstance(encoder, TransformerEncoder):
        found.append(LookingHeads("encoder: the source looks at itself", words, words, encoder_looks(encoder, source)))
    if isinstance(decoder, TransformerDecoder):
        with torch.no_grad():
            memory = encoder(source)
        own, over = decoder_looks(decoder, reader.array(np.array([pair.read])), memory)
        read = [SPECIALS[START], *written][: len(pair.read)]
        found.insert(0, LookingHeads("decoder: what is written looks at the source", written, words, over))
        found.append(LookingHeads("decoder: what was read looks at itself", read, read, own))
    return Heads(found)


def _shown(pieces: list[str], ids: list[int], vocabulary: Vocabulary) -> list[str]:
    """What a reader sees of tokens: their part of the text, or the name of a special one."""
    return [piece or vocabulary.tokens([token])[0] for piece, token in zip(pieces, ids)]

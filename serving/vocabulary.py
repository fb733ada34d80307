"""Vocabularies for the page: what serving/data/engine/vocabulary.js needs to encode and decode as Python does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from s2s.text.tokens import SPECIALS

if TYPE_CHECKING:
    from s2s.text.vocabulary import Vocabulary

_SPACE = "\u2581"  # SentencePiece's


def vocabulary_data(vocabulary: Vocabulary) -> dict[str, Any]:
    """A vocabulary as a JSON object.

    Returns:
        kind, placeholders: see `Vocabulary`
        surfaces: the text of each token, without the special tokens and the placeholders
        scores: of each of them, if they are subwords: in BPE the order of merges, else log-probabilities
    """
    data: dict[str, Any] = {"kind": vocabulary.kind, "placeholders": vocabulary.placeholders}
    if vocabulary.kind not in ("bpe", "unigram"):
        return {**data, "surfaces": json.loads(vocabulary.to_bytes())}
    from sentencepiece import SentencePieceProcessor

    processor = SentencePieceProcessor(model_proto=vocabulary.to_bytes())
    ids = range(len(SPECIALS), processor.get_piece_size())
    surfaces = [processor.id_to_piece(i).replace(_SPACE, " ") for i in ids]
    scores = [processor.get_score(i) for i in ids]
    return {**data, "surfaces": surfaces, "scores": [int(s) if s.is_integer() else s for s in scores]}

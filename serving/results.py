"""The results of models as JSON."""

from __future__ import annotations

from typing import Any

from s2s.decoding.results import Caption, Result, Sentence, Translation
from s2s.views.attention_view import round_weights

Json = dict[str, Any]


def translation_details(translation: Translation, alternatives: int, attention: bool) -> Json:
    """A line: its translations, best first, with what they are worth.

    Args:
        translation: of the line
        alternatives: how many more translations than the best are given
        attention: whether the attention weights are given, (tokens, source tokens), with the tokens
    """
    found = _details(translation, alternatives, attention)
    if translation.terms:
        found["terms"] = [vars(term) for term in translation.terms]
    return found | {"source_tokens": translation.source_tokens} if attention else found


def caption_details(caption: Caption, alternatives: int, attention: bool) -> Json:
    """A picture: its captions, best first, with what they are worth; or the problem with the picture.

    Args:
        caption: of the picture
        alternatives: how many more captions than the best are given
        attention: whether the attention weights are given, (tokens, cells), with the tokens; cells lie row by row in
            `grid`, and the photograph fills the share `extent` of its height and width
    """
    if caption.problem:
        return {"name": caption.name, "caption": None, "problem": caption.problem}
    found = {"name": caption.name, "caption": caption.text} | _details(caption, alternatives, attention)
    if attention and caption.attention is not None:
        found |= {"grid": caption.attention.shape[1:], "extent": caption.extent}
    return found


def _details(result: Result, alternatives: int, attention: bool) -> Json:
    sentences = [_sentence(each, attention) for each in result.n_best[: 1 + alternatives]]
    return {
        "score": sentences[0]["score"] if sentences else None,
        "confidence": None if result.confidence is None else round(result.confidence, 4),
        "doubtful": result.doubtful,
        "reasons": result.reasons,
        "n_best": sentences,
    }


def _sentence(sentence: Sentence, attention: bool) -> Json:
    score = round(sentence.score, 4) if sentence.tokens else None  # a line that was copied has no score
    found: Json = {"text": sentence.text, "score": score}
    if not attention:
        return found
    weights = sentence.attention
    rows = None if weights is None else round_weights(weights.reshape(len(weights), -1))
    return found | {"tokens": sentence.tokens, "attention": rows}

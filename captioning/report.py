"""The report of `caption`: an object for each picture.

    caption --report report.jsonl holiday/

A line of the report, which is JSON:

    path        of the picture, as it was given or found
    caption     of the model, without the mark of --unsure; null for a picture that could not be read
    score       mean log-probability of a token (with another --length-penalty, the score of the search)
    confidence  the probability that the caption is acceptable, 0 to 1; null if the confidence of the model is not
                calibrated
    doubtful    whether the confidence is below the threshold of the calibration; null if it is not calibrated
    reasons     what lowers the confidence, in words, the most important first
    problem     why the picture could not be read; there is no score, confidence or reason then
"""

from __future__ import annotations

from typing import Any

from s2s.cli.doubts import NOT_CALIBRATED
from s2s.decoding.results import Caption


def entry(caption: Caption) -> dict[str, Any]:
    """The object of one picture; see the docstring of the module."""
    if caption.problem:
        return {"path": caption.name, "caption": None, "problem": caption.problem}
    calibrated = caption.confidence is not None
    return {
        "path": caption.name,
        "caption": caption.text,
        "score": round(caption.score, 4),
        "confidence": None if caption.confidence is None else round(caption.confidence, 4),
        "doubtful": caption.doubtful if calibrated else None,
        "reasons": list(caption.reasons) if calibrated else [NOT_CALIBRATED],
    }

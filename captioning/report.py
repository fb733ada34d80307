"""What the files of `caption` say of a picture: the records of `--jsonl`, and what `--json` and `--csv` take of them.

    caption --jsonl captions.jsonl holiday/

A line of the file, which is JSON:

    path        of the picture: relative to the folder, if one folder was given; else as it was given or found
    image_id    what COCO's results call it: COCO's number for COCO's own names, else the file's name, or its path where
                two files have one name
    caption     of the model, without the mark of --unsure; null for a picture that could not be read
    score       mean log-probability of a token (with another --length-penalty, the score of the search)
    confidence  the probability that the caption is acceptable, 0 to 1; null if the confidence of the model is not
                calibrated
    doubtful    whether the confidence is below the threshold of the calibration; null if it is not calibrated,
                unless the picture is one colour
    reasons     what lowers the confidence, in words, the most important first
    n_best      with --n-best: the captions and scores, best first
    problem     why the picture could not be read; there is no score, confidence or reason then
    side_file   true if the caption was read from a side file, and nothing else is known of it
"""

from __future__ import annotations

from typing import Any

from captioning.results import ImageId
from s2s.cli.doubts import NOT_CALIBRATED
from s2s.decoding.results import Caption

Record = dict[str, Any]


def record(caption: Caption, path: str, image_id: ImageId, *, n_best: bool = False) -> Record:
    """The record of one picture; see the docstring of the module."""
    place: Record = {"path": path, "image_id": image_id}
    if caption.problem:
        return place | {"caption": None, "problem": caption.problem}
    calibrated = caption.confidence is not None
    found = {
        "caption": caption.text,
        "score": round(caption.score, 4),
        "confidence": None if caption.confidence is None else round(caption.confidence, 4),
        "doubtful": caption.doubtful if calibrated or caption.doubtful else None,
        "reasons": [*caption.reasons, *([] if calibrated else [NOT_CALIBRATED])],
    }
    if n_best:
        found["n_best"] = [{"caption": each.text, "score": round(each.score, 4)} for each in caption.n_best]
    return place | found


def side_record(path: str, image_id: ImageId, text: str) -> Record:
    """The record of a picture whose caption was read from a side file."""
    return {"path": path, "image_id": image_id, "caption": text, "side_file": True}

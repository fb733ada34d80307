"""What the captioner of the page needs beside its network (serving/data/engine/captioner.js), as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from captioning import confidence
from captioning.text import unique_words
from s2s.config import to_dict
from s2s.decoding import confidence as calibrated
from s2s.decoding import loops
from serving.vocabulary import vocabulary_data

if TYPE_CHECKING:
    from captioning.configuration import CaptioningConfig
    from s2s.decoding.confidence import Calibration
    from s2s.text.vocabulary import Vocabulary


def captioner_data(
    config: CaptioningConfig, vocabulary: Vocabulary, grid: tuple[int, int], calibration: Calibration | None
) -> dict[str, Any]:
    """The data of a captioner.

    Args:
        config, vocabulary, calibration: of the model
        grid: rows and columns of its CNN's feature map
    """
    table = loops.word_table(vocabulary, config.language, unique_words(vocabulary, config.language))
    return {
        "vocabulary": vocabulary_data(vocabulary),
        "words": {"doubled": sorted(table.doubled), "signs": sorted(table.signs), "unique": sorted(table.unique)},
        "repeated": loops.WORDS,
        "treebank": config.text == "treebank",
        "length": config.max_caption_length,
        "preprocessing": to_dict(config.preprocessing),
        "grid": grid,
        "calibration": None if calibration is None else to_dict(calibration),
        "confidence": {
            "LIMIT": calibrated.LIMIT,
            "MOST_REASONS": calibrated.MOST_REASONS,
            "SURE": calibrated.SURE,
            "NOTABLE": calibrated._NOTABLE,
            "WORDS": dict(confidence.WORDS),
        },
    }

"""What a translation model consists of beside its network: configuration, vocabularies, calibration; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from s2s.config import from_dict
from s2s.decoding import confidence
from s2s.decoding.confidence import Calibration, read_calibration
from s2s.storage.model_record import ModelRecord
from s2s.text.vocabulary import Vocabulary, load_vocabulary
from translation.confidence import WORDS
from translation.configuration import TranslationConfig


@dataclass(frozen=True)
class Assets:
    """Read from a model directory, for either engine.

    Attributes:
        source, target: the vocabularies; one object if they are one
        calibration: of the confidence; None if it was not calibrated
    """

    config: TranslationConfig
    source: Vocabulary
    target: Vocabulary
    calibration: Calibration | None

    @classmethod
    def read(cls, record: ModelRecord) -> Assets:
        """Build them from the record of a model directory, inside `record.building()`; raise a UserError for faults."""
        config = from_dict(TranslationConfig, record.config, source=str(record.path))
        load = partial(load_vocabulary, config.vocabulary_kind, placeholders=config.placeholders)
        source = load(record.asset("source.vocabulary"))
        target = source if config.joint_vocabulary else load(record.asset("target.vocabulary"))
        fitted, path = record.assets.get(confidence.FILE), record.directory / confidence.FILE
        return cls(config, source, target, read_calibration(fitted, path, WORDS))

"""What a captioner consists of beside its network: configuration, vocabulary, calibration; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from captioning import familiarity
from captioning.confidence import WORDS
from captioning.configuration import CaptioningConfig
from captioning.familiarity import Familiarity
from s2s.config import from_dict
from s2s.decoding import confidence
from s2s.decoding.confidence import Calibration, read_calibration
from s2s.storage.model_record import ModelRecord
from s2s.text.vocabulary import Vocabulary, load_vocabulary


@dataclass(frozen=True)
class Assets:
    """Read from a model directory, for either engine.

    Attributes:
        familiarity: what the training pictures look like; None if the model was not calibrated
        calibration: of the confidence; None if the model was not calibrated
    """

    config: CaptioningConfig
    vocabulary: Vocabulary
    familiarity: Familiarity | None
    calibration: Calibration | None

    @classmethod
    def read(cls, record: ModelRecord) -> Assets:
        """Build them from the record of a model directory, inside `record.building()`; raise a UserError for faults."""
        config = from_dict(CaptioningConfig, record.config, source=str(record.path))
        vocabulary = load_vocabulary(config.vocabulary_kind, record.asset("vocabulary"))
        pictures, fitted = record.assets.get(familiarity.FILE), record.assets.get(confidence.FILE)
        if pictures is None:
            return cls(config, vocabulary, None, None)
        known = Familiarity.from_bytes(pictures, record.directory / familiarity.FILE)
        calibration = read_calibration(fitted, record.directory / confidence.FILE, WORDS)
        return cls(config, vocabulary, known, calibration)

    def check_dim(self, dim: int, directory: Path) -> None:
        """Raise a UserError if the training pictures were described by a CNN with another number of channels."""
        if self.familiarity:
            self.familiarity.check_dim(dim, directory / familiarity.FILE)

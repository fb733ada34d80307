"""The configuration and vocabulary of a language model, read without torch."""

from __future__ import annotations

from dataclasses import dataclass

from language_model.configuration import LanguageModelConfig
from s2s.config import from_dict
from s2s.storage.model_record import ModelRecord
from s2s.text.vocabulary import Vocabulary, load_vocabulary

VOCABULARY = "vocabulary"  # the name of its file


@dataclass(frozen=True)
class Assets:
    """Read from a model directory, for either engine."""

    config: LanguageModelConfig
    vocabulary: Vocabulary

    @classmethod
    def read(cls, record: ModelRecord) -> Assets:
        """Build them from the record of a model directory, inside `record.building()`; raise a UserError for faults."""
        config = from_dict(LanguageModelConfig, record.config, source=str(record.path))
        return cls(config, load_vocabulary(config.vocabulary_kind, record.asset(VOCABULARY)))

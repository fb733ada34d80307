"""What an answerer consists of beside its network: configuration, vocabularies, baseline; without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from question_answering.configuration import AnswererConfig
from s2s.config import from_dict
from s2s.errors import UserError, check
from s2s.storage.model_record import ModelRecord
from s2s.text.vocabulary import WordVocabulary

WORDS, WRITTEN, FREQUENT = "words.vocabulary", "written.vocabulary", "frequent.json"


@dataclass(frozen=True)
class Assets:
    """Read from a model directory, for either engine.

    Attributes:
        words: of the questions
        written: the words that the decoder writes; None if there is no decoder
        frequent: the most frequent answer of each kind of question in the training data; that of all under ""
    """

    config: AnswererConfig
    words: WordVocabulary
    written: WordVocabulary | None
    frequent: Mapping[str, str]

    @classmethod
    def read(cls, record: ModelRecord) -> Self:
        """Build them from the record of a model directory, inside `record.building()`; raise a UserError for faults."""
        config = from_dict(AnswererConfig, record.config, source=str(record.path))
        written = WordVocabulary.from_bytes(record.asset(WRITTEN)) if config.decoder else None
        words = WordVocabulary.from_bytes(record.asset(WORDS))
        return cls(config, words, written, _frequent(record.asset(FREQUENT)))

    def to_files(self) -> dict[str, bytes]:
        """The contents of their files, by name."""
        frequent = json.dumps(self.frequent, ensure_ascii=False, indent=0).encode()
        files = {WORDS: self.words.to_bytes(), FREQUENT: frequent}
        return files if self.written is None else {**files, WRITTEN: self.written.to_bytes()}

    def ids(self, questions: Sequence[Sequence[str]]) -> list[list[int]]:
        """The ids of the words of questions."""
        return [self.words.encode_tokens(words) for words in questions]


def _frequent(data: bytes) -> dict[str, str]:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise UserError(f"{FREQUENT} is damaged ({error}); replace it by a good copy, or train again") from error
    right = isinstance(found, dict) and "" in found and all(isinstance(each, str) for each in found.values())
    check(right, f"{FREQUENT} is not an object of texts; replace it by a good copy, or train again")
    return found

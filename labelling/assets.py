"""The configuration and vocabularies of a classifier or tagger, read without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labelling.configuration import LabellingConfig
from s2s.config import from_dict
from s2s.storage.model_record import ModelRecord
from s2s.text.padding import Padded, pad
from s2s.text.vocabulary import CharacterVocabulary, WordVocabulary
from s2s.text.words import pad_words, word_ids

WORDS, CHARACTERS = "words.vocabulary", "characters.vocabulary"


@dataclass(frozen=True)
class Assets:
    """Read from a model directory, for either engine.

    Attributes:
        words: the vocabulary
        characters: of the spellings; None if the model reads none
    """

    config: LabellingConfig
    words: WordVocabulary
    characters: CharacterVocabulary | None

    @classmethod
    def read(cls, record: ModelRecord) -> Assets:
        """Build them from the record of a model directory, inside `record.building()`; raise a UserError for faults."""
        config = from_dict(LabellingConfig, record.config, source=str(record.path))
        words = WordVocabulary.from_bytes(record.asset(WORDS))
        characters = CharacterVocabulary.from_bytes(record.asset(CHARACTERS)) if config.spelling else None
        return cls(config, words, characters)

    def to_files(self) -> dict[str, bytes]:
        """The contents of their files, by name."""
        files = {WORDS: self.words.to_bytes()}
        return files if self.characters is None else {**files, CHARACTERS: self.characters.to_bytes()}

    def ids(self, sentences: Sequence[Sequence[str]]) -> list[list[int]]:
        """The ids of the words of sentences."""
        return word_ids(sentences, self.words, lower_case=self.config.lower_case)

    def batch(self, sentences: Sequence[Sequence[str]], ids: Sequence[Sequence[int]]) -> Padded:
        """Sentences as what the network reads, as NumPy arrays; `ids` are those of their words."""
        return pad(ids) if self.characters is None else pad_words(sentences, ids, self.characters)

"""From the raw files of a recipe to what training reads, once: token ids and a vocabulary in a cache.

The cache is keyed by the content of the files and by the parts of the recipe that matter, so that it is never stale
and may be deleted at any time; s2s/cache.py says where it lies.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load, save

from language_model.corpus import Text, Tokens, read_text
from language_model.recipe import DataConfig, Recipe, VocabularyConfig
from s2s import cache
from s2s.config import to_dict
from s2s.errors import check
from s2s.files import atomic_file, sha256
from s2s.text.subwords import train_subwords
from s2s.text.tokens import END, UNK
from s2s.text.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary, load_vocabulary

VERSION = 1  # of what is cached: raise it when splitting, vocabularies or encoding change


@dataclass(frozen=True)
class PreparedText:
    """Training and validation text as token ids, and the vocabulary; two with one `key` have the same content.

    Attributes:
        train, validation: (tokens,) int32
        characters, words: of the validation text, see language_model/corpus.py
        vocabulary: of both
        key: of the content
    """

    train: Tokens
    validation: Tokens
    characters: int
    words: int
    vocabulary: Vocabulary
    key: str


def prepare_text(recipe: Recipe) -> PreparedText:
    """Read the text, learn the vocabulary and encode, or take it from the cache; a report goes to standard error.

    Raises:
        UserError: a file cannot be read or is empty, or a text is too small.
    """
    key = _key(recipe)
    path = cache.folder() / f"{key}.safetensors"
    if not path.exists():
        cache.make_writable(path.parent)  # said before the work is done
        _store(path, _prepared(recipe))
    arrays = _stored(path)
    vocabulary = load_vocabulary(recipe.vocabulary.kind, arrays["vocabulary"].tobytes())
    characters, words = map(int, arrays["sizes"])
    text = PreparedText(arrays["train"], arrays["validation"], characters, words, vocabulary, key)
    print(_report(text), file=sys.stderr)
    return text


def read_texts(data: DataConfig) -> tuple[Text, Text]:
    """Return the text to train on and the text to validate on."""
    train = read_text(data.train)
    if data.validation:
        return train, read_text(data.validation)
    first, last = train.split(data.validation_share)
    check(
        first.characters and last.characters,
        f"data.validation_share = {data.validation_share} of {train.characters} characters leaves nothing to train or "
        "to validate on; use a longer text or another share",
    )
    return first, last


def learn_vocabulary(text: Text, config: VocabularyConfig) -> Vocabulary:
    """The vocabulary of a training text."""
    if config.kind == "word":
        return WordVocabulary.from_lines(text.lines, threshold=config.threshold)
    if config.kind == "character":
        return CharacterVocabulary.from_lines(text.lines, threshold=config.threshold)
    return train_subwords(text.lines, config.size, kind=config.kind)


def _prepared(recipe: Recipe) -> Mapping[str, np.ndarray]:
    train, validation = read_texts(recipe.data)
    vocabulary = learn_vocabulary(train, recipe.vocabulary)
    return {
        "train": train.encode(vocabulary),
        "validation": validation.encode(vocabulary),
        "sizes": np.array([validation.characters, validation.words], np.int64),
        "vocabulary": np.frombuffer(vocabulary.to_bytes(), np.uint8),
    }


def _report(text: PreparedText) -> str:
    """How large the texts are, and how much of them the vocabulary does not know."""
    parts = {"to train on": text.train, "to validate on": text.validation}
    sizes = [
        f"{len(ids):,} tokens {what}, {int((ids == END).sum()):,} of them line ends"
        + (f", {unknown:,} unknown ({unknown / len(ids):.2%})" if (unknown := int((ids == UNK).sum())) else "")
        for what, ids in parts.items()
    ]
    return f"{'; '.join(sizes)}; {len(text.vocabulary):,} different tokens ({text.vocabulary.kind})"


def _key(recipe: Recipe) -> str:
    files = [[sha256(path) for path in paths] for paths in (recipe.data.train, recipe.data.validation)]
    return cache.key([VERSION, files, recipe.data.validation_share, to_dict(recipe.vocabulary)])


def _store(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """One file, below the SHA-256 of its content."""
    content = save(dict(arrays))
    with atomic_file(path) as aside:
        aside.write_bytes(_checksum(content) + b"\n" + content)


def _stored(path: Path) -> dict[str, np.ndarray]:
    checksum, _, content = path.read_bytes().partition(b"\n")
    advice = "delete it, and it will be made anew"
    check(checksum == _checksum(content), f"{path}: is damaged (its checksum differs); {advice}")
    return load(content)


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()

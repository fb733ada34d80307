"""From the raw files of a recipe to what training reads, once: cleaned pairs and vocabularies in a cache.

The cache is keyed by the content of the files and by the parts of the recipe that matter, so that it is never stale
and may be deleted at any time. It lies in $S2S_CACHE, else in ~/.cache/s2s.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from s2s import vocabulary
from s2s.config import to_dict
from s2s.errors import UserError
from s2s.files import directory_aside, sha256
from s2s.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary, train_subwords
from translation.corpus import ParallelText, clean, read_parallel
from translation.recipe import Recipe, VocabularyConfig

VERSION = 1  # of what is cached: raise it when cleaning or vocabularies change


@dataclass(frozen=True)
class Prepared:
    """Training pairs, validation pairs and vocabularies; `key` names their content."""

    train: ParallelText
    validation: ParallelText
    source: Vocabulary
    target: Vocabulary
    key: str


def prepare(recipe: Recipe) -> Prepared:
    """Clean the text and learn the vocabularies, or take them from the cache; the report goes to standard error."""
    validation = read_parallel(recipe.data.validation_source, recipe.data.validation_target)
    key = _key(recipe)
    folder = _cache() / key
    if not folder.is_dir():
        train, report = _cleaned(recipe)
        source, target = learn_vocabularies(train, recipe.vocabulary)
        _store(folder, train, [source, target], report)
    text, vocabularies, report = _stored(folder, recipe.vocabulary.kind)
    print(report, file=sys.stderr)
    return Prepared(text, validation, *vocabularies, key)


def learn_vocabularies(text: ParallelText, config: VocabularyConfig) -> tuple[Vocabulary, Vocabulary]:
    """One vocabulary for both sides, or one for each, from the training text alone."""
    if config.joint:
        joint = _learn([text.source, text.target], config)
        return joint, joint
    return _learn([text.source], config), _learn([text.target], config)


def _learn(sides: Sequence[Sequence[str]], config: VocabularyConfig) -> Vocabulary:
    lines = chain.from_iterable(sides)
    if config.kind == "word":
        return WordVocabulary.from_lines(lines, threshold=config.threshold)
    if config.kind == "character":
        return CharacterVocabulary.from_lines(lines, threshold=config.threshold)
    return train_subwords(lines, config.size, kind=config.kind)


def _cleaned(recipe: Recipe) -> tuple[ParallelText, str]:
    """All training files as one text, edge spaces taken off."""
    source, target, lines, reports = [], [], [], []
    for paths in zip(recipe.data.train_source, recipe.data.train_target):
        text, report = clean(read_parallel(*paths), recipe.cleaning)
        reports.append(f"{paths[0]}, {paths[1]}: {report}")
        source += [line.strip() for line in text.source]
        target += [line.strip() for line in text.target]
        lines += text.lines
    if not lines:
        raise UserError(f"nothing is left to train on: {'; '.join(reports)}")
    return ParallelText(source, target, lines), "\n".join(reports)


def _key(recipe: Recipe) -> str:
    files = [sha256(path) for path in [*recipe.data.train_source, *recipe.data.train_target]]
    names = [str(path) for path in recipe.data.train_source]  # the report speaks of them
    parts = [VERSION, files, names, to_dict(recipe.cleaning), to_dict(recipe.vocabulary) | {"bpe_dropout": 0, "unknown_copies": 0}]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _cache() -> Path:
    folder = Path(os.environ.get("S2S_CACHE") or Path.home() / ".cache" / "s2s")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _store(folder: Path, text: ParallelText, vocabularies: Sequence[Vocabulary], report: str) -> None:
    with directory_aside(folder) as aside:
        (aside / "pairs.json").write_text(json.dumps([text.source, text.target, list(text.lines)], ensure_ascii=False))
        for i, item in enumerate(vocabularies):
            (aside / f"{i}.vocabulary").write_bytes(item.to_bytes())
        (aside / "report.txt").write_text(report)


def _stored(folder: Path, kind: str) -> tuple[ParallelText, tuple[Vocabulary, Vocabulary], str]:
    text = ParallelText(*json.loads((folder / "pairs.json").read_text()))
    first, second = (vocabulary.from_bytes(kind, (folder / f"{i}.vocabulary").read_bytes()) for i in range(2))
    return text, (first, second), (folder / "report.txt").read_text()

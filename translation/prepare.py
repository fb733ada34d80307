"""From the raw files of a recipe to what training reads, once: cleaned pairs and vocabularies in a cache.

The cache is keyed by the content of the files and by the parts of the recipe that matter, so that it is never stale
and may be deleted at any time; s2s/cache.py says where it lies.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from s2s import cache, vocabulary
from s2s.config import to_dict
from s2s.errors import UserError
from s2s.files import directory_aside, sha256
from s2s.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary, train_subwords
from translation.corpus import ParallelText, clean, read_parallel
from translation.recipe import Recipe, VocabularyConfig

VERSION = 3  # of what is cached: raise it when cleaning or vocabularies change


@dataclass(frozen=True)
class Prepared:
    """Training pairs, validation pairs and vocabularies; two with one `key` have the same content.

    `sizes` says how many of the training pairs come from each pair of files, one after the other.
    """

    train: ParallelText
    sizes: Sequence[int]
    validation: ParallelText
    source: Vocabulary
    target: Vocabulary
    key: str

    @cached_property
    def tokens(self) -> tuple[list[list[int]], list[list[int]]]:
        """The training pairs as token ids, sources and targets; made once, for it is half of what a start takes."""
        return self.source.encode_all(self.train.source), self.target.encode_all(self.train.target)


def prepare(recipe: Recipe, known: tuple[Vocabulary, Vocabulary] | None = None) -> Prepared:
    """Clean the text and learn the vocabularies, or take them from the cache; the report goes to standard error.

    `known` are those of a model that is gone on from: then none are learned.
    """
    validation = read_parallel(recipe.data.validation_source, recipe.data.validation_target)
    folder = cache.folder() / _key(recipe, known)
    if not folder.is_dir():
        cache.make_writable(folder.parent)  # said before the work is done
        train, sizes, report = _cleaned(recipe)
        _store(folder, train, sizes, known or learn_vocabularies(train, recipe.vocabulary), report)
    text, sizes, vocabularies, report = _stored(folder, known[0].kind if known else recipe.vocabulary.kind)
    for line in [report, *_unknown(recipe, validation, vocabularies)]:
        print(line, file=sys.stderr)
    validated = [sha256(path) for path in (recipe.data.validation_source, recipe.data.validation_target)]
    return Prepared(text, sizes, validation, *vocabularies, key=cache.key([folder.name, *validated]))


def _unknown(recipe: Recipe, text: ParallelText, vocabularies: tuple[Vocabulary, Vocabulary]) -> Iterator[str]:
    """How much of the validation text the vocabularies do not know; with all characters, subwords know everything."""
    sides = [(recipe.data.validation_source, text.source), (recipe.data.validation_target, text.target)]
    for (path, lines), known in zip(sides, vocabularies):
        if isinstance(known, WordVocabulary | CharacterVocabulary):
            yield f"{path}: {known.oov_report(lines)}"


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


def _cleaned(recipe: Recipe) -> tuple[ParallelText, list[int], str]:
    """All training files as one text, edge spaces taken off."""
    source, target, lines, sizes, reports = [], [], [], [], []
    for paths in zip(recipe.data.train_source, recipe.data.train_target):
        raw = read_parallel(*paths)
        bare = ParallelText([line.strip() for line in raw.source], [line.strip() for line in raw.target], raw.lines)
        text, report = clean(bare, recipe.cleaning)
        reports.append(f"{paths[0]}, {paths[1]}: {report}")
        source += text.source
        target += text.target
        lines += text.lines
        sizes.append(len(text))
    if not lines:
        raise UserError(f"nothing is left to train on: {'; '.join(reports)}")
    return ParallelText(source, target, lines), sizes, "\n".join(reports)


def _key(recipe: Recipe, known: tuple[Vocabulary, Vocabulary] | None) -> str:
    files = [sha256(path) for path in [*recipe.data.train_source, *recipe.data.train_target]]
    names = [str(path) for path in [*recipe.data.train_source, *recipe.data.train_target]]  # the report has them
    learned = to_dict(recipe.vocabulary) | {"bpe_dropout": 0, "unknown_copies": 0}  # which change the batches alone
    vocabularies = [side.to_bytes().hex() for side in known] if known else learned
    return cache.key([VERSION, files, names, to_dict(recipe.cleaning), vocabularies])


def _store(
    folder: Path, text: ParallelText, sizes: Sequence[int], vocabularies: Sequence[Vocabulary], report: str
) -> None:
    """Two trainings may prepare the same at the same time: each writes a folder of its own, and one of them stays."""
    own = folder.with_name(f"{folder.name}-{secrets.token_hex(4)}")
    with directory_aside(own) as aside:
        pairs = [text.source, text.target, list(text.lines)]
        (aside / "pairs.json").write_bytes(json.dumps([pairs, sizes]).encode())
        for i, item in enumerate(vocabularies):
            (aside / f"{i}.vocabulary").write_bytes(item.to_bytes())
        (aside / "report.txt").write_bytes(report.encode())
    try:
        own.rename(folder)
    except OSError:
        shutil.rmtree(own)
        if not folder.is_dir():
            raise


def _stored(folder: Path, kind: str) -> tuple[ParallelText, list[int], tuple[Vocabulary, Vocabulary], str]:
    try:
        pairs, sizes = json.loads((folder / "pairs.json").read_bytes())
        first, second = (vocabulary.from_bytes(kind, (folder / f"{i}.vocabulary").read_bytes()) for i in range(2))
        return ParallelText(*pairs), sizes, (first, second), (folder / "report.txt").read_bytes().decode()
    except (FileNotFoundError, TypeError, ValueError) as error:
        raise UserError(f"{folder}: is damaged; delete it, and it will be made anew ({error})") from error

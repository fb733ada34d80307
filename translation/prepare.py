"""From the raw files of a recipe to what training reads, once: cleaned pairs and vocabularies in a cache.

The cache is keyed by the content of the files and by the parts of the recipe that matter, so that it is never stale
and may be deleted at any time; s2s/cache.py says where it lies.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from s2s import cache
from s2s.config import to_dict
from s2s.errors import UserError, check, printable, warn
from s2s.files import atomic_file, sha256
from s2s.text import vocabulary
from s2s.text.subwords import train_subwords
from s2s.text.unknown_characters import unknown_characters
from s2s.text.vocabulary import CharacterVocabulary, Vocabulary, WordVocabulary
from s2s.training.mixing import Mixture
from translation.corpus import ParallelText, bare_text, clean, read_parallel, unescape_pairs
from translation.corpus_checks import signs_of_equal_sides, signs_of_swapped_sides
from translation.reading import rare_characters
from translation.recipe import Corpus, Recipe, VocabularyConfig

VERSION = 7  # of what is cached, and of what an epoch is: raise it when cleaning, vocabularies or batches change


@dataclass(frozen=True)
class PreparedPairs:
    """Training pairs, validation pairs and vocabularies; two with one `key` have the same content.

    `sizes` says how many of the training pairs come from each corpus, one after the other.
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

    @property
    def longest_source(self) -> int:
        """The most tokens that a source has."""
        return max(map(len, self.tokens[0]))

    @property
    def length_ratio(self) -> float:
        """The target tokens per source token that 99.9 % of the pairs do not exceed."""
        ratios = sorted(len(target) / len(source) for source, target in zip(*self.tokens))
        return ratios[int(0.999 * (len(ratios) - 1))]

    def rare_characters(self, threshold: int) -> str:
        """The characters of the source that are too rare to be learned, see `rare_characters`."""
        return rare_characters(self.train.source, self.source.characters, threshold)


def prepare_pairs(recipe: Recipe, known: tuple[Vocabulary, Vocabulary] | None = None) -> PreparedPairs:
    """Clean the text and learn the vocabularies, or take them from the cache; the report goes to standard error.

    `known` are those of a model that is gone on from: then none are learned.
    """
    validation = read_validation(recipe)
    path = cache.folder() / f"{_key(recipe, known)}.json"
    if not path.exists():
        cache.make_writable(path.parent)  # said before the work is done
        train, sizes, report = _cleaned(recipe)
        vocabularies = known or learn_vocabularies(train.pick(_as_weighted(recipe, sizes)), recipe.vocabulary)
        _store(path, train, sizes, vocabularies, report)
    kind, placeholders = recipe.vocabulary.kind, recipe.vocabulary.placeholders
    if known:
        kind, placeholders = known[0].kind, max(known[0].placeholders, placeholders)
    text, sizes, vocabularies, report = _stored(path, kind, placeholders)
    unknown = [*_unknown_in_training(recipe, text, sizes, known)] if known else []
    unknown += unknown_in_validation(recipe, validation, vocabularies)
    for line in [report, *unknown, *_overlap(recipe, validation, text)]:
        print(printable(line) if line != report else line, file=sys.stderr)
    for sign in _signs_of_wrong_files(recipe, validation, text, sizes):
        warn(sign)
    return PreparedPairs(text, sizes, validation, *vocabularies, key=cache.key([path.stem, *validation_key(recipe)]))


def read_validation(recipe: Recipe) -> ParallelText:
    """Read the validation text; raise a UserError if it has nothing to validate on."""
    validation = read_parallel(recipe.data.validation_source, recipe.data.validation_target)
    if recipe.cleaning.unescape_entities:
        validation = unescape_pairs(validation)
    for path, lines, _ in _sides(recipe, validation):
        check(any(map(str.strip, lines)), f"{path}: has blank lines alone; validate on sentences")
    return validation


def validation_key(recipe: Recipe) -> list[str]:
    """The SHA-256 of the files of the validation text."""
    return [sha256(path) for path in (recipe.data.validation_source, recipe.data.validation_target)]


def unknown_in_validation(
    recipe: Recipe, validation: ParallelText, vocabularies: tuple[Vocabulary, Vocabulary]
) -> Iterator[str]:
    """Return how much of the validation text the vocabularies do not know."""
    yield from _unknown(zip(_sides(recipe, validation), vocabularies))


def _signs_of_wrong_files(
    recipe: Recipe, validation: ParallelText, train: ParallelText, sizes: Sequence[int]
) -> Iterator[str]:
    """Return warnings about files of the recipe that are probably not the ones that were meant."""
    for corpus, part in _corpora(recipe, train, sizes):
        yield from signs_of_equal_sides(*corpus.sides, part)
    paths = recipe.data.validation_source, recipe.data.validation_target
    yield from signs_of_equal_sides(*paths, validation)
    yield from signs_of_swapped_sides(*paths, validation, train)


def _corpora(recipe: Recipe, text: ParallelText, sizes: Sequence[int]) -> Iterator[tuple[Corpus, ParallelText]]:
    """Return the training corpora, with the pairs that were kept of each."""
    first = 0
    for corpus, size in zip(recipe.data.training, sizes):
        yield corpus, text.pick(range(first, first + size))
        first += size


def _unknown(texts: Iterable[tuple[tuple[str, Sequence[str], Sequence[int]], Vocabulary]]) -> Iterator[str]:
    """Return how much of each text its vocabulary does not know: tokens, or for subwords characters."""
    for (path, lines, numbers), known in texts:
        if isinstance(known, WordVocabulary | CharacterVocabulary):
            yield f"{path}: {known.oov_report(lines)}"
        elif unknown := unknown_characters(known, lines, numbers):
            yield f"{path}: {unknown}"


def _unknown_in_training(
    recipe: Recipe, text: ParallelText, sizes: Sequence[int], known: tuple[Vocabulary, Vocabulary]
) -> Iterator[str]:
    """Return how much of the training files the vocabularies of the model that training starts from do not know."""
    for corpus, part in _corpora(recipe, text, sizes):
        source, target = corpus.sides
        yield from _unknown(zip([(source, part.source, part.lines), (target, part.target, part.lines)], known))


def _sides(recipe: Recipe, text: ParallelText) -> list[tuple[str, Sequence[str], Sequence[int]]]:
    """Return the files of the validation text, with their lines and line numbers."""
    paths = str(recipe.data.validation_source), str(recipe.data.validation_target)
    return [(paths[0], text.source, text.lines), (paths[1], text.target, text.lines)]


def _overlap(recipe: Recipe, validation: ParallelText, train: ParallelText) -> Iterator[str]:
    """How much of the validation text was trained on: a validation of such pairs says little of new text."""
    known = set(zip(train.source, train.target))
    pairs = zip(validation.source, validation.target)
    count = sum((source.strip(), target.strip()) in known for source, target in pairs)
    if count:
        yield overlap_message(recipe, count, len(validation))


def overlap_message(recipe: Recipe, count: int, of: int) -> str:
    """What is said where so many of the validation pairs stand in the training text too."""
    names = f"{recipe.data.validation_source}, {recipe.data.validation_target}"
    return f"{names}: {count:,} of {of:,} pairs stand in the training text too, and flatter the scores"


def _as_weighted(recipe: Recipe, sizes: Sequence[int]) -> list[int]:
    """Return the examples that vocabularies are learned from: each corpus counts by its weight.

    They are those of the first epochs, so many that the corpus with the largest weight is read at least once.
    """
    weights = [corpus.weight for corpus in recipe.data.training]
    mixture = Mixture(sizes, weights, temperature=recipe.data.temperature)
    epochs = math.ceil(1 / max(weights))
    return [example for epoch in range(epochs) for example in mixture.epoch(epoch)]


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
    """All training files as one text, without spaces at the ends of lines and without invisible characters."""
    source, target, lines, sizes, reports = [], [], [], [], []
    for corpus in recipe.data.training:
        text, report = clean(bare_text(corpus.read()), recipe.cleaning)
        reports.append(f"{', '.join(map(str, corpus.paths))}: {report}")
        source += text.source
        target += text.target
        lines += text.lines
        sizes.append(len(text))
    if not lines:
        raise UserError(f"nothing is left to train on: {'; '.join(reports)}")
    return ParallelText(source, target, lines), sizes, "\n".join(reports)


def _key(recipe: Recipe, known: tuple[Vocabulary, Vocabulary] | None) -> str:
    corpora = recipe.data.training
    files = [[sha256(path) for path in corpus.paths] for corpus in corpora]
    names = [corpus.sides for corpus in corpora]  # the report has them, and the columns of a table
    weights = [recipe.data.temperature, *(corpus.weight for corpus in corpora)]
    others = {"bpe_dropout": 0, "unknown_copies": 0, "placeholders": 0, "rare_character": 0}  # change no vocabulary
    learned = to_dict(recipe.vocabulary) | others
    vocabularies = [side.to_bytes().hex() for side in known] if known else learned
    return cache.key([VERSION, files, names, weights, to_dict(recipe.cleaning), vocabularies])


def _store(
    path: Path, text: ParallelText, sizes: Sequence[int], vocabularies: Sequence[Vocabulary], report: str
) -> None:
    """One file, below the SHA-256 of its content; of two trainings that prepare the same at once the last one stays."""
    pairs = [text.source, text.target, list(text.lines)]
    content = json.dumps([pairs, sizes, [side.to_bytes().hex() for side in vocabularies], report]).encode()
    with atomic_file(path) as aside:
        aside.write_bytes(_checksum(content) + b"\n" + content)


def _stored(
    path: Path, kind: str, placeholders: int
) -> tuple[ParallelText, list[int], tuple[Vocabulary, Vocabulary], str]:
    checksum, _, content = path.read_bytes().partition(b"\n")
    whole = checksum == _checksum(content)
    check(whole, f"{path}: is damaged (its checksum differs); delete it, and it will be made anew")
    pairs, sizes, vocabularies, report = json.loads(content)
    first, second = (vocabulary.load_vocabulary(kind, bytes.fromhex(side), placeholders) for side in vocabularies)
    return ParallelText(*pairs), sizes, (first, second), report


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()

"""Prepare a corpus that is larger than memory: its text becomes token shards, by several processes.

First every corpus is cleaned, each by one process (translation/corpus_cleaning.py); then the vocabularies are learned
from a sample (corpus_sampling.py); then every part is encoded (corpus_encoding.py); at last the index is written. Each
part is renamed when it is whole, so that a preparation that was interrupted goes on with the next one.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from s2s import cache, config
from s2s.cli.progress_line import ProgressLine
from s2s.errors import UserError, check, counted, printable, warn
from s2s.files import atomic_file, flush_folder, sha256
from s2s.locking import lock_file
from s2s.processes import call_all
from s2s.storage.verified import seal, unseal
from s2s.text.vocabulary import Vocabulary
from translation import corpus_cleaning, corpus_encoding
from translation.corpus import CleaningReport, ParallelText
from translation.corpus_checks import signs_of_equal_sides, signs_of_swapped_sides
from translation.corpus_cleaning import clean_corpus, is_cleaned, part_names, read_cleaned, remove_cleaned
from translation.corpus_encoding import (
    EncodedPart,
    VocabularyFile,
    encode_part,
    is_encoded,
    length_ratio,
    read_encoded,
    remove_encoded,
)
from translation.corpus_sampling import sample_corpora
from translation.prepare import learn_vocabularies, read_validation
from translation.prepared_corpus import (
    CORPUS_FORMAT,
    INDEX,
    SHARDS,
    SIDES,
    description_of,
    read_index,
    read_vocabulary,
    shards_of,
    vocabulary_path,
)
from translation.recipe import Corpus, Recipe

PREPARATION, _LOCK = "preparation.json", "lock"


def prepare_corpus(
    recipe: Recipe, output: Path, processes: int, known: tuple[Vocabulary, Vocabulary] | None = None
) -> dict[str, Any]:
    """Prepare the text of a recipe in a folder, or go on with it; return the index.

    Args:
        recipe: what to prepare
        output: a new or empty folder, or one in which the same preparation was interrupted
        processes: how many work at a time
        known: the vocabularies of the model that training will start from; then none are learned

    Raises:
        UserError: the text cannot be used, or the folder holds something else.
    """
    _check_vacant(output)
    output.mkdir(parents=True, exist_ok=True)
    with _locked(output):
        made_from = _begun(recipe, output, known)
        if (before := _whole(output)) is not None:
            print(f"{output}: was prepared before, from the same text", file=sys.stderr)
            return before
        size = made_from["part"]
        names = [part_names(number, count, size) for number, count in enumerate(made_from["counts"])]
        for name in (name for own in names for name in own):
            corpus_encoding.discard_damaged(output / SHARDS, name)
            corpus_cleaning.discard_damaged(output / SHARDS, name, text=not is_encoded(output / SHARDS, name))
        reports = _clean(recipe, output / SHARDS, names, size, processes)
        files = _vocabularies(recipe, output, names, known)
        _encode(output / SHARDS, names, files, processes)
        return _finish(output, made_from, names, files, reports)


def _whole(output: Path) -> dict[str, Any] | None:
    """The index of a finished preparation; None without one, or if a file is damaged: then all is made again."""
    if not (output / INDEX).exists():
        return None
    index = read_index(output)
    try:
        for shard in chain.from_iterable(shards_of(output, index)):
            shard.verify()
        for side in SIDES:
            read_vocabulary(output, side, index)
    except UserError as error:
        warn(f"{error}; the whole corpus is made again")
        with atomic_file(output / PREPARATION) as aside:
            aside.write_bytes(seal({"made_from": index["made_from"]}))
        (output / INDEX).unlink()
        for side in SIDES:
            vocabulary_path(output, side).unlink(missing_ok=True)
        return None
    return index


def _check_vacant(output: Path) -> None:
    check(output.is_dir() or not output.exists(), f"{output}: is a file; name a folder for the corpus")
    known = any((output / name).exists() for name in (PREPARATION, INDEX))
    others = [] if known or not output.exists() else [path.name for path in output.iterdir() if path.name != _LOCK]
    check(not others, f"{output}: is not empty (it holds {', '.join(sorted(others)[:3])}); name a new folder")


@contextmanager
def _locked(output: Path) -> Iterator[None]:
    descriptor = os.open(output / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            lock_file(descriptor)
        except (BlockingIOError, PermissionError) as error:
            raise UserError(f"{output}: another process is preparing it; wait until it ends, or stop it") from error
        yield
    finally:
        os.close(descriptor)


def _begun(recipe: Recipe, output: Path, known: tuple[Vocabulary, Vocabulary] | None) -> dict[str, Any]:
    """What is prepared from what: written at the beginning, and the same whenever the preparation goes on."""
    corpora = recipe.data.training
    files = [[_fingerprint(path) for path in corpus.paths] for corpus in corpora]
    start = cache.key([side.to_bytes().hex() for side in known]) if known else None
    asked = {**description_of(recipe), "files": files, "start": start}
    path = next((output / name for name in (INDEX, PREPARATION) if (output / name).exists()), None)
    if path is None:
        made_from = {**asked, "counts": [corpus.count() for corpus in corpora], "part": corpus_cleaning.PART}
        read_validation(recipe)  # what will fail, fails now
        (output / SHARDS).mkdir(exist_ok=True)
        with atomic_file(output / PREPARATION) as aside:
            aside.write_bytes(seal({"made_from": made_from}))
        return made_from
    try:
        made_from = unseal(path)["made_from"]
    except UserError as error:
        raise UserError(f"{error}; or delete {output} and prepare it again") from error
    _check_same(output, asked, made_from, corpora)
    return made_from


def _fingerprint(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"size": status.st_size, "modified": status.st_mtime_ns, "sha256": sha256(path)}


def _check_same(output: Path, asked: dict[str, Any], made_from: dict[str, Any], corpora: Sequence[Corpus]) -> None:
    """Raise a UserError unless the text and the recipe are those that a preparation was begun with."""
    keys = config.differences(
        {name: made_from[name] for name in ("data", "cleaning", "vocabulary")},
        {name: asked[name] for name in ("data", "cleaning", "vocabulary")},
    )
    advice = "restore it, or name a new folder"
    check(not keys, f"{output}: was begun with another recipe, which differs in {', '.join(keys)}; {advice}")
    check(asked["start"] == made_from["start"], f"{output}: was begun with another model in start; {advice}")
    for corpus, now, then in zip(corpora, asked["files"], made_from["files"]):
        for path, one, other in zip(corpus.paths, now, then):
            check(
                one["sha256"] == other["sha256"],
                f"{path}: has changed since the preparation in {output} was begun; {advice}",
            )


def _clean(recipe: Recipe, shards: Path, names: Sequence[Sequence[str]], size: int, processes: int) -> list[str]:
    """Clean all corpora; return a report on each."""
    corpora = recipe.data.training
    print(f"cleaning {counted(len(corpora), 'corpus', 'corpora')}", file=sys.stderr)
    unfinished = [
        (shards, number, corpus, recipe.cleaning, size)
        for number, (corpus, own) in enumerate(zip(corpora, names))
        if not all(is_cleaned(shards, name) for name in own)
    ]
    for _ in call_all(clean_corpus, unfinished, processes):
        pass
    reports = [_joined([read_cleaned(shards, name).report for name in own]) for own in names]
    lines = [f"{', '.join(map(str, corpus.paths))}: {report}" for corpus, report in zip(corpora, reports)]
    for line in lines:
        print(printable(line), file=sys.stderr)
    check(any(report.kept for report in reports), f"nothing is left to train on: {'; '.join(lines)}")
    return lines


def _joined(reports: Sequence[CleaningReport]) -> CleaningReport:
    first, *others = reports
    for report in others:
        first += report
    return first


def _vocabularies(
    recipe: Recipe, output: Path, names: Sequence[Sequence[str]], known: tuple[Vocabulary, Vocabulary] | None
) -> list[VocabularyFile]:
    """Write the vocabularies of both sides, unless they are there; return the files."""
    kind, placeholders = recipe.vocabulary.kind, recipe.vocabulary.placeholders
    if known:
        kind, placeholders = known[0].kind, max(known[0].placeholders, placeholders)
    files = [VocabularyFile(vocabulary_path(output, side), kind, placeholders) for side in SIDES]
    if not all(file.path.exists() for file in files):
        sample = sample_corpora(output / SHARDS, recipe, names)
        for line in _signs_of_wrong_files(recipe, sample):
            warn(line)
        source, target = (
            [line for part in sample for line in part.source],
            [line for part in sample for line in part.target],
        )
        text = ParallelText(source, target, range(1, len(source) + 1))
        if not known:
            print(f"learning the vocabulary from {counted(len(text), 'pair')}", file=sys.stderr)
        for file, vocabulary in zip(files, known or learn_vocabularies(text, recipe.vocabulary)):
            with atomic_file(file.path) as aside:
                aside.write_bytes(vocabulary.to_bytes())
    return files


def _signs_of_wrong_files(recipe: Recipe, sample: Sequence[ParallelText]) -> Iterator[str]:
    """Return warnings about files of the recipe that are probably not the ones that were meant."""
    for corpus, part in zip(recipe.data.training, sample):
        if len(part):
            yield from signs_of_equal_sides(*corpus.sides, part)
    validation = read_validation(recipe)
    paths = recipe.data.validation_source, recipe.data.validation_target
    yield from signs_of_equal_sides(*paths, validation)
    yield from signs_of_swapped_sides(*paths, validation, max(sample, key=len))


def _encode(shards: Path, names: Sequence[Sequence[str]], files: Sequence[VocabularyFile], processes: int) -> None:
    """Make the shards that are not there."""
    parts = [name for own in names for name in own]
    total = sum(read_cleaned(shards, name).pairs for name in parts)
    missing = [(shards, name, *files) for name in parts if not is_encoded(shards, name)]
    done = total - sum(read_cleaned(shards, name).pairs for _, name, *_ in missing)
    print(f"encoding {counted(total - done, 'pair')}", file=sys.stderr)
    progress = ProgressLine("pairs", total)
    for pairs in call_all(encode_part, missing, processes):
        done += pairs
        progress.show(done)
    progress.end()


def _finish(
    output: Path,
    made_from: dict[str, Any],
    names: Sequence[Sequence[str]],
    files: Sequence[VocabularyFile],
    reports: Sequence[str],
) -> dict[str, Any]:
    """Write the index, and remove what was needed only until then."""
    shards = output / SHARDS
    corpora = [[read_encoded(shards, name) for name in own] for own in names]
    parts = [part for own in corpora for part in own]
    index = {
        "corpus_format": CORPUS_FORMAT,
        "made_from": made_from,
        "reports": reports,
        "vocabularies": {
            side: {"kind": file.kind, "placeholders": file.placeholders, "checksum": sha256(file.path)}
            for side, file in zip(SIDES, files)
        },
        "pairs": sum(part.pairs for part in parts),
        "tokens": sum(part.tokens for part in parts),
        "longest_source": max(part.longest for part in parts),
        "length_ratio": length_ratio(_total([part.ratios for part in parts])),
        "characters": _total([part.characters for part in parts]),
        "corpora": [[_described(part) for part in own] for own in corpora],
    }
    flush_folder(shards)  # before the index says that they are there
    with atomic_file(output / INDEX) as aside:
        aside.write_bytes(seal(index))
    for part in parts:
        remove_cleaned(shards, part.name)
        remove_encoded(shards, part.name)
    (output / PREPARATION).unlink()
    return index


def _described(part: EncodedPart) -> dict[str, Any]:
    return {"name": part.name, "pairs": part.pairs, "checksums": part.checksums}


def _total(counts: Sequence[dict[Any, int]]) -> dict[Any, int]:
    total = Counter[Any]()
    for each in counts:
        total.update(each)
    return dict(total)

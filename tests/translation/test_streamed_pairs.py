"""Pairs that are streamed from a prepared corpus: each once, any batch by itself, several readers, changed text."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
import zstandard
from prepared_corpus_fixtures import UNCHANGED, lines, prepared, recipe_of, write_text

from s2s.files import sha256
from s2s.training.batches import BucketedBatches
from translation import streamed_pairs
from translation.corpus_preparation import prepare_corpus
from translation.prepared_corpus import PreparedCorpus, read_corpus
from translation.recipe import Recipe
from translation.streamed_pairs import StreamedPairs
from translation.train import build

Pair = tuple[str, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("text")
    prepared(found, **UNCHANGED)
    return found


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed_pairs, "BUFFER", 96)


def opened(folder: Path, **sections: Any) -> tuple[Recipe, PreparedCorpus]:
    settings = {**UNCHANGED, **sections}
    recipe = recipe_of(folder, data={"prepared": str(folder / "corpus")}, **settings)
    return recipe, read_corpus(recipe)


def texts(examples: StreamedPairs, corpus: PreparedCorpus, epoch: int, position: int) -> list[Pair]:
    rows = examples.rows(epoch, examples.plan(epoch)[position])
    return [(corpus.source.decode(s), corpus.target.decode(t)) for s, t in zip(rows.sources, rows.targets)]


@pytest.mark.parametrize("batch", [{"sentences": 16}, {"sentences": 7}, {"tokens": 700}])
def test_an_epoch_holds_every_pair_once_in_an_order_of_its_own(folder: Path, batch: dict[str, int]) -> None:
    recipe, corpus = opened(folder, batch=batch)
    examples = StreamedPairs(recipe, corpus)
    epochs = [[texts(examples, corpus, epoch, i) for i in range(len(examples.plan(epoch)))] for epoch in range(2)]
    everything = sorted([*lines(300), *lines(100, first=1000)])
    assert all(sorted(pair for each in epoch for pair in each) == everything for epoch in epochs)
    assert epochs[0] != epochs[1]
    if "sentences" in batch:
        assert max(map(len, epochs[0])) == batch["sentences"]


def test_any_batch_is_read_by_itself(folder: Path) -> None:
    """So a resumed training goes on with the batch that it would have read."""
    recipe, corpus = opened(folder, batch={"tokens": 700})
    examples = StreamedPairs(recipe, corpus)
    plans = [texts(examples, corpus, 1, i) for i in range(len(examples.plan(1)))]
    for position in reversed(range(len(plans))):
        assert texts(StreamedPairs(recipe, corpus), corpus, 1, position) == plans[position]


def test_batches_by_tokens_have_like_sizes_about_as_large_as_the_recipe_says(folder: Path) -> None:
    recipe, corpus = opened(folder, batch={"tokens": 700})
    examples = StreamedPairs(recipe, corpus)
    padded = []
    for position in range(len(examples.plan(0))):
        rows = examples.rows(0, examples.plan(0)[position])
        padded.append(len(rows.sources) * sum(max(map(len, side)) + 1 for side in (rows.sources, rows.targets)))
    assert 0.8 * 700 < sum(padded) / len(padded) <= 750
    assert max(padded) < 1.4 * 700


def test_a_batch_is_of_like_lengths(folder: Path) -> None:
    recipe, corpus = opened(folder)
    examples = StreamedPairs(recipe, corpus)
    rows = [examples.rows(0, examples.plan(0)[i]) for i in range(6)]
    lengths = [(len(s) + 1, len(t) + 1) for row in rows for s, t in zip(row.sources, row.targets)]
    share = BucketedBatches(lengths, sentences=16).padding_share([list(range(16 * i, 16 * i + 16)) for i in range(6)])
    assert share < 0.15
    assert examples.report().startswith("400 pairs in 25 batches, streamed from ")


def test_the_rehearsal_takes_the_longest_pair_of_the_epoch(tmp_path: Path) -> None:
    pairs = lines(300)
    pairs[100] = (" ".join(source for source, _ in pairs[:6]), " ".join(target for _, target in pairs[:6]))
    write_text(tmp_path)
    for side, name in enumerate(("en", "de")):
        text = "".join(f"{pair[side]}\n" for pair in pairs)
        (tmp_path / f"train.{name}.zst").write_bytes(zstandard.ZstdCompressor().compress(text.encode()))
    prepare_corpus(recipe_of(tmp_path, **UNCHANGED), tmp_path / "corpus", 1)
    recipe, corpus = opened(tmp_path)
    examples = StreamedPairs(recipe, corpus)
    longest = examples.longest()
    assert longest[0] >= streamed_pairs.BUFFER, "it is in the first buffer: take another line"
    assert pairs[100] in [(corpus.source.decode(s), corpus.target.decode(t)) for s, t in lengths_of(examples, longest)]


def test_the_files_of_the_validation_text_are_known_by_name(folder: Path) -> None:
    """So that a resumed training names the one that has changed."""
    files = build(opened(folder)[0], torch.device("cpu")).files
    assert files == {str(folder / name): sha256(folder / name) for name in ("val.en", "val.de")}


def lengths_of(examples: StreamedPairs, batch: list[int]) -> list[tuple[list[int], list[int]]]:
    rows = examples.rows(0, batch)
    return list(zip(rows.sources, rows.targets))


@pytest.mark.parametrize("readers", [2, 3, 7])
def test_several_processes_read_different_buffers(folder: Path, readers: int) -> None:
    recipe, corpus = opened(folder)
    examples = StreamedPairs(recipe, corpus, readers)
    plan = examples.plan(0)
    found, buffers = Counter[Pair](), list[set[int]]()
    for rank in range(readers):
        own = range(rank, len(plan), readers)
        found.update(pair for i in own for pair in texts(examples, corpus, 0, i))
        buffers.append({plan[i][0] // 96 for i in own[: -(-80 // 16)]})
    assert sorted(found.elements()) == sorted([*lines(300), *lines(100, first=1000)])
    if readers == 2:
        assert not buffers[0] & buffers[1]


def test_a_process_reads_its_own_buffers_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, corpus = opened(folder)
    examples, read = StreamedPairs(recipe, corpus, 2), list[int]()
    examples.plan(0)
    real = StreamedPairs._read_buffer
    monkeypatch.setattr(examples, "_buffer", lambda epoch, buffer: read.append(buffer) or real(examples, epoch, buffer))
    for position in range(1, 24, 2):  # of the first four buffers; the fifth has a batch for one process only
        examples.plan(0)[position]
    assert set(read) == {1, 3}


def test_text_is_changed_as_the_recipe_says_by_seed_epoch_and_buffer_alone(tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "augmentation": {"placeholders": 0.3, "lower_case": 0.3, "single_words": 0.1},
        "vocabulary": {"size": 120, "bpe_dropout": 0.2, "unknown_copies": 0.2},
        "batch": {"tokens": 700},
    }
    recipe = prepared(tmp_path, **changes)
    corpus = read_corpus(recipe)
    examples = StreamedPairs(recipe, corpus)
    found = [texts(examples, corpus, 0, i) for i in range(len(examples.plan(0)))]
    again = StreamedPairs(recipe, corpus)
    assert texts(again, corpus, 0, 5) == found[5]
    pairs = [pair for batch in found for pair in batch]
    assert len(pairs) == 400
    changed = set(pairs) - {*lines(300), *lines(100, first=1000)}
    assert 100 < len(changed) < 400
    assert any(source.islower() for source, _ in changed)
    ids = examples.rows(1, examples.plan(1)[0]).sources
    assert ids != examples.rows(0, examples.plan(0)[0]).sources


def test_examples_are_found_in_the_users_files(folder: Path) -> None:
    recipe, corpus = opened(folder)
    examples = StreamedPairs(recipe, corpus)
    batch = examples.plan(1)[3]
    pairs = texts(examples, corpus, 1, 3)
    numbers = [(int(source.rstrip(".").split()[-1]), source) for source, _ in pairs]
    files = {folder / "train.en.zst": [], folder / "more.tsv.gz": []}
    for number, _ in numbers:
        table = number >= 1000
        files[folder / ("more.tsv.gz" if table else "train.en.zst")].append(number - 1000 * table + 1)
    told = examples.whereabouts(batch)
    for path, where in files.items():
        if where:
            assert f"lines {', '.join(map(str, sorted(where)))} of {path}" in told


def test_plans_are_sequences(folder: Path) -> None:
    recipe, corpus = opened(folder)
    plan = StreamedPairs(recipe, corpus).plan(0)
    assert plan[-1] == plan[len(plan) - 1]
    assert plan[2:4] == [plan[2], plan[3]]
    with pytest.raises(IndexError):
        plan[len(plan)]

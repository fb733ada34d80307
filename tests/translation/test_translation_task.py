"""The translation task: batches that repeat exactly, a loss of real tokens alone, validation as users translate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from model_fixtures import logits_of
from torch import Tensor
from torch.nn.functional import cross_entropy
from translation_fixtures import SOURCE, TARGET, TEXT, task_of

from s2s.decoding.search import BeamOptions
from s2s.nn.loss import symmetric_divergence
from s2s.text.subwords import train_subwords
from s2s.text.tokens import END, PAD, START, UNK
from s2s.text.vocabulary import Vocabulary, WordVocabulary
from s2s.training.batches import BucketedBatches
from translation.corpus import ParallelText
from translation.metrics import corpus_scores
from translation.model import TranslationModel
from translation.prepare import PreparedPairs
from translation.recipe import BatchConfig, FilesCorpus
from translation.task import TranslationTask
from translation.translator import Translator


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return WordVocabulary.from_lines([*SOURCE, *TARGET])


@pytest.fixture(scope="module")
def subwords() -> Vocabulary:
    return train_subwords([*SOURCE, *TARGET] * 3, 60)


def rows(ids: Tensor) -> list[list[int]]:
    return [[i for i in row if i != PAD] for row in ids.tolist()]


def decoded(vocabulary: Vocabulary, ids: Tensor) -> list[str]:
    return [vocabulary.decode(row) for row in rows(ids)]


def pairs_of(task: TranslationTask) -> PreparedPairs:
    """What the task trains on, which lies in memory."""
    assert isinstance(task.data, PreparedPairs)
    return task.data


def sorted_all(batches: Iterable[Sequence[int]]) -> list[int]:
    return sorted(i for batch in batches for i in batch)


def test_an_epoch_holds_every_pair_once_in_an_order_of_its_own(words: Vocabulary) -> None:
    task = task_of(words)
    plans = [task.plan(epoch) for epoch in range(5)]
    assert all(sorted_all(plan) == list(range(len(TEXT))) for plan in plans)
    assert plans == [task_of(words).plan(epoch) for epoch in range(5)]
    assert any(plan != plans[0] for plan in plans)


def test_the_first_lines_tell_how_full_the_batches_are(words: Vocabulary) -> None:
    task = task_of(words)
    batches = [task.batch(0, position, examples) for position, examples in enumerate(task.plan(0))]
    masks = [side.mask for batch in batches for side in (batch.source, batch.targets)]
    padding = 1 - sum(int(mask.sum()) for mask in masks) / sum(mask.numel() for mask in masks)
    assert task.report() == f"6 pairs in 3 batches, {padding:.1%} of their tokens padding"


def test_the_budget_is_the_recipes_and_counts_start_and_end(words: Vocabulary) -> None:
    task = task_of(words)
    tokens = replace(task.recipe, batch=BatchConfig(tokens=14))
    lengths = [(len(s.split()) + 1, len(t.split()) + 1) for s, t in zip(SOURCE, TARGET)]
    expected = BucketedBatches(lengths, tokens=14, seed=task.recipe.training.seed)
    other = TranslationTask(tokens, task.data, task.model, task.device)
    assert other.plan(1) == expected.epoch(1)
    assert other.longest() == expected.longest(expected.epoch(0))


def test_a_batch_reads_after_start_what_it_writes_before_end(words: Vocabulary) -> None:
    batch = task_of(words).batch(0, 0, [3, 0])
    assert decoded(words, batch.source.ids) == [SOURCE[3], SOURCE[0]]
    assert decoded(words, batch.targets.ids) == [TARGET[3], TARGET[0]]
    assert [row[-1] for row in rows(batch.source.ids)] == [END, END]
    for read, written in zip(rows(batch.decoder_input.ids), rows(batch.targets.ids)):
        assert read[0] == START
        assert [*read[1:], END] == written
    assert batch.source.lengths.tolist() == [6, 4]


def test_merges_are_left_out_by_seed_and_epoch_alone(subwords: Vocabulary) -> None:
    task = task_of(subwords, bpe_dropout=0.5)
    everything = list(range(len(TEXT)))

    def ids(epoch: int, task: TranslationTask = task) -> tuple[list[list[int]], list[list[int]]]:
        batch = task.batch(epoch, 0, everything)
        assert decoded(subwords, batch.source.ids) == SOURCE
        assert decoded(subwords, batch.targets.ids) == TARGET
        return rows(batch.source.ids), rows(batch.targets.ids)

    first = ids(1)
    torch.rand(3)
    assert first != ids(2)
    assert first == ids(1) == ids(1, task_of(subwords, bpe_dropout=0.5))
    assert ids(0, task_of(subwords))[0] == [[*row, END] for row in subwords.encode_all(SOURCE)]


def test_batches_are_of_like_lengths_after_merges_were_left_out(subwords: Vocabulary) -> None:
    task = task_of(subwords, bpe_dropout=0.5)
    for epoch in (0, 3):
        drawn = task.batch(epoch, 0, range(len(TEXT)))
        lengths = list(zip(drawn.source.lengths.tolist(), drawn.targets.lengths.tolist()))
        expected = BucketedBatches(lengths, sentences=task.recipe.batch.sentences, seed=task.recipe.training.seed)
        assert task.plan(epoch) == expected.epoch(epoch)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_word_of_both_sides_is_made_unknown_in_both(dropout: float, subwords: Vocabulary) -> None:
    task = task_of(subwords, unknown_copies=0.999, bpe_dropout=dropout)
    batch = task.batch(0, 0, [4, 0])
    for side in (batch.source, batch.decoder_input, batch.targets):
        assert [row.count(UNK) for row in rows(side.ids)] == [1, 0]
    without = {"park": "ein  in Ulmburg", "Ulmburg": "ein park in "}
    first, second = decoded(subwords, batch.targets.ids)
    assert second == TARGET[0]
    [word] = [word for word, line in without.items() if line == first]
    assert decoded(subwords, batch.source.ids)[0] == SOURCE[4].replace(word, "")


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_cross_entropy_of_real_tokens(smoothing: float, words: Vocabulary) -> None:
    task = task_of(words, smoothing=smoothing)
    network = task.model.network
    batch = task.batch(0, 0, [1, 2, 5])
    loss = task.loss(network, batch)
    with torch.no_grad():
        logits = logits_of(network, batch.source, batch.decoder_input.ids).flatten(0, 1)
    targets = batch.targets.ids.flatten()
    expected = cross_entropy(logits, targets, ignore_index=PAD, label_smoothing=smoothing, reduction="sum")
    assert loss.total.item() == pytest.approx(expected.item(), rel=1e-5)
    exact = cross_entropy(logits, targets, ignore_index=PAD, reduction="sum")
    assert loss.figures["train_loss"].item() == pytest.approx(exact.item(), rel=1e-5)
    assert loss.weight == 4 + 3 + 2
    assert loss.size == loss.weight + 7 + 3 + 2


def test_the_loss_of_a_batch_is_the_sum_of_its_lines(words: Vocabulary) -> None:
    task = task_of(words)
    together = task.loss(task.model.network, task.batch(0, 0, [0, 1, 2]))
    alone = [task.loss(task.model.network, task.batch(0, 0, [i])) for i in range(3)]
    assert together.total.item() == pytest.approx(sum(loss.total.item() for loss in alone), rel=1e-5)
    assert together.weight == sum(loss.weight for loss in alone)


def test_r_drop_reads_pairs_twice_and_adds_how_far_the_two_passes_disagree(words: Vocabulary) -> None:
    plain = task_of(words)
    network = plain.model.network
    task = TranslationTask(replace(plain.recipe, r_drop=3.0), plain.data, plain.model, plain.device)
    batch = task.batch(0, 0, [1, 2])
    assert rows(batch.targets.ids) == 2 * rows(plain.batch(0, 0, [1, 2]).targets.ids)
    once = plain.loss(network, plain.batch(0, 0, [1, 2])).total.item()
    assert task.loss(network, batch).total.item() == pytest.approx(2 * once, rel=1e-5)  # nothing is dropped
    losses = []
    network.train()
    for each in (plain, task):
        torch.manual_seed(3)  # the same masks
        losses.append(each.loss(network, batch))
    torch.manual_seed(3)
    logits = network(batch.source, batch.decoder_input.ids, batch.targets.mask).logits
    disagreement = symmetric_divergence(logits).item()
    assert disagreement > 0
    assert losses[1].total.item() - losses[0].total.item() == pytest.approx(3.0 / 2 * disagreement, rel=1e-4)
    assert losses[1].weight == 2 * (4 + 3)


def test_the_loss_goes_through_the_model_it_is_given(words: Vocabulary) -> None:
    task = task_of(words)

    class Wrapper(torch.nn.Module):
        """Stands for what a compiler or a data-parallel wrapper makes of a model."""

        def forward(self, *inputs: Any) -> Any:
            called.append(inputs)
            return task.model.network(*inputs)

    called: list[Any] = []
    batch = task.batch(0, 0, [0])
    loss = task.loss(Wrapper(), batch)
    assert len(called) == 1
    assert loss.total.item() == task.loss(task.model.network, batch).total.item()


@pytest.mark.parametrize(("right", "noise"), [(0, True), (1, True), (2, False), (100, False)])
def test_bleu_is_noise_while_few_words_match(
    right: int, noise: bool, words: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A right line has five matching 4-grams."""
    text = ParallelText(["a b c"] * 100, ["Ein Mann schläft auf einer grünen Wiese ."] * 100, range(1, 101))
    task = task_of(words)
    task.data = replace(pairs_of(task), validation=text)
    lines = [*text.target[:right]] + ["Eine Frau liest in jenem roten Buch ."] * (100 - right)
    monkeypatch.setattr(Translator, "translate", lambda *_, **__: [SimpleNamespace(text=line) for line in lines])
    with torch.no_grad():
        assert task.validate(task.model.network).noise == noise


def test_validation_is_the_score_of_greedy_translations(words: Vocabulary) -> None:
    task = task_of(words)
    text = task.data.validation
    random = torch.get_rng_state()
    with torch.no_grad():
        found = task.validate(task.model.network)
    assert torch.equal(torch.get_rng_state(), random)
    translations = Translator(task.model.engine("float32"), BeamOptions(width=1)).translate(text.source)
    hypotheses = [each.text for each in translations]
    assert hypotheses[0] == ""
    assert all(hypotheses[1:])
    assert (found.primary, found.higher_is_better) == ("BLEU", True)
    assert found.figures["BLEU"] == corpus_scores(hypotheses, [text.target], "de")[0].value

    assert found.noise, "an untrained model's BLEU"

    japanese = replace(task.recipe, data=replace(task.recipe.data, target_language="ja"))
    with torch.no_grad():
        other = TranslationTask(japanese, task.data, task.model, task.device).validate(task.model.network)
    assert other.figures["BLEU"] == corpus_scores(hypotheses, [text.target], "ja")[0].value != found.figures["BLEU"]

    same = TranslationTask(task.recipe, replace(pairs_of(task), train=text, sizes=[len(text)]), task.model, task.device)
    losses = [same.loss(task.model.network, same.batch(0, 0, [i])) for i in range(len(text))]
    mean = sum(loss.figures["train_loss"].item() for loss in losses) / sum(loss.weight for loss in losses)
    assert found.figures["loss"] == pytest.approx(mean, rel=1e-5)


def test_the_rehearsal_translates_the_first_lines_and_reads_the_largest_batch(
    words: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, translated, read = task_of(words, batch=1), [], []
    translate = task._translator.translate
    monkeypatch.setattr(task._translator, "translate", lambda lines: translated.append(lines) or translate(lines))
    monkeypatch.setattr("translation.task.REHEARSED", 2)
    task.network.register_forward_hook(lambda _, inputs, __: read.append(inputs[0].ids))
    with torch.no_grad():
        task.rehearse(task.network)
    text = task.data.validation
    assert translated == [text.source[:2]]
    longest = max(text.source, key=lambda line: len(words.encode(line)))
    assert [decoded(words, ids) for ids in read] == [[longest]]


def test_a_batch_is_found_in_the_users_files(words: Vocabulary) -> None:
    task = task_of(words)
    assert task.whereabouts([5, 0, 2]) == "lines 1, 4, 9 of train.en"
    data = replace(task.recipe.data, train_source=(Path("a.en"), Path("b.en")), train_target=(Path("a.de"),) * 2)
    recipe, pairs = replace(task.recipe, data=data), replace(pairs_of(task), sizes=[2, len(TEXT) - 2])
    other = TranslationTask(recipe, pairs, task.model, task.device)
    assert other.whereabouts([5, 0, 2]) == "lines 1 of a.en; lines 4, 9 of b.en"


def test_an_epoch_reads_each_corpus_by_its_weight(words: Vocabulary) -> None:
    task = task_of(words)
    corpora = FilesCorpus(Path("a.en"), Path("a.de"), 0.5), FilesCorpus(Path("b.en"), Path("b.de"), 2.0)
    data = replace(task.recipe.data, train_source=(), train_target=(), corpora=corpora)
    recipe = replace(task.recipe, data=data)
    other = TranslationTask(recipe, replace(pairs_of(task), sizes=[4, 2]), task.model, task.device)
    assert other.report().startswith("6 pairs")
    everything = [example for batch in other.plan(0) for example in batch]
    read = [other._examples.rows(epoch, sorted(everything)).numbers for epoch in range(2)]
    assert sorted([*read[0][:2], *read[1][:2]]) == [0, 1, 2, 3]
    assert [examples[2:] for examples in read] == [[4, 4, 5, 5]] * 2
    rows = other.batch(1, 0, range(6)).source.ids.tolist()
    assert [words.decode(row) for row in rows] == [SOURCE[i] for i in read[1]]
    assert (
        other.whereabouts(range(6))
        == f"lines {TEXT.lines[read[1][0]]}, {TEXT.lines[read[1][1]]} of a.en; lines 6, 9 of b.en"
    )


def test_what_is_saved_is_a_model_that_translates_the_same(words: Vocabulary, tmp_path: Path) -> None:
    task = task_of(words)
    task.save(task.model.network, tmp_path / "best", {"step": 7})
    ours, theirs = (
        [each.text for each in Translator(model.engine("float32")).translate(SOURCE)]
        for model in (task.model, TranslationModel.load(tmp_path / "best"))
    )
    assert ours == theirs

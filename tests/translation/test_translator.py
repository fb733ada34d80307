"""The translator: one translation a line, whatever the line, whatever its company."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from model_fixtures import logits_of
from torch.autograd.profiler import profile

from s2s.decoding.results import Translation
from s2s.decoding.search import Hypothesis, SearchOptions
from s2s.errors import UserError
from s2s.text.padding import pad
from s2s.text.subwords import SubwordVocabulary
from s2s.text.tokens import END, START, UNK
from translation import translator
from translation.model import TranslationModel
from translation.translator import Translator

WORDS = ["A", "man", "in", "red", "hat", "is", "sleeping", "the", "park", "Two", "dogs", "play", "ball", "snow", "."]
THREE = ["A man is in the park.", "Two dogs play with a ball in the snow!", "A red hat is in the park."]


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> TranslationModel:
    return TranslationModel.load(tiny_model)


def sentences(count: int, *, most: int = 6) -> list[str]:
    draw = random.Random(3)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, most))) for _ in range(count)]


def translator_of(model: TranslationModel, width: int = 3, n_best: int = 1, **options: Any) -> Translator:
    search = SearchOptions(width, n_best, stop_early=True)
    return Translator(model, search, **{"precision": "float32", **options})


def check_same(found: Sequence[Translation], expected: Sequence[Translation]) -> None:
    """Equal, up to rounding; where rounding may have changed the order, equally good."""
    for one, other in zip(found, expected, strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-4)
    ties = any(abs(one.score - other.score) < 2e-4 for one, other in pairwise(expected))
    if not ties:
        assert [one.tokens for one in found] == [other.tokens for other in expected]


@pytest.mark.parametrize("width", [1, 3])
def test_neither_the_size_nor_the_order_of_batches_changes_a_translation(model: TranslationModel, width: int) -> None:
    lines = sentences(16)
    order = random.Random(1).sample(range(16), 16)
    alone = [translator_of(model, width, width).translate([line])[0] for line in lines]
    assert len({best.text for best, *_ in alone}) > 10
    for budget in (1, 100, 100_000):
        found = translator_of(model, width, width, batch_tokens=budget).translate([lines[i] for i in order])
        for i, translations in zip(order, found, strict=True):
            check_same(translations, alone[i])


def test_a_score_is_what_teacher_forcing_says(model: TranslationModel) -> None:
    sources = model.source.encode_all(sentences(20))
    for source, (found,) in zip(sources, translator_of(model)._search(sources)):
        written = found.tokens + [END] * found.finished
        with torch.no_grad():
            logits = logits_of(model.network, pad([[*source, END]]), torch.tensor([[START, *written[:-1]]]))
        table = logits.log_softmax(-1)[0]
        total = float(table.gather(1, torch.tensor(written)[:, None]).sum())
        assert found.score == pytest.approx(total / len(written), abs=1e-4)


def test_the_head_of_the_n_best_is_the_1_best(model: TranslationModel) -> None:
    lines = [*sentences(30), " ".join(THREE)]
    for (best,), several in zip(translator_of(model).translate(lines), translator_of(model, 3, 3).translate(lines)):
        assert best.text == several[0].text
        assert best.score == several[0].score
        assert len({each.text for each in several}) == 3


def test_of_hypotheses_that_read_the_same_only_the_best_is_given(
    model: TranslationModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabulary = model.target
    assert isinstance(vocabulary, SubwordVocabulary)
    whole, dogs, ball = vocabulary.encode_all(["man", "dogs", "ball"])
    (pieces,) = vocabulary.encode_sampled(["man"], dropout=0.9, seed=1)
    assert (vocabulary.decode(pieces), pieces == whole) == ("man", False)
    tokens = [whole, pieces, dogs, ball]
    hypotheses = [Hypothesis(ids, -float(rank), -float(rank), None, True) for rank, ids in enumerate(tokens)]
    monkeypatch.setattr(translator, "generate", lambda *given, **_: [hypotheses[: given[3].n_best]])
    for n_best, count in ((1, 1), (2, 2), (4, 3)):
        (found,) = translator_of(model, 4, n_best).translate(["a man"])
        assert [each.text for each in found] == ["man", "dogs", "ball"][:count]
        assert [each.score for each in found] == [0, -2, -3][:count]


def test_blank_lines_stay_and_never_reach_the_model(model: TranslationModel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(Translator, "_search", lambda _, sources: seen.append(sources))
    found = translator_of(model, 3, 3).translate(["", "  ", "\t", "\u2028\u3000", "\r"])
    assert found == [[Translation("", 0.0, [], None)]] * 5
    assert translator_of(model).translate([]) == []
    assert seen == []


def test_a_line_of_unknown_characters_alone_stays_as_it_is(model: TranslationModel) -> None:
    (best,), (other,) = translator_of(model).translate([" 北京 (\r🐕)", "⁇"])
    assert (best.text, other.text) == ("北京 ( 🐕)", "⁇")


def test_a_character_never_seen_survives_and_no_other_replaces_it(model: TranslationModel) -> None:
    lines = [line.replace("man", "女ñ").replace("dogs", "🐕") for line in sentences(40)]
    for line, found in zip(lines, translator_of(model, 3, 3).translate(lines)):
        assert UNK in model.source.encode(line) or not set("女ñ🐕") & set(line)
        for each in found:
            assert all(each.text.count(character) >= line.count(character) for character in "女ñ🐕")
            assert "⁇" not in each.text
            assert "\u2585" not in each.text


def test_where_words_have_no_spaces_between_them_pieces_have_none(model: TranslationModel) -> None:
    chinese = replace(model, config=replace(model.config, target_language="zh"))
    whole, *parts = translator_of(chinese).translate([" ".join(THREE), *THREE])
    assert whole[0].text == "".join(part[0].text for part in parts)


def test_a_long_line_is_translated_piece_by_piece(model: TranslationModel) -> None:
    whole, *parts = translator_of(model, 3, 2).translate([" ".join(THREE), *THREE])
    assert [best.pieces for best in whole] == [3, 3]
    assert all(part[0].pieces == 1 for part in parts)
    for rank, translation in enumerate(whole):
        assert translation.text == " ".join(part[rank].text for part in parts if part[rank].text)
        assert translation.score == pytest.approx(sum(part[rank].score for part in parts) / 3, abs=1e-4)
        assert translation.attention is None


def test_a_line_of_just_the_greatest_length_is_one_piece(model: TranslationModel) -> None:
    line = "A man in the park. Two dogs play!"
    for spare, pieces in ((0, 1), (-1, 2)):
        limit = len(model.source.encode(line)) + spare
        cramped = replace(model, config=replace(model.config, max_source_length=limit))
        assert translator_of(cramped).translate([line])[0][0].pieces == pieces


def test_no_translation_holds_a_line_end(model: TranslationModel) -> None:
    """A lone carriage return inside a line is a character like any other to the reader, and is unknown to the model."""
    for (best,) in translator_of(model).translate(["a man\rin the park", "a\u2028man \x85", "\r🐕\r\r🐕\r"]):
        assert not {"\r", "\n"} & set(best.text)


@pytest.mark.parametrize("line", ["\x00", "a\x00man", "\u200b", "\ufeffa", "▁", "<s> </s> <unk> <pad>", "a" * 3000])
def test_odd_lines_are_lines(model: TranslationModel, line: str) -> None:
    assert len(translator_of(model).translate([line, "a man"])) == 2


def test_attention_is_that_of_the_tokens(model: TranslationModel) -> None:
    for line, (best,) in zip(lines := sentences(10), translator_of(model).translate(lines)):
        assert best.attention is not None
        assert best.attention.shape[0] == len(best.tokens)
        weights = best.attention[:, : len(model.source.encode(line)) + 1]  # with END
        assert weights.sum(1).tolist() == pytest.approx([1.0] * len(best.tokens), abs=1e-5)


@pytest.mark.parametrize(("budget", "width"), [(1, 1), (60, 3), (600, 3), (10**9, 1)])
def test_batches_keep_to_the_budget(model: TranslationModel, budget: int, width: int) -> None:
    lengths = [random.Random(i).randint(1, 30) for i in range(3000)]
    chosen = [i for i in range(3000) if i % 7]
    batches = list(translator_of(model, width, batch_tokens=budget)._batches(chosen, lengths))
    assert sorted(i for batch in batches for i in batch) == chosen
    for batch in batches:
        assert len(batch) == 1 or len(batch) * width * (max(lengths[i] for i in batch) + 1) <= budget


def test_many_short_lines_do_not_make_a_huge_table_of_probabilities(
    model: TranslationModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("translation.translator._LOG_PROBABILITIES", 10 * 3 * len(model.target))
    batches = list(translator_of(model, batch_tokens=10**9)._batches(range(95), [1] * 95))
    assert [len(batch) for batch in batches] == [10] * 9 + [5]


def test_weights_are_cast_once_a_batch_not_once_a_step(model: TranslationModel) -> None:
    translator, (source,) = translator_of(model, precision="bfloat16"), model.source.encode_all(THREE[:1])
    profiled = profile(record_shapes=True)
    with profiled:
        ((found,),) = translator._search([source])
    assert len(found.tokens) > 5
    events = profiled.function_events or []
    casts = Counter(tuple(event.input_shapes[0]) for event in events if event.name == "aten::_to_copy")
    weights = Counter(tuple(weight.shape) for weight in model.network.parameters() if weight.dim() > 1)
    assert {shape: casts[shape] for shape in weights} == weights


def test_a_model_directory_is_loaded_ready_to_translate(tiny_model: Path, model: TranslationModel) -> None:
    loaded = Translator.load(tiny_model, SearchOptions(3, stop_early=True), device="cpu", precision="float32")
    assert loaded.translate(sentences(5))[0][0].text == translator_of(model).translate(sentences(5))[0][0].text
    with pytest.raises(UserError, match="no such directory"):
        Translator.load(tiny_model / "nothing")

"""The translator: one translation per line, whatever the line and the lines beside it."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from model_fixtures import logits_of
from torch.autograd.profiler import profile

from s2s.decoding.results import Sentence, Translation
from s2s.decoding.search import BeamOptions, Hypothesis
from s2s.errors import UserError
from s2s.nn.configuration import Precision
from s2s.text.subwords import SubwordVocabulary
from s2s.text.tokens import END, START, UNK
from s2s.training.batches import padded_tensors
from translation import searching
from translation.model import TranslationModel
from translation.searching import Searcher
from translation.translator import Translator

ROOT = Path(__file__).resolve().parents[2]
WORDS = ["A", "man", "in", "red", "hat", "is", "sleeping", "the", "park", "Two", "dogs", "play", "ball", "snow", "."]
THREE = ["A man is in the park.", "Two dogs play with a ball in the snow!", "A red hat is in the park."]


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> TranslationModel:
    return TranslationModel.load(tiny_model)


def sentences(count: int, *, most: int = 6) -> list[str]:
    draw = random.Random(3)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, most))) for _ in range(count)]


def translator_of(
    model: TranslationModel, width: int = 3, n_best: int = 1, precision: Precision = "float32", **options: Any
) -> Translator:
    search = BeamOptions(width, n_best, stop_early=True, guard_loops=False)  # a random model writes loops
    return Translator(model.engine(precision), search, **options)


def check_same(found: Sequence[Sentence], expected: Sequence[Sentence]) -> None:
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
    assert len({best.text for best in alone}) > 10
    for budget in (1, 100, 100_000):
        found = translator_of(model, width, width, batch_tokens=budget).translate([lines[i] for i in order])
        for i, translation in zip(order, found, strict=True):
            check_same(translation.n_best, alone[i].n_best)


def test_a_score_is_what_teacher_forcing_says(model: TranslationModel) -> None:
    sources = model.source.encode_all(sentences(20))
    for source, (found,) in zip(sources, translator_of(model).searcher.search_batch(sources)):
        written = found.tokens + [END] * found.finished
        with torch.no_grad():
            logits = logits_of(model.network, padded_tensors([[*source, END]]), torch.tensor([[START, *written[:-1]]]))
        table = logits.log_softmax(-1)[0]
        total = float(table.gather(1, torch.tensor(written)[:, None]).sum())
        assert found.score == pytest.approx(total / len(written), abs=1e-4)


def test_the_head_of_the_n_best_is_the_1_best(model: TranslationModel) -> None:
    lines = [*sentences(30), " ".join(THREE)]
    for alone, several in zip(translator_of(model).translate(lines), translator_of(model, 3, 3).translate(lines)):
        assert alone.n_best == several.n_best[:1]
        assert (several.text, several.score) == (several.n_best[0].text, several.n_best[0].score)
        assert len({each.text for each in several.n_best}) == 3


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
    monkeypatch.setattr(searching, "generate", lambda *given, **_: [hypotheses[: given[3].n_best]])
    for n_best, count in ((1, 1), (2, 2), (4, 3)):
        (found,) = translator_of(model, 4, n_best).translate(["a man"])
        assert [each.text for each in found.n_best] == ["man", "dogs", "ball"][:count]
        assert [each.score for each in found.n_best] == [0, -2, -3][:count]


def test_blank_lines_stay_and_never_reach_the_model(model: TranslationModel, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(Searcher, "search_batch", lambda _, sources, __: seen.append(sources))
    found = translator_of(model, 3, 3).translate(["", "  ", "\t", "\u2028\u3000", "\r"])
    assert found == [Translation((Sentence("", 0.0),))] * 5
    assert translator_of(model).translate([]) == []
    assert seen == []


def test_a_line_of_unknown_characters_alone_stays_as_it_is(model: TranslationModel) -> None:
    odd, sign = translator_of(model).translate([" 北京 (\r🐕)", "⁇"])
    assert (odd.text, sign.text) == (" 北京 ( 🐕)", "⁇")
    assert (odd.score, odd.tokens) == (0.0, ())


def test_a_character_never_seen_survives_and_no_other_replaces_it(model: TranslationModel) -> None:
    lines = [line.replace("man", "女ñ").replace("dogs", "🐕") for line in sentences(40)]
    for line, found in zip(lines, translator_of(model, 3, 3).translate(lines)):
        assert UNK in model.source.encode(line) or not set("女ñ🐕") & set(line)
        for each in found.n_best:
            assert all(each.text.count(character) >= line.count(character) for character in "女ñ🐕")
            assert "⁇" not in each.text
            assert "\u2585" not in each.text


def test_where_words_have_no_spaces_between_them_pieces_have_none(model: TranslationModel) -> None:
    chinese = replace(model, config=replace(model.config, target_language="zh"))
    whole, *parts = translator_of(chinese).translate([" ".join(THREE), *THREE])
    assert whole.text == "".join(part.text for part in parts)


def test_a_long_line_is_translated_piece_by_piece(model: TranslationModel) -> None:
    whole, *parts = translator_of(model, 3, 2).translate([" ".join(THREE), *THREE])
    assert [whole.pieces, *(part.pieces for part in parts)] == [3, 1, 1, 1]
    assert whole.source_tokens == tuple(label for part in parts for label in part.source_tokens)
    for rank, sentence in enumerate(whole.n_best):
        chosen = [part.n_best[rank] for part in parts]
        assert sentence.text == " ".join(each.text for each in chosen if each.text)
        assert sentence.tokens == tuple(token for each in chosen for token in each.tokens)
        assert sentence.score == pytest.approx(sum(each.score for each in chosen) / 3, abs=1e-4)
        assert sentence.attention is not None
        assert sentence.attention.shape == (len(sentence.tokens), len(whole.source_tokens))
        assert sentence.attention.sum(1).tolist() == pytest.approx([1.0] * len(sentence.tokens), abs=1e-5)


def test_only_a_sentence_of_more_than_the_greatest_length_is_long(model: TranslationModel) -> None:
    line = "A man in the park with two dogs play"
    for spare, pieces in ((0, 1), (-1, 2)):
        limit = len(model.source.encode(line)) + spare
        cramped = replace(model, config=replace(model.config, max_source_length=limit))
        found = translator_of(cramped).translate([line, " ".join(THREE[:1] * 2)])
        assert [found[0].pieces, found[0].is_long] == [pieces, pieces > 1]


def test_white_space_and_separators_of_a_line_stay(model: TranslationModel) -> None:
    one, two, whole = translator_of(model).translate([*THREE[:2], f"  {THREE[0]}\t\u2028{THREE[1]} "])
    assert whole.text == f"  {one.text}\t\u2028{two.text} "


def test_no_translation_holds_a_line_end(model: TranslationModel) -> None:
    """Neither a lone carriage return, a character like any other to the command, nor a line end in a string."""
    lines = ["a man\rin the park", "a\u2028man \x85", "\r🐕\r\r🐕\r", "a man\nin the park\n", "\n🐕\n\n🐕\n", "\n"]
    for found in translator_of(model).translate(lines):
        assert not {"\r", "\n"} & set(found.text)


def test_a_line_end_in_a_string_ends_a_sentence(model: TranslationModel) -> None:
    assert translator_of(model).translate(["a man\nin the park", "\n".join(THREE)])[0].pieces == 2


def test_lines_are_normalised_to_nfc(model: TranslationModel) -> None:
    decomposed, composed = translator_of(model).translate(["a man e\u0301", "a man \u00e9"])
    assert (decomposed.text, decomposed.source_tokens) == (composed.text, composed.source_tokens)
    assert "\u00e9" in decomposed.text


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("A man", "translate takes a list of lines, not str: put the text into a list, such as [text]"),
        (b"A man", "translate takes a list of lines, not bytes: put the text into a list, such as [text]"),
        (None, "translate takes a list of lines, not NoneType: put the text into a list, such as [text]"),
        (7, "translate takes a list of lines, not int: put the text into a list, such as [text]"),
        (["A man", None], "line 2 is of type NoneType: translate takes a list of strings"),
        ([b"A man"], "line 1 is of type bytes: translate takes a list of strings"),
        ([["A man"]], "line 1 is of type list: translate takes a list of strings"),
        (["A \udcff man"], "line 1 has a lone surrogate, which is no character: decode its bytes as UTF-8"),
    ],
)
def test_what_is_not_a_list_of_strings_is_refused(model: TranslationModel, lines: Any, problem: str) -> None:
    with pytest.raises(UserError) as caught:
        translator_of(model).translate(lines)
    assert str(caught.value) == problem


def test_any_iterable_of_strings_is_translated(model: TranslationModel) -> None:
    translator = translator_of(model)
    assert translator.translate(iter(THREE)) == translator.translate(tuple(THREE)) == translator.translate(THREE)


@pytest.mark.parametrize("line", ["\x00", "a\x00man", "\u200b", "\ufeffa", "▁", "<s> </s> <unk> <pad>", "a" * 3000])
def test_odd_lines_are_lines(model: TranslationModel, line: str) -> None:
    assert len(translator_of(model).translate([line, "a man"])) == 2


def test_attention_is_that_of_the_tokens(model: TranslationModel) -> None:
    """Whatever the padding of its batch."""
    lines = [" ".join(line.replace(".", "").split()) for line in sentences(10)]
    for precision in ("float32", "bfloat16"):
        for line, found in zip(lines, translator_of(model, precision=precision).translate(lines)):
            assert isinstance(found.attention, np.ndarray)
            assert found.attention.dtype == np.float32
            assert found.attention.shape == (len(found.tokens), len(found.source_tokens))
            assert len(found.source_tokens) == len(model.source.encode(line)) + 1  # with END
            assert found.attention.sum(1).tolist() == pytest.approx([1.0] * len(found.tokens), abs=1e-5)


@pytest.mark.parametrize(("budget", "width"), [(1, 1), (60, 3), (600, 3), (10**9, 1)])
def test_batches_keep_to_the_budget(model: TranslationModel, budget: int, width: int) -> None:
    lengths = [random.Random(i).randint(1, 30) for i in range(3000)]
    batches = translator_of(model, width, batch_tokens=budget).searcher.batches(lengths, width)
    assert sorted(i for batch in batches for i in batch) == list(range(3000))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * width * (max(lengths[i] for i in batch) + 1) <= budget


def test_many_short_lines_do_not_make_a_huge_table_of_probabilities(
    model: TranslationModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("translation.searching.MAX_LOG_PROBABILITIES", 10 * 3 * len(model.target))
    batches = translator_of(model, batch_tokens=10**9).searcher.batches([1] * 95, 3)
    assert [len(batch) for batch in batches] == [5] + [10] * 9


def test_weights_are_cast_once_a_batch_not_once_a_step(model: TranslationModel) -> None:
    translator, (source,) = translator_of(model, precision="bfloat16"), model.source.encode_all(THREE[:1])
    profiled = profile(record_shapes=True)
    with profiled:
        ((found,),) = translator.searcher.search_batch([source])
    assert len(found.tokens) > 5
    events = profiled.function_events or []
    casts = Counter(tuple(event.input_shapes[0]) for event in events if event.name == "aten::_to_copy")
    weights = Counter(tuple(weight.shape) for weight in model.network.parameters() if weight.dim() > 1)
    assert {shape: casts[shape] for shape in weights} == weights


def test_a_model_directory_is_loaded_ready_to_translate(tiny_model: Path, model: TranslationModel) -> None:
    options = BeamOptions(3, stop_early=True, guard_loops=False)
    loaded = Translator.load(tiny_model, options, device="cpu", precision="float32")
    assert loaded.translate(sentences(5)) == translator_of(model).translate(sentences(5))
    with pytest.raises(UserError, match="no such directory"):
        Translator.load(tiny_model / "nothing")


def test_a_name_stands_for_a_bundled_model_and_no_name_for_the_default(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny").mkdir()  # the default is the bundled model, whatever there is in the current directory
    monkeypatch.setattr("translation.translator.MODELS", tiny_model.parent)
    monkeypatch.setattr("translation.translator.DEFAULT_MODEL", "tiny")
    assert Translator.load(device="cpu").engine.config == TranslationModel.load(tiny_model).config
    (tmp_path / "tiny").rmdir()
    assert Translator.load("tiny", others=["tiny"], device="cpu").translate(["a man"])[0].text
    with pytest.raises(UserError, match=r"tlh: no such directory, and no bundled model has this name; .* tiny"):
        Translator.load("tlh")


def test_a_translator_searches_as_the_command_does_unless_told_otherwise(tiny_model: Path) -> None:
    assert Translator.load(tiny_model).options == BeamOptions(stop_early=True)
    assert Translator.load(tiny_model, BeamOptions(2)).options == BeamOptions(2)


def test_importing_the_package_imports_no_torch_and_the_translator_is_there_when_asked_for() -> None:
    program = (
        "import sys, translation; assert 'Translator' in dir(translation); assert not hasattr(translation, 'nothing')\n"
        "import translation.cutting, translation.writing, translation.attention, s2s.decoding.results\n"
        "print('torch' in sys.modules, end=' ')\n"
        "from translation import Translator; from translation.translator import Translator as same\n"
        "print(Translator is same)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"

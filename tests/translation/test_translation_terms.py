"""Terms of a glossary in translations: written by the models of both engines, checked, and reported."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from translation_fixtures import SHAPE

from s2s.decoding import banks
from s2s.decoding.results import WrittenTerm
from s2s.decoding.search import BeamOptions, SamplingOptions, SearchOptions
from s2s.errors import UserError
from s2s.runtime.engine_options import EngineName
from s2s.text.casing import Case
from s2s.text.vocabulary import CharacterVocabulary, WordVocabulary, load_vocabulary
from translation.glossary import Glossary
from translation.model import TranslationModel
from translation.reading import Reader
from translation.terms import TermFinder, checked_terms, occurrences
from translation.translator import Translator

ENGINES: tuple[EngineName, ...] = ("onnx", "torch")
TERMS = {
    "dog": "Vierbeiner", "dogs": "Vierbeiner", "man": "Herr", "young man": "Jüngling", "red": "knallrot",
    "street": "女", "ball": "Ball (rund)", "wheel": "Rad", "steering wheel": "Lenkrad", "iPhone 5": "Telefon 7",
}  # fmt: skip
KEEP = ["Jack Russell", "house"]


@cache
def translator(engine: EngineName, options: SearchOptions | None = None, *, plain: bool = False) -> Translator:
    glossary = None if plain else Glossary.of(TERMS, KEEP)
    return Translator.load("en-de", options, engine=engine, glossary=glossary, device="cpu")


LINES = {
    "A dog sleeps.": ["Vierbeiner"],
    "Dogs are playing in the street.": ["Vierbeiner", "女"],
    "A young man and a man hold a steering wheel.": ["Jüngling", "Herr", "Lenkrad"],
    "TWO DOGS SLEEP IN A HOUSE": ["VIERBEINER", "HOUSE"],
    "A Dog and a Man": ["Vierbeiner", "Herr"],
    "A man sleeps. A dog plays with a ball.": ["Herr", "Vierbeiner", "Ball (rund)"],
    "A dog and a dog with a Jack Russell.": ["Vierbeiner", "Vierbeiner", "Jack Russell"],
    "See https://dog.example/man with an iPhone 5 and a man.": ["https://dog.example/man", "Telefon 7", "Herr"],
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("options", [None, BeamOptions(1), SamplingOptions(seed=3)])
def test_terms_are_written_whatever_the_search(engine: EngineName, options: SearchOptions | None) -> None:
    for (line, targets), translation in zip(LINES.items(), translator(engine, options).translate(LINES)):
        for target in set(targets):
            assert occurrences(translation.text, target) >= targets.count(target), (line, translation.text)
        assert translation.terms
        assert all(term.written for term in translation.terms)


@pytest.mark.parametrize("engine", ENGINES)
def test_lines_without_terms_and_those_that_hold_them_stay_as_they_are(engine: EngineName) -> None:
    lines = ["A woman sits on a bench.", "", "A girl in the park, 5 €", "2026-11-29"]
    found = translator(engine).translate([*lines, "A dog sleeps."])
    assert found[:-1] == translator(engine, plain=True).translate(lines)
    usual = translator(engine, plain=True).translate(["A woman holds a baby."])[0]
    same = Translator.load("en-de", engine=engine, device="cpu", glossary={"woman": "Frau", "baby": "Baby"})
    again = same.translate(["A woman holds a baby."])[0]
    assert (again.n_best, again.confidence) == (usual.n_best, usual.confidence)
    assert again.terms == (WrittenTerm("woman", "Frau", written=True), WrittenTerm("baby", "Baby", written=True))


@pytest.mark.parametrize("engine", ENGINES)
def test_neither_batches_nor_neighbours_change_a_translation(engine: EngineName) -> None:
    together = translator(engine).translate(LINES)
    small = Translator.load("en-de", engine=engine, device="cpu", glossary=Glossary.of(TERMS, KEEP), batch_tokens=1)
    same = [one.text == other.text for one, other in zip(small.translate(LINES), together)]
    assert sum(same) >= len(same) - 1  # the eight-bit products of a batch are no near ties


@pytest.mark.parametrize("most", [1, 5])
def test_a_maximum_length_holds_with_terms(most: int) -> None:
    options = BeamOptions(3, stop_early=True, maximum_length=most)
    model = Translator.load("en-de", options, engine="onnx", glossary={"dog": "Vierbeiner"})
    (found,) = model.translate(["A dog runs through the high grass in front of the house."])
    assert len(found.tokens) <= most + 1
    assert found.tokens[-1] == "</s>"
    assert [term.written for term in found.terms] == [most == 5]


def test_the_search_for_terms_keeps_to_the_memory_that_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its beam is wider than that of a greedy search."""
    tokens, search = list[int](), banks.generate_with_terms

    def generate_with_terms(
        network: Any, inputs: Any, limits: Any, options: BeamOptions, *how: Any, **more: Any
    ) -> Any:
        tokens.append(inputs.ids.shape[0] * inputs.ids.shape[1] * options.rows)
        return search(network, inputs, limits, options, *how, **more)

    monkeypatch.setattr("s2s.decoding.banks.generate_with_terms", generate_with_terms)
    glossary = {"dog": "Vierbeiner"}
    small = Translator.load("en-de", BeamOptions(1), engine="onnx", glossary=glossary, batch_tokens=200)
    assert all("Vierbeiner" in each.text for each in small.translate(["A dog sleeps."] * 20))
    assert tokens
    assert max(tokens) <= 200


def test_prefixes_and_a_glossary_do_not_go_together() -> None:
    glossary = Translator.load("en-de", engine="onnx", glossary={"dog": "Vierbeiner"})
    with pytest.raises(UserError, match="leave out the glossary, or the prefixes"):
        glossary.translate(["A dog sleeps."], prefixes=["Der"])
    assert glossary.translate(["A dog sleeps."], prefixes=[""])[0].terms


def test_a_line_that_is_a_term_becomes_its_target() -> None:
    lines = ["dog", "Dogs!", "(steering wheel)", "street.", "DOGS", "Jack Russell", "- man"]
    expected = ["Vierbeiner", "Vierbeiner!", "(Lenkrad)", "女.", "VIERBEINER", "Jack Russell", "- Herr"]
    assert [each.text for each in translator("onnx").translate(lines)] == expected


def test_a_word_in_capitals_becomes_a_term_in_capitals() -> None:
    ignoring = Glossary.of({"dog": "Vierbeiner"}, ignore_case=True)
    (found,) = Translator.load("en-de", glossary=ignoring).translate(["A man and a DOG run."])
    assert occurrences(found.text, "VIERBEINER") == 1
    assert [term.written for term in found.terms] == [True]


def test_n_best_lists_hold_the_terms_and_their_head_is_the_best() -> None:
    best, *_ = translator("onnx").translate(["A dog sleeps."])
    several, *_ = translator("onnx", BeamOptions(5, n_best=3, stop_early=True)).translate(["A dog sleeps."])
    assert several.text == best.text
    assert len(several.n_best) == 3
    assert all("Vierbeiner" in each.text for each in several.n_best)


def test_a_term_that_was_asked_for_is_no_surprise() -> None:
    (translation,) = translator("onnx").translate(["Two dogs play in the snow."])
    assert translation.confidence is not None
    assert translation.confidence > 0.5
    assert translation.score < -1


def finder(vocabulary: Any, **terms: str) -> TermFinder:
    return TermFinder(Glossary.of(terms), vocabulary, vocabulary.characters)


@pytest.mark.parametrize("kind", ["character", "word"])
def test_what_the_model_cannot_write_is_copied(kind: str) -> None:
    letters = CharacterVocabulary.from_lines(["ein mann in paris 3 a man and a dog."])
    plain = (
        letters if kind == "character" else WordVocabulary(["a", "man", "and", "in", "Paris.", "mann", "dog", "mann."])
    )
    vocabulary = load_vocabulary(kind, plain.to_bytes(), placeholders=2)
    terms = finder(vocabulary, man="mann", dog="Hund", paris="mann.")
    assert [entry.target for entry in terms.unwritable] == ["Hund", "mann."]
    piece = Reader(vocabulary, "en", terms=terms).read("a man and a dog and a dog.")
    assert [(term.source, term.target, term.copied) for term in piece.terms] == [
        ("man", "mann", False), ("dog", "Hund", True), ("dog", "Hund", True),
    ]  # fmt: skip
    assert [text.rstrip(".") for text in piece.copies.values()] == ["Hund", "Hund"]
    assert "".join(piece.tokens[i] for i in sorted(piece.terms[0].positions)).strip() == "man"


def test_a_model_of_words_that_writes_nonsense_writes_its_terms() -> None:
    words = WordVocabulary(["a", "man", "and", "dog", "ein", "Mann", "und", "Hund", "."])
    model = TranslationModel.fresh(SHAPE, words, words)
    nonsense = Translator(model.engine("float32"), glossary=Glossary.of({"dog": "Hund und Mann", "man": "Herr"}))
    for translation in nonsense.translate(["a dog .", "a man and a dog", "a man ."]):
        assert all(term.written for term in translation.terms if term.target != "Herr")
    assert [entry.target for entry in nonsense.terms.unwritable] == ["Herr"] if nonsense.terms else False


def test_terms_are_counted_as_whole_words_and_not_inside_of_others() -> None:
    terms = [WrittenTerm("dog", "Hund", False), WrittenTerm("big dog", "großer Hund", False)]
    assert [term.written for term in checked_terms("ein großer Hund", terms, any_case=False)] == [False, True]
    assert [term.written for term in checked_terms("Hund, großer Hund", terms, any_case=False)] == [True, True]
    assert [term.written for term in checked_terms("Hunde, HUND", terms, any_case=False)] == [False, False]
    assert checked_terms("HUND", terms[:1], any_case=True)[0].written
    assert checked_terms("Rot ist", [WrittenTerm("red", "rot", False)], any_case=False)[0].written
    assert [occurrences(text, "C++") for text in ("C++ und C++.", "C++x")] == [2, 1]
    assert occurrences("我的狗和狗", "狗") == 2


def test_protected_spans_are_no_terms() -> None:
    reader = Reader(translator("onnx").engine.source, "en", terms=translator("onnx").terms)
    piece = reader.read("See dog.example/man, <b>dog</b> and `man` or {dog}.")
    assert [term.source for term in piece.terms] == ["dog"]
    assert [mark.text for mark in piece.marks] == ["<b>", "</b>"]
    assert reader.read("AN IPHONE 5 AND A DOG").case is Case.UPPER


def test_a_term_may_be_a_protected_span_itself() -> None:
    found = Translator.load("en-de", glossary={"C++": "Cpp", "A4": "DIN A4", "50 %": "die Hälfte"})
    lines = ["A man writes C++ on an A4 page.", "A man eats 50 % of it."]
    for translation, targets in zip(found.translate(lines), (["Cpp", "DIN A4"], ["die Hälfte"])):
        assert [term.target for term in translation.terms] == targets
        assert all(occurrences(translation.text, target) == 1 for target in targets), translation.text
        assert "C++" not in translation.text
        assert "50" not in translation.text


def test_the_command_reads_glossaries_and_reports(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    terms, keep, text, report = (tmp_path / name for name in ("terms.tsv", "keep.txt", "text.en", "report.jsonl"))
    terms.write_text("# x\nman\tdogs\nred\t女\nred\t女\n", "utf-8")
    keep.write_text("Ulmburg\n", "utf-8")
    text.write_text("A man is in Ulmburg.\nA red hat\nThe park\n", "utf-8")
    code, output, errors = run("--glossary", terms, "--keep", keep, "--report", report, text)
    assert code == 0
    first, second, _ = output.splitlines()
    assert occurrences(first, "dogs") + occurrences(first, "Dogs") >= 1
    assert "Ulmburg" in first
    assert "女" in second
    assert f"two entries, of which one is enough: {terms}: line 4 as {terms}: line 3\n" in errors
    assert f"articles and endings around them may not fit: {terms}: line 3: 女\n" in errors
    entries = [json.loads(line) for line in report.read_text("utf-8").splitlines()]
    assert [[term["source"] for term in entry["terms"]] for entry in entries] == [["man", "Ulmburg"], ["red"], []]
    assert "missing" not in errors


def test_missing_terms_are_told_in_sum_and_in_the_report(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("translation.searching.Searcher._lacks_terms", lambda *_: False)  # as if none could be written
    terms, text, report = (tmp_path / name for name in ("terms.tsv", "text.en", "report.jsonl"))
    terms.write_text("man\tin dogs\n", "utf-8")
    text.write_text("A man is in the park.\nThe park\n", "utf-8")
    code, _, errors = run("--glossary", terms, text)
    assert code == 0
    assert "1 of 1 terms is missing in the translations, in 1 line; --report FILE says which and why\n" in errors
    _, _, errors = run("--glossary", terms, "--report", report, text)
    assert "in 1 line\n" in errors
    entry, _ = map(json.loads, report.read_text("utf-8").splitlines())
    assert entry["terms"] == [{"source": "man", "target": "in dogs", "written": False}]
    assert entry["reasons"][-1] == "man should be in dogs, which is missing"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--glossary", "{folder}/none.tsv"], "none.tsv: no such file"),
        (["--keep", "{folder}/none.txt"], "none.txt: no such file"),
        (["--glossary-case", "ignore"], "there are no terms; name a file of them with --glossary or --keep"),
        (["--glossary", "{folder}/bad.tsv"], "bad.tsv: line 1: no tab"),
    ],
)
def test_wrong_options_are_refused_before_the_model_is_loaded(
    run: Callable[..., tuple[int, str, str]], arguments: list[str], problem: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("translation.translate.load", None)
    (tmp_path / "bad.tsv").write_text("dog\n", "utf-8")
    (tmp_path / "text.en").write_text("A man\n", "utf-8")
    code, output, errors = run(*(each.format(folder=tmp_path) for each in arguments), tmp_path / "text.en")
    assert (code, output) == (2, "")
    assert errors.startswith("error: ")
    assert problem in errors
    assert errors.count("\n") == 1

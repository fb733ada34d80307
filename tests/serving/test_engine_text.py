"""The page reads text as Python does: tokens, spans, sentences, and pieces with what is kept beside them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from engine_fixtures import ask, bundled, lines, needs_node
from vocabulary_fixtures import LINES, VOCABULARIES

from s2s.text.casing import case_of
from s2s.text.sentences import sentence_spans
from s2s.text.spans import KINDS, find_spans
from s2s.text.tokens import UNK
from s2s.text.vocabulary import Vocabulary, load_vocabulary
from serving.rules import translator_data
from serving.vocabulary import vocabulary_data
from translation.cutting import CutLine, cut
from translation.reading import Reader

pytestmark = needs_node


def as_json(line: CutLine) -> dict[str, Any]:
    pieces = [
        {
            "text": piece.text,
            "ids": piece.ids,
            "tokens": piece.tokens,
            "copies": [[position, text] for position, text in piece.copies.items()],
            "marks": [[mark.text, mark.position, mark.left, mark.right] for mark in piece.marks],
            "case": piece.case.value,
            "capitals": sorted(piece.capitals),
            "translatable": piece.translatable,
            "final_mark": piece.final_mark,
        }
        for piece in line.pieces
    ]
    return {"between": list(line.between), "is_long": line.is_long, "pieces": pieces}


def with_placeholders(name: str, count: int) -> Vocabulary:
    vocabulary = VOCABULARIES[name]
    return load_vocabulary(vocabulary.kind, vocabulary.to_bytes(), placeholders=count)


@pytest.mark.parametrize("placeholders", [0, 2])
@pytest.mark.parametrize("name", VOCABULARIES)
def test_text_has_the_same_tokens_in_every_kind_of_vocabulary(name: str, placeholders: int) -> None:
    vocabulary, texts = with_placeholders(name, placeholders), [*LINES, *lines()]
    expected = [[ids := vocabulary.encode(text), vocabulary.pieces(text), vocabulary.tokens(ids)] for text in texts]
    copies = [[f" <{i}> " for i, each in enumerate(ids) if each == UNK] for ids, *_ in expected]
    decoded = [vocabulary.decode(ids, texts) for (ids, *_), texts in zip(expected, copies)]
    data, rows = vocabulary_data(vocabulary), [[ids, texts] for (ids, *_), texts in zip(expected, copies)]
    asked = ask(("segments", data, texts), ("decoded", data, rows), ("wordStarts", data))
    assert asked == [expected, decoded, vocabulary.word_starts()]


def test_text_has_the_same_tokens_under_the_bundled_model() -> None:
    assets, data = bundled()
    expected = [[assets.source.encode(t), assets.source.pieces(t)] for t in lines()]
    assert [row[:2] for row in ask(("segments", data["source"], lines()))[0]] == expected


def test_protected_spans_are_the_same() -> None:
    examples = [text.replace("⟦", "").replace("⟧", "") for kind in KINDS for text in kind.examples]
    texts = [*examples, *lines()]
    expected = [[[span.start, span.end, span.kind] for span in find_spans(text)] for text in texts]
    assert ask(*(("spans", text) for text in texts), data=bundled()[1]) == expected


@pytest.mark.parametrize("language", ["en", "de", "fr", "xx"])
def test_sentences_and_cases_are_the_same(language: str) -> None:
    assets, _ = bundled()
    config = replace(assets.config, source_language=language)
    texts = [*lines(), "Am 5. Mai kam Dr. Müller. Er ging.", "z. B. so. Dann", "j. kennedy. he ran. dann", "A.B.C. The"]
    expected = [[[[*span] for span in sentence_spans(text, language)], case_of(text, language).value] for text in texts]
    data = translator_data(config, assets.source, assets.target, None)
    asked = ask(*((name, text) for text in texts for name in ("sentences", "case")), data=data)
    assert [[*pair] for pair in zip(asked[::2], asked[1::2])] == expected


@pytest.mark.parametrize("limit", [94, 7])
@pytest.mark.parametrize("model", ["en-de", "de-en"])
def test_lines_are_cut_into_the_same_pieces(model: str, limit: int) -> None:
    assets, data = bundled(model)
    reader = Reader(assets.source, assets.config.source_language, assets.config.rare_characters)
    expected = [as_json(line) for line in cut(lines(), reader, limit)]
    assert ask(*(("cut", line, limit) for line in lines()), data=data) == expected


@pytest.mark.parametrize("name", ["word", "character", "unigram"])
def test_lines_are_cut_into_the_same_pieces_with_other_vocabularies(name: str) -> None:
    vocabulary = with_placeholders(name, 2)
    config = replace(bundled()[0].config, rare_characters="")
    expected = [as_json(line) for line in cut(lines(), Reader(vocabulary, "en"), 30)]
    data = translator_data(config, vocabulary, vocabulary, None)
    assert ask(*(("cut", line, 30) for line in lines()), data=data) == expected

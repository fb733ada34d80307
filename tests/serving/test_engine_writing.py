"""The page writes translations as Python does: copies, marks, capitals, final marks, n-best, and their confidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from engine_fixtures import ask, bundled, lines, needs_node
from vocabulary_fixtures import VOCABULARIES

from s2s.decoding.search import Hypothesis
from s2s.text.tokens import SPECIALS, UNK
from s2s.text.vocabulary import Vocabulary, load_vocabulary
from serving.rules import translator_data
from translation.confidence import features, judge
from translation.cutting import CutLine, cut
from translation.piece import Piece
from translation.reading import Reader
from translation.writing import Writer

pytestmark = needs_node


def hypotheses(piece: Piece, source: Vocabulary, target: Vocabulary, draw: Random) -> Iterator[Hypothesis]:
    """Random hypotheses for a piece, with most of its placeholders, some UNKs, and random attention."""
    copied = [
        i - source.first_placeholder + target.first_placeholder for i in piece.ids if i >= source.first_placeholder
    ]
    rows = np.random.default_rng(draw.randrange(1 << 30))
    for _ in range(draw.randint(1, 4) if piece.translatable else 0):
        tokens = draw.choices(range(len(SPECIALS), target.first_placeholder), k=draw.randint(0, 8))
        for token in [
            *(each for each in copied if draw.random() < 0.9),
            *(UNK for _ in range(draw.choice([0, 0, 0, 2]))),
        ]:
            tokens.insert(draw.randint(0, len(tokens)), token)
        finished = not tokens or draw.random() < 0.8
        weights = rows.dirichlet(np.full(len(piece.ids) + 1, 0.1), len(tokens) + finished).astype(np.float32)
        yield Hypothesis(tokens, -draw.random() * 3, -draw.random() * 30, weights, finished)  # pyright: ignore


def found(line: CutLine, source: Vocabulary, target: Vocabulary, draw: Random) -> list[list[Hypothesis]]:
    return [list(hypotheses(piece, source, target, draw)) for piece in line.pieces]


def as_json(of_pieces: list[list[Hypothesis]]) -> list[list[dict[str, Any]]]:
    return [
        [
            {
                "tokens": each.tokens,
                "score": each.score,
                "logProbability": each.log_probability,
                "attention": np.asarray(each.attention).tolist(),
                "finished": each.finished,
            }
            for each in of
        ]
        for of in of_pieces
    ]


def written(source: Vocabulary, target: Vocabulary, data: dict[str, Any], rare: str, seed: int, count: int) -> None:
    """Check that both write the same for random hypotheses."""
    draw, writer = Random(seed), Writer(source, target, 5, spaces=True)
    cut_lines = cut(lines()[seed::5][:count], Reader(source, "en", rare), 94)
    given = [found(line, source, target, draw) for line in cut_lines]
    asked = ask(*(("written", text, as_json(of)) for text, of in zip(lines()[seed::5], given)), data=data)
    for line, of, sentences in zip(cut_lines, given, asked):
        expected = writer.write(line, of).n_best
        assert [each["text"] for each in sentences] == [each.text for each in expected], line
        assert [each["tokens"] for each in sentences] == [list(each.tokens) for each in expected], line
        for mine, theirs in zip(sentences, expected):
            assert mine["score"] == pytest.approx(theirs.score)
            assert (mine["attention"] or []) == ([] if theirs.attention is None else theirs.attention.tolist())


@pytest.mark.parametrize("seed", [0, 1])
def test_hypotheses_are_written_alike(seed: int) -> None:
    assets, data = bundled()
    written(assets.source, assets.target, data, assets.config.rare_characters, seed, 250)


@pytest.mark.parametrize("name", ["word", "character"])
def test_hypotheses_are_written_alike_with_other_vocabularies(name: str) -> None:
    vocabulary = load_vocabulary(name, VOCABULARIES[name].to_bytes(), placeholders=2)
    config = replace(bundled()[0].config, rare_characters="")
    written(vocabulary, vocabulary, translator_data(config, vocabulary, vocabulary, None), "", 2, 150)


def test_translations_are_judged_alike() -> None:
    assets, data = bundled()
    draw, texts = Random(4), lines()[::4]
    assert assets.calibration
    cut_lines = cut(texts, Reader(assets.source, "en", assets.config.rare_characters), 94)
    given = [found(line, assets.source, assets.target, draw) for line in cut_lines]
    asked = ask(*(("judged", text, as_json(of)) for text, of in zip(texts, given)), data=data)
    for line, of, answer in zip(cut_lines, given, asked):
        expected = [features(piece, each[0]) if each else None for piece, each in zip(line.pieces, of)]
        assert answer["features"] == [each and pytest.approx(each, rel=1e-4, abs=1e-5) for each in expected]
        judgement = judge(line.pieces, of, assets.calibration)
        if judgement is None:
            assert answer["judgement"] is None
        else:
            assert answer["judgement"]["confidence"] == pytest.approx(judgement.confidence, abs=1e-4)
            assert answer["judgement"]["doubtful"] == judgement.doubtful
            assert answer["judgement"]["reasons"] == list(judgement.reasons)

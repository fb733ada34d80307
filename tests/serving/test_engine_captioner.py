"""The page writes and judges captions as Python does."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from engine_fixtures import ask, needs_node

from captioning import familiarity
from captioning.assets import Assets
from captioning.captioner import MODELS
from captioning.confidence import WORDS, features
from s2s.decoding.search import Hypothesis
from s2s.storage.model_record import read_record
from serving.caption_rules import captioner_data

pytestmark = needs_node
GRID = (7, 7)


def hypotheses(size: int, count: int) -> list[Hypothesis]:
    """Captions of random tokens, some of which repeat themselves; one has no attention, one was cut off."""
    draw = np.random.default_rng(3)
    found = []
    for i in range(count):
        tokens = draw.integers(4, size if i % 3 else 30, draw.integers(1, 15)).tolist()
        weights = draw.dirichlet(np.full(49, 0.2), len(tokens) + 1).astype(np.float32)
        total = float(-draw.gamma(2.0, 4.0))
        attention: Any = None if i == 1 else weights[: len(tokens) + (i != 2)]
        finished = i != 2
        found.append(Hypothesis(tokens, total / (len(tokens) + finished), total, attention, finished))
    return found


def test_captions_are_written_and_judged_as_in_python() -> None:
    record = read_record(MODELS / "flickr8k")
    assets = Assets.read(record)
    assert assets.familiarity is not None
    assert assets.calibration is not None
    data = captioner_data(assets.config, assets.vocabulary, GRID, assets.calibration)
    captions = hypotheses(len(assets.vocabulary), 40)
    summaries = np.abs(np.random.default_rng(4).normal(size=(40, len(assets.familiarity.mean)))).astype(np.float32)
    known = base64.b64encode(record.asset(familiarity.FILE)).decode()
    asked = [("captioned", data, known, _as_json(each), row.tolist()) for each, row in zip(captions, summaries)]
    impressions, usual = assets.familiarity.look(summaries), assets.familiarity.usual()
    for caption, impression, answer in zip(captions, impressions, ask(*asked), strict=True):
        expected = features(caption, impression, usual)
        assert answer["features"] == pytest.approx(dict(expected), rel=2e-4, abs=2e-4)  # Python computes in float32
        judgement = assets.calibration.judge(expected, WORDS)
        assert answer["judgement"]["confidence"] == pytest.approx(judgement.confidence, abs=1e-3)
        assert answer["judgement"]["reasons"] == list(judgement.reasons)
        assert answer["sentence"]["text"] == assets.config.writing.detokenise(assets.vocabulary.decode(caption.tokens))
        assert answer["sentence"]["tokens"][-1] == ("</s>" if caption.finished else answer["sentence"]["tokens"][-1])


def test_parts_that_the_tokeniser_took_off_are_joined() -> None:
    record = read_record(MODELS / "flickr8k")
    assets = Assets.read(record)
    data = captioner_data(assets.config, assets.vocabulary, GRID, assets.calibration)
    tokens = assets.vocabulary.encode("a man 's hat is n't red")
    known = base64.b64encode(record.asset(familiarity.FILE)).decode()
    summary = [0.1] * len(assets.familiarity.mean if assets.familiarity else [])
    given = _as_json(Hypothesis(tokens, -1.0, -7.0, None, True))
    (answer,) = ask(("captioned", data, known, given, summary))
    assert answer["sentence"]["text"] == assets.config.writing.detokenise(assets.vocabulary.decode(tokens))
    assert "man's hat" in answer["sentence"]["text"]


def _as_json(caption: Hypothesis) -> dict[str, Any]:
    attention: Any = caption.attention
    return {
        "tokens": caption.tokens,
        "score": caption.score,
        "logProbability": caption.log_probability,
        "attention": None if attention is None else np.asarray(attention).tolist(),
        "finished": caption.finished,
    }

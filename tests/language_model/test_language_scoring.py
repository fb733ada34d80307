"""Scoring: the chunks, parts and batches in which a text is read do not change what the model gives to it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from language_fixtures import ids_of, tiny_language_model
from model_fixtures import CELL_KINDS

from language_model.dynamic import DynamicOptions, score_dynamically
from language_model.scoring import score_lines, score_stream
from s2s.errors import UserError
from s2s.text.tokens import END


@pytest.mark.parametrize("cell", CELL_KINDS)
def test_the_length_of_a_chunk_changes_nothing(cell: str) -> None:
    model = tiny_language_model(cell=CELL_KINDS[cell]())
    ids = ids_of(model)[:200]
    with torch.no_grad():
        whole = score_stream(model.decoder, ids, chunk=1000)
        for chunk in (1, 7, 64):
            np.testing.assert_allclose(score_stream(model.decoder, ids, chunk=chunk), whole, atol=2e-4)


def test_a_stream_is_scored_as_its_tokens_are_written() -> None:
    """One step after the other, as sampling does it."""
    model = tiny_language_model()
    ids = ids_of(model)[:60]
    network, expected = model.engine("float32").network, []
    with network.searching() as search:
        state, token = search.start(1), END
        for following in ids.tolist():
            step = search.step(torch.tensor([token]), state)
            expected.append(float(step.log_probabilities[0, following]))
            state, token = step.state, following
    with torch.no_grad():
        np.testing.assert_allclose(score_stream(model.decoder, ids), expected, atol=2e-4)


def test_parts_with_a_run_up_are_close_to_one_stream() -> None:
    model = tiny_language_model()
    ids = ids_of(model)[:301]
    with torch.no_grad():
        whole = score_stream(model.decoder, ids)
        gaps = {
            run_up: np.abs(score_stream(model.decoder, ids, parts=4, run_up=run_up) - whole) for run_up in (0, 8, 76)
        }
    length = 76
    assert gaps[0][length:].max() > 0.01
    assert gaps[8].mean() < gaps[0].mean()
    assert gaps[76][: 2 * length].max() < 2e-4  # the run-up of the second part begins where the text does
    assert all(gap[:length].max() < 2e-4 for gap in gaps.values())


def test_a_line_by_itself_is_a_text_of_its_own() -> None:
    model = tiny_language_model()
    lines = model.vocabulary.encode_all(["a man", "", "Two dogs play with a ball in the snow !", "hat"])
    with torch.no_grad():
        found = score_lines(model.decoder, lines)
        for ids, scores in zip(lines, found):
            alone = score_stream(model.decoder, np.array([*ids, END], np.int32))
            np.testing.assert_allclose(scores, alone, atol=2e-4)


def test_weights_that_are_no_numbers_are_an_error() -> None:
    model = tiny_language_model()
    model.decoder.projection.bias.data.fill_(torch.nan)
    with torch.no_grad(), pytest.raises(UserError, match="log-probabilities are NaN or infinite"):
        score_stream(model.decoder, ids_of(model)[:5])


# --------------------------------------------------------------------------------------------- dynamic evaluation


def test_dynamic_evaluation_learns_the_text_and_leaves_the_model_as_it_was() -> None:
    model = tiny_language_model()
    ids, before = ids_of(model), {name: each.clone() for name, each in model.decoder.state_dict().items()}
    with torch.no_grad():
        static = score_stream(model.decoder, ids)
        found = score_dynamically(model.decoder, ids, DynamicOptions(steps=10, rate=0.01, decay=0.0))
        held = score_dynamically(model.decoder, ids, DynamicOptions(steps=10, rate=0.01, decay=0.9))
    np.testing.assert_allclose(found[:10], static[:10], atol=1e-5)  # it has learned nothing yet
    assert found[-400:].mean() > static[-400:].mean() + 0.5
    assert abs(held.mean() - static.mean()) < abs(found.mean() - static.mean())
    assert all(torch.equal(each, before[name]) for name, each in model.decoder.state_dict().items())


def test_a_chunk_is_scored_before_it_is_learned_from() -> None:
    """So another end of the text does not change the scores before it."""
    model = tiny_language_model()
    ids = ids_of(model)[:80]
    other = np.concatenate([ids[:60], ids[60:][::-1]])
    options = DynamicOptions(steps=20, rate=0.01)
    found, changed = (score_dynamically(model.decoder, each, options) for each in (ids, other))
    assert np.array_equal(found[:60], changed[:60])
    assert not np.array_equal(found[60:], changed[60:])


@pytest.mark.parametrize("options", [{"rate": 0.0}, {"rate": 1.5}, {"decay": -1.0}, {"decay": 1.0}])
def test_values_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UserError, match="dynamic evaluation"):
        DynamicOptions(**options)  # type: ignore[arg-type]

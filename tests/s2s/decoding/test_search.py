"""Search, with tables of numbers for models: against brute force, a beam written per hypothesis, and itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from s2s.decoding.search import Hypothesis, SearchOptions, beam, greedy, sample
from s2s.errors import UserError

PAD, UNK, START, END = 0, 1, 2, 3
BANNED = (PAD, START)


@dataclass(frozen=True)
class TableState:
    """Of a sentence its table; of a hypothesis the token before the last, and all that it has read, newest first."""

    tables: Tensor  # (n, vocabulary, vocabulary, vocabulary)
    previous: Tensor  # (rows,)
    read: Tensor  # (rows, positions)
    kept: list[int] = field(default_factory=list)  # how many sentences stayed, each time that some left

    def reorder(self, parents: Tensor) -> TableState:
        return TableState(self.tables, self.previous[parents], self.read[parents], self.kept)

    def keep(self, sentences: Tensor) -> TableState:
        self.kept.append(len(sentences))
        n, positions = len(self.tables), self.read.shape[1]
        previous = self.previous.view(n, -1)[sentences].flatten()
        read = self.read.view(n, -1, positions)[sentences].view(-1, positions)
        return TableState(self.tables[sentences], previous, read, self.kept)


@dataclass(frozen=True)
class TableStep:
    log_probabilities: Tensor
    state: TableState
    attention: Tensor | None


def table_step(tokens: Tensor, state: TableState) -> TableStep:
    """A second-order Markov model. The "attention" is the whole history, so that any wrong reordering shows in it."""
    assert tokens.dtype == torch.int64
    assert tokens.shape == state.previous.shape
    sentences = torch.arange(len(state.tables)).repeat_interleave(len(tokens) // len(state.tables))
    log_probabilities = state.tables[sentences, state.previous, tokens]
    read = torch.cat((tokens[:, None].float(), state.read[:, :-1]), 1)
    return TableStep(log_probabilities, TableState(state.tables, tokens, read, state.kept), read)


def blind_step(tokens: Tensor, state: TableState) -> TableStep:
    step = table_step(tokens, state)
    return TableStep(step.log_probabilities, step.state, None)


def begin(tables: Tensor, positions: int = 24) -> TableState:
    n = len(tables)
    return TableState(tables, torch.full((n,), PAD), torch.zeros(n, positions))


def random_tables(sentences: int, vocabulary: int, seed: int, sharpness: float = 1.5, end: float = 0.0) -> Tensor:
    """Log-probabilities (sentences, vocabulary, vocabulary, vocabulary); `end` lifts the logit of END."""
    shape = (sentences, vocabulary, vocabulary, vocabulary)
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * sharpness
    logits[..., END] += end
    return logits.log_softmax(-1)


def run_beam(
    tables: Tensor, limit: int | Tensor, banned: tuple[int, ...] = BANNED, **options
) -> list[list[Hypothesis]]:
    where: Any = {"start": START, "end": END, "maximum_length": limit, "banned": banned}
    return beam(table_step, begin(tables), len(tables), options=SearchOptions(**options), **where)


def run_greedy(tables: Tensor, limit: int | Tensor, minimum_length: int = 0) -> list[Hypothesis]:
    where: Any = {"start": START, "end": END, "maximum_length": limit, "banned": BANNED}
    return greedy(table_step, begin(tables), len(tables), minimum_length=minimum_length, **where)


def log_probability(table: Tensor, tokens: list[int]) -> float:
    path = [PAD, START, *tokens]
    return sum(float(table[a, b, c]) for a, b, c in zip(path, path[1:], path[2:]))


def everything(table: Tensor, limit: int, alpha: float, minimum: int = 0) -> list[tuple[bool, float, list[int]]]:
    """(finished, score, tokens) of every output that there is, the best first and those cut off last."""
    words = [token for token in range(len(table)) if token not in (*BANNED, END)]
    found = []
    for length in range(limit + 1):
        finished = length < limit
        if finished and length < minimum:
            continue
        for tokens in map(list, product(words, repeat=length)):
            steps = [*tokens, END] if finished else tokens
            found.append((finished, log_probability(table, steps) / len(steps) ** alpha, tokens))
    return sorted(found, key=lambda entry: (entry[0], entry[1]), reverse=True)


def facts(found: list[Hypothesis]) -> list[tuple[list[int], bool]]:
    return [(hypothesis.tokens, hypothesis.finished) for hypothesis in found]


@pytest.mark.parametrize("alpha", [0.0, 0.6, 1.0, 2.0])
@pytest.mark.parametrize(("minimum", "limit"), [(0, 4), (2, 4), (0, 1), (1, 2)])
def test_a_wide_beam_equals_brute_force(alpha: float, minimum: int, limit: int) -> None:
    tables = random_tables(3, 8, seed=1, sharpness=2)[:, :7, :7, :7].log_softmax(-1)  # four words
    found = run_beam(tables, limit, width=500, n_best=500, length_penalty=alpha, minimum_length=minimum)
    for table, hypotheses in zip(tables, found):
        wanted = everything(table, limit, alpha, minimum)
        assert facts(hypotheses) == [(tokens, finished) for finished, _, tokens in wanted]
        assert [h.score for h in hypotheses] == pytest.approx([score for _, score, _ in wanted], abs=1e-5)


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.5, 1.0, 1.5]), st.floats(-3, 3))
@settings(max_examples=30, deadline=None)
def test_a_sentence_stops_only_when_nothing_alive_can_win(seed: int, alpha: float, end: float) -> None:
    # One word and END: a beam of 2 never prunes, so that only stopping too soon could lose a hypothesis.
    tables = random_tables(5, 5, seed, end=end)
    found = run_beam(tables, 10, banned=(*BANNED, UNK), width=2, n_best=2, length_penalty=alpha)
    for table, hypotheses in zip(tables, found):
        scores = [log_probability(table, [4] * n + [END]) / (n + 1) ** alpha for n in range(10)]
        assert [h.score for h in hypotheses] == pytest.approx(sorted(scores, reverse=True)[:2], abs=1e-5)


def count_steps(tables: Tensor, limit: int, **options: Any) -> int:
    calls = []

    def step(tokens: Tensor, state: TableState) -> TableStep:
        calls.append(len(tokens))
        return table_step(tokens, state)

    where: Any = {"start": START, "end": END, "maximum_length": limit, "banned": BANNED}
    beam(step, begin(tables), len(tables), options=SearchOptions(**options), **where)
    return len(calls)


def test_search_ends_as_soon_as_it_may() -> None:
    tables = random_tables(4, 6, seed=3, end=6)  # END is nearly sure at every step
    assert count_steps(tables, 20, width=2, length_penalty=0) < 8
    assert count_steps(tables, 20, width=2, length_penalty=1, stop_early=True) < 8
    assert count_steps(tables, 20, width=1, length_penalty=1, stop_early=True) == 1


def plain_beam(table: Tensor, limit: int, options: SearchOptions) -> list[tuple[list[int], bool, float]]:
    """The definition of the search for one sentence, a hypothesis at a time."""
    width, alpha = options.width, options.length_penalty
    alive: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[tuple[float, list[int]]] = []
    for length in range(1, limit + 1):
        excluded = {*BANNED, END} if length <= options.minimum_length else set(BANNED)
        grown = [
            (total + float(table[([PAD, START, *tokens])[-2], ([START, *tokens])[-1], token]), [*tokens, token])
            for total, tokens in alive
            for token in range(len(table))
            if token not in excluded
        ]
        grown.sort(key=lambda entry: -entry[0])  # stable: equals stay in the order of hypothesis and token
        ended = [entry for entry in grown[:width] if entry[1][-1] == END]
        finished += [(total / length**alpha, tokens[:-1]) for total, tokens in ended]
        finished = sorted(finished, key=lambda entry: -entry[0])[:width]
        alive = [entry for entry in grown if entry[1][-1] != END][:width]
        enough = len(finished) == width
        if not alive or (enough and (options.stop_early or alive[0][0] / limit**alpha <= finished[-1][0])):
            alive = []
            break
    cut_off = [(tokens, False, total / limit**alpha) for total, tokens in alive]
    return ([(tokens, True, score) for score, tokens in finished] + cut_off)[: options.n_best]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_tensor_program_is_the_plain_beam(data: st.DataObject) -> None:
    vocabulary, sentences = data.draw(st.sampled_from([5, 6, 64, 65, 150])), data.draw(st.integers(1, 5))
    width = data.draw(st.integers(1, 6))
    options = SearchOptions(
        width,
        n_best=data.draw(st.integers(1, width)),
        length_penalty=data.draw(st.sampled_from([0.0, 1.0])),
        minimum_length=data.draw(st.integers(0, 3)),
        stop_early=data.draw(st.booleans()),
    )
    limits = data.draw(st.lists(st.integers(1, 7), min_size=sentences, max_size=sentences))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 10_000)))
    # Few different values make many equals; as multiples of 1/4 their sums are exact.
    pairs = torch.randint(-9, 0, (sentences, 1, vocabulary, vocabulary), generator=generator) / 4
    pairs[..., END] = torch.randint(-9, 0, pairs.shape[:-1], generator=generator) / 8
    tables = pairs.expand(-1, vocabulary, -1, -1)
    where: Any = {"start": START, "end": END, "maximum_length": torch.tensor(limits), "banned": BANNED}
    found = beam(table_step, begin(tables), sentences, options=options, **where)
    for table, limit, hypotheses in zip(tables, limits, found):
        wanted = plain_beam(table, limit, options)
        assert facts(hypotheses) == [(tokens, finished) for tokens, finished, _ in wanted]
        assert [h.score for h in hypotheses] == pytest.approx([score for _, _, score in wanted], rel=1e-6)


@given(st.integers(0, 10_000), st.floats(-2, 3), st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_greedy_takes_the_likeliest_and_beam_1_equals_it(seed: int, end: float, minimum: int) -> None:
    tables = random_tables(6, 70, seed, end=end + 3)
    limit = torch.tensor([9, 1, 2, 9, 5, 9])
    found = run_greedy(tables, limit, minimum)
    for table, longest, hypothesis in zip(tables, limit.tolist(), found):
        path = [PAD, START]
        while len(path) < longest + 2 and path[-1] != END:
            allowed = table[path[-2], path[-1]].clone()
            allowed[list(BANNED)] = -math.inf
            if len(path) - 2 < minimum:
                allowed[END] = -math.inf
            path.append(int(allowed.argmax()))
        assert hypothesis.finished == (path[-1] == END)
        assert hypothesis.tokens == [token for token in path[2:] if token != END]
        assert hypothesis.log_probability == pytest.approx(log_probability(table, path[2:]), abs=1e-4)
        assert hypothesis.score == pytest.approx(hypothesis.log_probability / len(path[2:]))
    for alpha, stop_early in ((0.0, False), (1.0, True)):
        narrow = run_beam(tables, limit, width=1, minimum_length=minimum, length_penalty=alpha, stop_early=stop_early)
        assert facts(found) == [fact for hypotheses in narrow for fact in facts(hypotheses)]


@pytest.mark.parametrize("stop_early", [False, True])
def test_the_head_of_the_n_best_is_the_1_best(stop_early: bool) -> None:
    tables = random_tables(10, 9, seed=5, end=1)
    every = run_beam(tables, 8, width=6, n_best=6, stop_early=stop_early)
    assert all(len(hypotheses) == 6 for hypotheses in every)
    for n_best in (1, 2, 5):
        fewer = run_beam(tables, 8, width=6, n_best=n_best, stop_early=stop_early)
        assert [facts(hypotheses) for hypotheses in fewer] == [facts(hypotheses)[:n_best] for hypotheses in every]
    for hypotheses in every:
        assert len({tuple(hypothesis.tokens) for hypothesis in hypotheses}) == 6
        assert [h.score for h in hypotheses] == sorted((h.score for h in hypotheses), reverse=True)


@given(st.integers(0, 10_000), st.booleans())
@settings(max_examples=8, deadline=None)
def test_neither_company_nor_order_changes_a_result(seed: int, stop_early: bool) -> None:
    # From END at once to END hardly ever: sentences leave at very different times.
    tables = torch.cat([random_tables(2, 7, seed + i, end=end) for i, end in enumerate((8, 4, 2, 0, -3, -8))])
    limits = torch.randint(1, 16, (12,), generator=torch.Generator().manual_seed(seed))
    options = {"width": 3, "n_best": 3, "stop_early": stop_early}
    together, one_each = run_beam(tables, limits, **options), run_greedy(tables, limits)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(seed))
    shuffled, greedy_shuffled = (
        run_beam(tables[order], limits[order], **options),
        run_greedy(tables[order], limits[order]),
    )
    for place, sentence in enumerate(order.tolist()):
        alone = run_beam(tables[sentence, None], int(limits[sentence]), **options)[0]
        for other in (together[sentence], shuffled[place]):
            assert facts(other) == facts(alone)
            assert [h.score for h in other] == [h.score for h in alone]
            for mine, lonely in zip(other, alone):
                assert mine.attention is not None and lonely.attention is not None  # noqa: PT018
                assert mine.attention.equal(lonely.attention)
        assert facts([one_each[sentence], greedy_shuffled[place]]) == 2 * facts(
            run_greedy(tables[sentence, None], int(limits[sentence]))
        )


def search_everywhere(tables: Tensor, limit: int, step: Callable = table_step) -> list[Hypothesis]:
    """What beam, greedy and sampling find, in one list."""
    where: Any = {"start": START, "end": END, "maximum_length": limit, "banned": BANNED}
    n, generator = len(tables), torch.Generator().manual_seed(0)
    wide = beam(step, begin(tables), n, options=SearchOptions(width=4, n_best=4), **where)
    single = greedy(step, begin(tables), n, **where) + sample(step, begin(tables), n, generator=generator, **where)
    return [hypothesis for hypotheses in wide for hypothesis in hypotheses] + single


def test_attention_follows_its_hypothesis() -> None:
    tables = torch.cat([random_tables(3, 7, seed=8 + i, end=end) for i, end in enumerate((3, 0, -2))])
    found = search_everywhere(tables, 12)
    assert any(not h.finished for h in found) and any(h.finished and h.tokens for h in found)  # noqa: PT018
    for hypothesis in found:
        assert hypothesis.attention is not None
        assert len(hypothesis.attention) == len(hypothesis.tokens) + hypothesis.finished
        history = [START, *hypothesis.tokens]
        for time, row in enumerate(hypothesis.attention.int().tolist()):
            assert row[: time + 2] == [*history[time::-1], 0]
    assert all(h.attention is None for h in search_everywhere(tables, 12, blind_step))


def test_done_sentences_leave_the_batch() -> None:
    tables = torch.cat((random_tables(3, 7, seed=1, end=9), random_tables(3, 7, seed=2, end=-30)))
    where: Any = {"start": START, "end": END, "maximum_length": 9, "banned": BANNED}
    for search in (greedy, beam):
        state = begin(tables)
        search(table_step, state, 6, **where)
        assert 3 in state.kept


@pytest.mark.parametrize("end", [-1e4, -math.inf])
def test_ends_without_end(end: float) -> None:
    tables = random_tables(3, 6, seed=4)
    tables[..., END] = end
    found = search_everywhere(tables, 6)
    assert {(len(h.tokens), h.finished) for h in found if h.log_probability > -5_000} == {(6, False)}
    assert len(found) == 3 * (4 + 1 + 1)


def test_a_finished_hypothesis_comes_before_those_cut_off() -> None:
    table = torch.full((1, 5, 5, 5), -0.01)  # not normalised: the loop 4 4 4 ... would have the better mean
    table[..., UNK], table[..., END] = -9.0, -3.0
    limits = torch.tensor([2, 9, 9, 9, 9])  # the first sentence stays in the batch, done, for a while
    found = run_beam(table.expand(5, -1, -1, -1), limits, width=3, n_best=3, stop_early=True)[0]
    assert facts(found) == [([4], True), ([], True), ([4, 4], False)]
    assert found[2].score > found[0].score


def test_minimum_length_holds_back_end_and_nothing_else() -> None:
    tables = random_tables(4, 7, seed=6, end=7)
    assert [h.tokens for h in run_greedy(tables, 9)] == [[]] * 4  # END first: an empty output is what this model wants
    assert [len(h.tokens) for h in run_greedy(tables, 9, minimum_length=3)] == [3] * 4
    found = run_beam(tables, 9, width=4, n_best=4, minimum_length=3)
    assert {len(h.tokens) for hypotheses in found for h in hypotheses} <= set(range(3, 10))
    assert [len(hypotheses[0].tokens) for hypotheses in found] == [3] * 4


def test_banned_tokens_are_never_written_and_unknown_ones_may_be() -> None:
    tables = random_tables(4, 6, seed=7)
    tables[..., [PAD, START]] = -0.01
    written = {token for h in search_everywhere(tables, 6) for token in h.tokens}
    assert written == {UNK, 4, 5}


@pytest.mark.parametrize("value", [math.nan, -math.nan, math.inf])
@pytest.mark.parametrize("search", [greedy, beam])
def test_numbers_that_are_not_finite_are_refused(search: Callable, value: float) -> None:
    tables = random_tables(3, 90, seed=9)
    tables[1, START, :, 77] = value
    with pytest.raises(UserError, match="NaN or infinite"):
        search(table_step, begin(tables), 3, start=START, end=END, maximum_length=5, banned=BANNED)


def test_sampling_refuses_nan() -> None:
    tables = torch.full((2, 6, 6, 6), math.nan)
    where: Any = {"start": START, "end": END, "maximum_length": 5}
    with pytest.raises(UserError, match="NaN or infinite"):
        sample(table_step, begin(tables), 2, generator=torch.Generator(), **where)


@pytest.mark.parametrize("search", [greedy, beam])
def test_a_sentence_without_any_token_left_is_named(search: Callable) -> None:
    tables = random_tables(3, 6, seed=10)
    tables[1] = -math.inf
    with pytest.raises(RuntimeError, match="sentence 1 "):
        search(table_step, begin(tables), 3, start=START, end=END, maximum_length=5)


def test_no_sentences_give_no_results() -> None:
    tables = random_tables(1, 6, seed=0)[:0]
    assert run_beam(tables, 5) == []
    assert run_greedy(tables, torch.zeros(0, dtype=torch.int64)) == []


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"width": 0}, "width"),
        ({"width": 2, "n_best": 3}, "n_best"),
        ({"n_best": 0}, "n_best"),
        ({"length_penalty": -0.5}, "length_penalty"),
        ({"length_penalty": math.nan}, "length_penalty"),
        ({"length_penalty": 10.5}, "length_penalty is 10.5: choose 0 to 10"),
        ({"minimum_length": -1}, "minimum_length"),
    ],
)
def test_impossible_options_are_the_users_mistake(wrong: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        run_beam(random_tables(2, 6, seed=0), 5, **wrong)


def test_impossible_limits_and_tokens_are_told() -> None:
    tables = random_tables(2, 6, seed=0)
    for limit in (0, torch.tensor([3, 0])):
        with pytest.raises(UserError, match="maximum_length"):
            run_greedy(tables, limit)
    with pytest.raises(UserError, match="temperature"):
        sample_words(tables, temperature=0.0)
    with pytest.raises(UserError, match="samples is 0"):
        sample_words(tables, samples=0)


def sample_words(tables: Tensor, limit: int | Tensor = 1, seed: int = 0, **options: Any) -> list[Hypothesis]:
    where: Any = {"start": START, "end": END, "maximum_length": limit, "banned": BANNED}
    where |= {"generator": torch.Generator().manual_seed(seed)} | options
    return sample(table_step, begin(tables), len(tables), **where)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_follow_the_distribution(temperature: float) -> None:
    draws = 4_000
    table = random_tables(1, 6, seed=12, sharpness=0.7)
    wanted = (table[0, PAD, START] / temperature).index_fill(0, torch.tensor(BANNED), -math.inf).softmax(0)
    found = sample_words(table.expand(draws, -1, -1, -1), temperature=temperature)
    counts = torch.tensor([h.tokens[0] if h.tokens else END for h in found]).bincount(minlength=6)
    deviations = (wanted * (1 - wanted) / draws).sqrt()  # of a binomial share
    assert (counts / draws - wanted).abs().le(5 * deviations).all()


def test_samples_are_scored_by_the_model_and_repeat_with_the_generator() -> None:
    tables = random_tables(20, 6, seed=13)
    found = sample_words(tables, limit=7, temperature=2.0)
    assert facts(found) == facts(sample_words(tables, limit=7, temperature=2.0))
    assert facts(found) != facts(sample_words(tables, limit=7, seed=1, temperature=2.0))
    for table, hypothesis in zip(tables, found):
        path = hypothesis.tokens + [END] * hypothesis.finished
        assert hypothesis.log_probability == pytest.approx(log_probability(table, path), abs=1e-4)


def test_samples_of_a_sentence_lie_side_by_side_and_follow_its_distribution() -> None:
    """Self-critical training: one encoded picture, several sentences. Each is drawn as if it were alone."""
    draws, tables = 2_000, random_tables(3, 6, seed=12, sharpness=0.7)
    found = sample_words(tables, samples=draws)
    assert len(found) == 3 * draws
    for i, table in enumerate(tables):
        wanted = table[PAD, START].index_fill(0, torch.tensor(BANNED), -math.inf).softmax(0)
        own = found[i * draws : (i + 1) * draws]
        counts = torch.tensor([h.tokens[0] if h.tokens else END for h in own]).bincount(minlength=6)
        assert (counts / draws - wanted).abs().le(5 * (wanted * (1 - wanted) / draws).sqrt()).all()


@pytest.mark.parametrize("end", [-1.0, 1.5])
def test_each_sample_has_its_own_score_end_and_attention(end: float) -> None:
    """While sentences leave the batch one by one, those whose samples have all ended, or at limits of their own."""
    tables, limits = random_tables(12, 9, seed=14, end=end), torch.arange(12) % 5 + 4
    found = sample_words(tables, limits, samples=3)
    assert any(found[i].tokens != found[i + 1].tokens for i in range(0, 36, 3))
    for i, hypothesis in enumerate(found):
        path = hypothesis.tokens + [END] * hypothesis.finished
        assert hypothesis.finished == (len(hypothesis.tokens) < limits[i // 3])
        assert hypothesis.log_probability == pytest.approx(log_probability(tables[i // 3], path), abs=1e-4)
        assert hypothesis.attention is not None
        for time, row in enumerate(hypothesis.attention.tolist()):
            assert row[: time + 1] == [START, *path[:time]][::-1]


def test_without_a_generator_the_global_one_is_drawn_from() -> None:
    tables = random_tables(20, 6, seed=13)
    runs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        runs.append(facts(sample_words(tables, limit=7, samples=2, generator=None)))
    assert runs[0] == runs[1] != runs[2]


def test_one_sample_without_any_token_left_fails_its_sentence() -> None:
    """Rather than let another take its place in the order."""
    tables = random_tables(2, 6, seed=0)
    tables[1, START, 4] = -math.inf  # nothing may follow 4
    with pytest.raises(RuntimeError, match="sentence 1 of the batch"):
        sample_words(tables, limit=5, samples=64)

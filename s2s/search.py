"""Greedy search, beam search and sampling over a step function: tables of numbers in, token sequences out, never a model.

Each is one tensor program over all sentences and hypotheses of a batch. What a step chose is kept in tensors with
back-pointers; the walk back happens once, at the end. Sentences that are done leave the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

from s2s.errors import check

_BLOCK = 64  # tokens a block of the two-stage top-k: the block maxima are one cheap pass, all that follows is small
_LEAVING = 4  # done sentences leave the batch once they are a quarter of it: copying the others is not free


class State(Protocol):
    """What a step carries to the next one. Rows are laid out sentence by sentence: rows = sentences * hypotheses."""

    def reorder(self, parents: Tensor) -> Self:
        """The state whose row i continues row parents[i]; parents is (new_rows,) int64, of any number of new rows."""
        ...

    def keep(self, sentences: Tensor) -> Self:
        """The state of the given sentences alone, with all their rows; sentences is (n,) int64, ascending."""
        ...


StateT = TypeVar("StateT", bound=State)
StateT_co = TypeVar("StateT_co", bound=State, covariant=True)


class StepLike(Protocol[StateT_co]):
    """What a step returns. The search keeps these tensors and never writes to them: a step must not reuse them either."""

    @property
    def log_probabilities(self) -> Tensor:
        """(rows, vocabulary) float32."""
        ...

    @property
    def state(self) -> StateT_co:
        """The state after this step."""
        ...

    @property
    def attention(self) -> Tensor | None:
        """(rows, positions), the same positions at every step; or None."""
        ...


StepFunction = Callable[[Tensor, StateT], StepLike[StateT]]  # (tokens (rows,) int64, state) -> what follows them


@dataclass(frozen=True)
class Hypothesis:
    """One output of a search.

    tokens           without START and END.
    score            log_probability / length ** length_penalty, where END counts into the length.
    log_probability  natural, the sum over all tokens and END, under the model without any temperature.
    attention        (steps, positions) on the CPU: a row a token, and one more for END where it is finished; or None.
    finished         False where the maximum length cut it off before END.
    """

    tokens: list[int]
    score: float
    log_probability: float
    attention: Tensor | None = field(compare=False)
    finished: bool


@dataclass(frozen=True)
class SearchOptions:
    """Options of a beam search; a `UserError` says which of them cannot be.

    width           hypotheses a sentence at every step, and finished ones remembered.
    n_best          hypotheses returned a sentence, best first. It does not change the search.
    length_penalty  alpha of score = log P / length ** alpha: 0 is the plain log-probability, 1 the mean a token. Wu et
                    al. (2016, eq. 14) divide by ((5 + length) / 6) ** alpha instead, which forgives short outputs more.
    minimum_length  tokens without END before which END is not allowed.
    stop_early      False: a sentence goes on until nothing alive can still beat its `width` finished hypotheses. True:
                    it stops at `width` finished ones, in far fewer steps; a longer hypothesis may be missed.
    """

    width: int = 5
    n_best: int = 1
    length_penalty: float = 1.0
    minimum_length: int = 0
    stop_early: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        check(self.width >= 1, f"the beam's width is {self.width}: choose 1 or more")
        check(
            1 <= self.n_best <= self.width, f"n_best is {self.n_best}: choose from 1 to the beam's width, {self.width}"
        )
        _check_scoring(self.length_penalty, self.minimum_length)


def greedy(
    step: StepFunction[StateT],
    state: StateT,
    sentences: int,
    *,
    start: int,
    end: int,
    maximum_length: int | Tensor,
    minimum_length: int = 0,
    length_penalty: float = 1.0,
    banned: Sequence[int] = (),
    device: torch.device | str = "cpu",
) -> list[Hypothesis]:
    """Take the likeliest token at every step, the lower one of equals: one hypothesis a sentence.

    The arguments and errors are those of `beam`; `length_penalty` changes the score that is reported, nothing else.
    """
    _check_scoring(length_penalty, minimum_length)
    limits = _limits(maximum_length, minimum_length, sentences, device)
    selectors = _selectors(banned, end, minimum_length)

    def choose(log_probabilities: Tensor, totals: Tensor, time: int) -> tuple[Tensor, Tensor, Tensor]:
        totals, tokens, health = selectors[time < minimum_length](log_probabilities, totals[:, None], 1)
        return totals.squeeze(1), tokens.squeeze(1), health

    return _one_each(step, state, limits, choose, start, end, length_penalty)


def sample(
    step: StepFunction[StateT],
    state: StateT,
    sentences: int,
    *,
    start: int,
    end: int,
    maximum_length: int | Tensor,
    generator: torch.Generator,
    temperature: float = 1.0,
    minimum_length: int = 0,
    length_penalty: float = 1.0,
    banned: Sequence[int] = (),
    device: torch.device | str = "cpu",
) -> list[Hypothesis]:
    """Draw every token from the model's distribution to the power of 1 / temperature: one hypothesis a sentence.

    `generator` lives on `device`. By the Gumbel-max trick (Maddison et al., 2014): the argmax of log p / T plus Gumbel
    noise is a draw. Probabilities are those of the model: they are not renormalised for what was banned.
    The other arguments and errors are those of `beam`.
    """
    _check_scoring(length_penalty, minimum_length)
    check(temperature > 0, f"the temperature is {temperature}: choose a number above 0, or search greedily")
    limits = _limits(maximum_length, minimum_length, sentences, device)
    selectors = _selectors(banned, end, minimum_length)

    def choose(log_probabilities: Tensor, totals: Tensor, time: int) -> tuple[Tensor, Tensor, Tensor]:
        scores = log_probabilities.index_fill(1, selectors[time < minimum_length].excluded_on(device), -math.inf)
        # Without the clamp a draw of exactly 0 would be infinite noise, which lifts even what is impossible.
        noise = torch.empty_like(scores).exponential_(generator=generator).clamp_min_(torch.finfo(scores.dtype).tiny)
        tokens = (scores / temperature - noise.log_()).argmax(1)
        totals = totals + scores.gather(1, tokens[:, None]).squeeze(1)
        return totals, tokens, totals.sum()

    return _one_each(step, state, limits, choose, start, end, length_penalty)


def beam(
    step: StepFunction[StateT],
    state: StateT,
    sentences: int,
    *,
    start: int,
    end: int,
    maximum_length: int | Tensor,
    options: SearchOptions | None = None,
    banned: Sequence[int] = (),
    device: torch.device | str = "cpu",
) -> list[list[Hypothesis]]:
    """Search with a beam: up to n_best hypotheses a sentence, best first; those cut off come after all finished ones.

    At every step the `2 * width` best continuations of a sentence are ranked. END among the first `width` finishes a
    hypothesis; the first `width` others go on. With a width of all that can be written this is exhaustive search.

    state           one row a sentence; the first step runs on these rows, `reorder` then makes `width` of each.
    start, end      token ids. `start` is fed to the first step.
    maximum_length  steps at most, END being one: an int, or (sentences,) int64 where each sentence has its own.
    banned          token ids that are never chosen (padding, START).
    device          where the step's tensors are.

    Raises `UserError` for options that cannot be, `RuntimeError` where a log-probability is NaN or infinite, or where a
    sentence is left without any token of a probability above zero.
    """
    options = options or SearchOptions()
    limits = _limits(maximum_length, options.minimum_length, sentences, device)
    selectors = _selectors(banned, end, options.minimum_length)
    hypotheses, history = _Beam(limits, options, end), _History(limits)
    closing = set(limits.tolist())
    tokens = torch.full_like(limits, start)
    for time in range(max(closing, default=0)):
        result = step(tokens, state)
        select = selectors[time < options.minimum_length]
        totals, flat, health = select(result.log_probabilities, hypotheses.alive, 2 * options.width)
        parents_each = hypotheses.alive.shape[1]
        choice, slots = hypotheses.advance(totals, flat, time, result.log_probabilities.shape[1])
        history.append(choice, slots, result.attention)
        if time + 1 in closing:
            hypotheses.cut_off(time + 1)
        state, stay = result.state, _staying(hypotheses.retire(), health)
        if stay is not None:
            history.keep(hypotheses.keep(stay))
            if not len(stay):
                break
            state, choice, slots = state.keep(stay), choice[stay], slots[stay]
        first_parents = torch.arange(0, len(slots) * parents_each, parents_each, device=slots.device)
        tokens, state = choice.flatten(), state.reorder((slots + first_parents[:, None]).flatten())
    scores, origins = hypotheses.best(options.n_best)
    steps, slots = origins // options.width, origins % options.width
    return _hypotheses(history, scores, steps, slots, limits, options.length_penalty)


def _one_each(
    step: StepFunction[StateT],
    state: StateT,
    limits: Tensor,
    choose: Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor, Tensor]],
    start: int,
    end: int,
    length_penalty: float,
) -> list[Hypothesis]:
    """The loop of one hypothesis a sentence. choose(log_probabilities, totals, time) -> new totals, tokens, health."""
    history = _History(limits)
    closing = set(limits.tolist())
    rows = torch.arange(len(limits), device=limits.device)
    ends = limits  # as `limits`, of the sentences that are still in the batch
    totals, steps, done = torch.zeros_like(rows, dtype=torch.float32), torch.zeros_like(rows), rows < 0
    all_totals, all_steps = totals.clone(), steps.clone()
    tokens = torch.full_like(rows, start)
    for time in range(max(closing, default=0)):
        result = step(tokens, state)
        reached, tokens, health = choose(result.log_probabilities, totals, time)
        history.append(tokens[:, None], torch.zeros_like(tokens)[:, None], result.attention)
        totals = torch.where(done, totals, reached)
        done = done | (tokens == end)
        steps = steps + ~done
        if time + 1 in closing:
            done = done | (ends == time + 1)
        state, stay = result.state, _staying(done, health)
        if stay is not None:
            all_totals[rows], all_steps[rows] = totals, steps
            rows, ends, totals, steps, done, tokens = (x[stay] for x in (rows, ends, totals, steps, done, tokens))
            history.keep(rows)
            if not len(stay):
                break
            state = state.keep(stay)
    scores = all_totals / (all_steps + (all_steps < limits)) ** length_penalty
    columns = (scores[:, None], all_steps[:, None], torch.zeros_like(all_steps)[:, None])
    return [best for (best,) in _hypotheses(history, *columns, limits, length_penalty)]


class _Selector:
    """The best continuations of every sentence, exactly, equals in the order of hypothesis and token.

    A top-k over width * vocabulary costs more than the softmax before it. Instead: the maximum of every block of
    tokens, the top blocks, and the top-k of what these hold. As many blocks as tokens wanted are enough, since each has
    at least one token as good as anything outside them; blocks whose maximum may be an excluded token come on top.
    """

    def __init__(self, excluded: set[int]) -> None:
        self.excluded = sorted(excluded)
        self.shape = (0, 0)

    def __call__(self, log_probabilities: Tensor, alive: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """The `count` best of each sentence, fewer where there are no more.

        log_probabilities (n * width, vocabulary), alive (n, width) -> totals (n, count), flat (n, count) which is
        hypothesis * vocabulary + token, health () which is below infinity unless a log-probability is not.
        """
        (n, width), vocabulary = alive.shape, log_probabilities.shape[1]
        if self.shape != (width, vocabulary):
            self._lay_out(width, vocabulary, alive.device)
        grid = log_probabilities.reshape(n, width, vocabulary)
        whole = vocabulary // self.block * self.block
        maxima = grid[:, :, :whole].unflatten(2, (-1, self.block)).amax(3)
        if whole < vocabulary:
            maxima = torch.cat((maxima, grid[:, :, whole:].amax(2, keepdim=True)), 2)
        blocks = maxima.shape[2]
        maxima = (maxima.float() + alive[:, :, None]).flatten(1)  # (n, width * blocks)
        chosen = _first(maxima, self.numbers, count + width * self.spoilt)
        flat, parents = self.flat[chosen].flatten(1), alive.gather(1, chosen // blocks)  # (n, chosen * block)
        totals = grid.flatten(1).gather(1, flat).float().view(n, -1, self.block) + parents[:, :, None]
        totals = (totals + self.bias[chosen]).flatten(1)
        best = _first(totals, flat, count)
        return totals.gather(1, best), flat.gather(1, best), maxima.sum()

    def _lay_out(self, width: int, vocabulary: int, device: torch.device) -> None:
        """Make the tables that say what a block holds: (width * blocks, block)."""
        self.shape, self.block = (width, vocabulary), min(_BLOCK, vocabulary)
        blocks = -(-vocabulary // self.block)
        tokens = torch.arange(blocks * self.block, device=device)
        bias = torch.zeros_like(tokens, dtype=torch.float32)
        bias[vocabulary:] = -math.inf  # what fills up the last block
        bias[self.excluded_on(device)] = -math.inf
        self.spoilt = len({token // self.block for token in self.excluded})
        self.bias = bias.view(blocks, -1).repeat(width, 1)
        first = torch.arange(0, width * vocabulary, vocabulary, device=device)
        self.flat = (first[:, None] + tokens.clamp_max(vocabulary - 1)).view(width * blocks, -1)
        self.numbers = torch.arange(width * blocks, device=device)

    def excluded_on(self, device: torch.device | str) -> Tensor:
        """The ids that are never chosen, (excluded,)."""
        return torch.tensor(self.excluded, dtype=torch.int64, device=device)


def _first(values: Tensor, order: Tensor, count: int) -> Tensor:
    """Indices (n, count) of the highest of values (n, columns) float32, equals by ascending `order` below 2 ** 32.

    `topk` alone leaves open which of equals it takes. A float's bits, read as an integer, rank as the float does once
    those of negative numbers are inverted; with `order` in the lower half no two keys are equal.
    """
    bits = values.view(torch.int32)
    ranks = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    keys = torch.sub(order, ranks, alpha=2**32)
    return keys.topk(min(count, keys.shape[1]), largest=False).indices


class _Beam:
    """The hypotheses of the sentences in the batch: those alive, and the best `width` that are finished.

    alive    (n, slots) float32: log-probability of each hypothesis, descending; -inf is a slot that holds none.
    scores   (n, width) float32: of the finished ones, descending; -inf is a place not taken yet.
    origins  (n, width) int64: tokens of the hypothesis * width + slot of its last token: where the walk back begins.
    """

    def __init__(self, limits: Tensor, options: SearchOptions, end: int) -> None:
        n, width, self.end, self.options = len(limits), options.width, end, options
        self.rows, self.limits = torch.arange(n, device=limits.device), limits
        self.alive = torch.zeros(n, 1, device=limits.device)
        self.scores = torch.full((n, width), -math.inf, device=limits.device)
        self.origins = torch.zeros_like(self.scores, dtype=torch.int64)
        self.best_divisors = limits**options.length_penalty
        self.all_scores, self.all_origins = self.scores.clone(), self.origins.clone()

    def advance(self, totals: Tensor, flat: Tensor, time: int, vocabulary: int) -> tuple[Tensor, Tensor]:
        """Finish what ends among the best, go on with the others: tokens and parents' slots, both (n, slots)."""
        width, divisor = self.options.width, (time + 1) ** self.options.length_penalty
        ended = flat % vocabulary == self.end
        found = totals.masked_fill(~ended, -math.inf)[:, :width] / divisor
        scores, order = torch.cat((self.scores, found), 1).sort(dim=1, descending=True, stable=True)
        origins = torch.cat((self.origins, flat[:, :width] // vocabulary + time * width), 1)
        self.scores, self.origins = scores[:, :width], origins.gather(1, order[:, :width])
        alive, order = totals.masked_fill(ended, -math.inf).sort(dim=1, descending=True, stable=True)
        self.alive, going = alive[:, :width], flat.gather(1, order[:, :width])
        return going % vocabulary, going // vocabulary

    def cut_off(self, time: int) -> None:
        """Where `time` is the limit, what is alive stays as it is and nothing goes on."""
        closing = (self.limits == time)[:, None]
        scores = self.alive / time**self.options.length_penalty
        self.cut[:, : scores.shape[1]] = torch.where(closing, scores, self.cut[:, : scores.shape[1]])
        self.alive = self.alive.masked_fill(closing, -math.inf)

    def retire(self) -> Tensor:
        """Which sentences are done, (n,); nothing of them is alive any more, so that nothing changes until they leave.

        A log-probability only falls and a length only grows up to the limit, so log P / limit ** alpha is the best that
        the best one alive can still become (alpha >= 0).
        """
        worst = self.scores[:, -1]
        done = self.alive[:, 0] / self.best_divisors <= worst
        if self.options.stop_early:
            done = done | (worst > -math.inf)
        self.alive = self.alive.masked_fill(done[:, None], -math.inf)
        return done

    def keep(self, stay: Tensor) -> Tensor:
        """Store what is known of all sentences, go on with those that stay: their numbers in the whole batch, (n,)."""
        self.all_scores[self.rows], self.all_origins[self.rows] = self.scores, self.origins
        self.rows, self.limits, self.best_divisors = self.rows[stay], self.limits[stay], self.best_divisors[stay]
        self.alive, self.scores, self.origins = self.alive[stay], self.scores[stay], self.origins[stay]
        return self.rows

    def best(self, n_best: int) -> tuple[Tensor, Tensor]:
        """Scores and origins of all sentences once none is left, (sentences, n_best), best first."""
        return self.all_scores[:, :n_best], self.all_origins[:, :n_best]


class _History:
    """What every step chose: tokens and parents' slots, (n, slots), attention, (n * parents, positions), and `places`.

    places (sentences,) int64 are the rows that the sentences had at a step, 0 for those that had left.
    """

    def __init__(self, limits: Tensor) -> None:
        self.place = torch.arange(len(limits), device=limits.device)
        self.tokens: list[Tensor] = []
        self.slots: list[Tensor] = []
        self.attention: list[Tensor | None] = []
        self.places: list[Tensor] = []

    def append(self, tokens: Tensor, slots: Tensor, attention: Tensor | None) -> None:
        """Record a step."""
        self.tokens.append(tokens)
        self.slots.append(slots)
        self.attention.append(attention)
        self.places.append(self.place)

    def keep(self, rows: Tensor) -> None:
        """From now on the batch holds the sentences of these numbers, (n,)."""
        self.place = torch.zeros_like(self.place)
        self.place[rows] = torch.arange(len(rows), device=rows.device)

    def walk_back(self, steps: Tensor, slots: Tensor) -> tuple[Tensor, Tensor | None]:
        """Tokens (sentences, m, time) and attention (sentences, m, time, positions) that lead to each of (sentences, m).

        A hypothesis has steps tokens, the last of them in its slot; what stands behind them is void, save for one more
        row of attention: that of END.
        """
        tokens, attention = [], []
        for time in range(len(self.tokens) - 1, -1, -1):
            place = self.places[time]
            tokens.append(self.tokens[time][place].gather(1, slots))
            slots = torch.where(time < steps, self.slots[time][place].gather(1, slots), slots)
            weights = self.attention[time]
            if weights is not None:
                parents = weights.unflatten(0, (len(self.tokens[time]), -1))  # (n, parents, positions)
                attention.append(parents[place[:, None], slots])
        return torch.stack(tokens[::-1], 2), torch.stack(attention[::-1], 2) if attention else None


def _hypotheses(
    history: _History, scores: Tensor, steps: Tensor, slots: Tensor, limits: Tensor, length_penalty: float
) -> list[list[Hypothesis]]:
    """Read out scores, steps (tokens without END) and last slots, each (sentences, m), best first."""
    if not len(limits):
        return []
    tokens, attention = history.walk_back(steps, slots)
    attention = None if attention is None else attention.cpu()
    found: list[list[Hypothesis]] = []
    table = zip(tokens.tolist(), scores.tolist(), steps.tolist(), limits.tolist())
    for sentence, (paths, sentence_scores, counts, limit) in enumerate(table):
        if sentence_scores[0] == -math.inf:
            raise RuntimeError(f"sentence {sentence} of the batch: no token with a probability above zero is left")
        found.append([])
        for rank, (path, score, count) in enumerate(zip(paths, sentence_scores, counts)):
            if score == -math.inf:
                break
            finished = count < limit  # END is a step too
            length = count + finished
            weights = None if attention is None else attention[sentence, rank, :length]
            log_probability = score * length**length_penalty
            found[-1].append(Hypothesis(path[:count], score, log_probability, weights, finished))
    return found


def _staying(done: Tensor, health: Tensor) -> Tensor | None:
    """Indices of the sentences that go on, where it pays to let the others leave; the one synchronisation of a step."""
    count, worst = torch.stack((done.sum(dtype=torch.float32), health)).tolist()
    if not worst < math.inf:
        raise RuntimeError(
            "the model gave a log-probability that is NaN or infinite: its weights or input are not finite"
        )
    return (~done).nonzero().squeeze(1) if count * _LEAVING >= len(done) else None


def _limits(maximum_length: int | Tensor, minimum_length: int, sentences: int, device: torch.device | str) -> Tensor:
    """The maximum length of every sentence, (sentences,) int64 on the device."""
    if isinstance(maximum_length, int):
        check(
            maximum_length > minimum_length,
            f"maximum_length is {maximum_length}, END included: choose more than minimum_length, {minimum_length}",
        )
        return torch.full((sentences,), maximum_length, dtype=torch.int64, device=device)
    shape = tuple(maximum_length.shape)
    check(shape == (sentences,), f"maximum_length has the shape {shape}: give one for each of {sentences} sentences")
    check(not sentences or int(maximum_length.min()) >= 1, "a maximum_length is below 1: END alone takes one step")
    return maximum_length.to(device=device, dtype=torch.int64)


def _selectors(banned: Sequence[int], end: int, minimum_length: int) -> tuple[_Selector, _Selector]:
    """The selectors of the steps at which END is allowed, and of those before `minimum_length`."""
    check(end not in banned, f"END, {end}, is among the banned tokens: no hypothesis could finish")
    return _Selector(set(banned)), _Selector({*banned, end})


def _check_scoring(length_penalty: float, minimum_length: int) -> None:
    check(0 <= length_penalty < math.inf, f"length_penalty is {length_penalty}: choose 0 or more, finite")
    check(minimum_length >= 0, f"minimum_length is {minimum_length}: choose 0 or more")

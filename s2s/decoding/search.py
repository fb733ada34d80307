"""Greedy search, beam search and sampling over a step function: a test passes a table of numbers, nothing is a model.

Each is one tensor program over all sentences and hypotheses of a batch. What a step chose stays in tensors with
back-pointers; the walk back happens once, at the end. Sentences that are done leave the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import torch
from torch import Tensor

from s2s.decoding.top_k import Selector
from s2s.errors import UserError, check

_LEAVING = 4  # done sentences leave the batch once they are a quarter of it: copying the others is not free


class State(Protocol):
    """What a step hands to the next one. Rows lie sentence by sentence: rows = sentences * hypotheses."""

    def reorder(self, parents: Tensor) -> Self:
        """The state whose row i continues row parents[i]; parents (new_rows,) int64, of any number of new rows."""
        ...

    def keep(self, sentences: Tensor) -> Self:
        """The state of these sentences alone, with all their rows; sentences (n,) int64, ascending."""
        ...


class StepLike(Protocol):
    """What a step returns. The search never writes to these tensors, and keeps them: a step must not reuse them."""

    @property
    def log_probabilities(self) -> Tensor: ...  # (rows, vocabulary) float32

    @property
    def attention(self) -> Tensor | None: ...  # (rows, positions), as many positions at every step

    @property
    def state(self) -> State: ...


StepFunction = Callable[[Tensor, Any], StepLike]  # (tokens (rows,) int64, its State) -> what follows them
_Choose = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor, Tensor]]
# A step's sentences (n,), the tokens chosen and their parents' slots (n, slots), attention (n * parents, positions).
_Taken = tuple[Tensor, Tensor, Tensor, Tensor | None]


@dataclass(frozen=True)
class Hypothesis:
    """One output of a search.

    tokens           without START and END.
    score            log_probability / length ** length_penalty, END counted in the length.
    log_probability  natural, of all tokens and END, by the model without any temperature.
    attention        (steps, positions) on the CPU: a row a token, and one for END where it is finished; or None.
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

    width           hypotheses of a sentence at every step, and finished ones remembered.
    n_best          hypotheses returned for a sentence, best first. It does not change the search.
    length_penalty  alpha of score = log P / length ** alpha: 0 is the plain log-probability, 1 the mean of a token. Wu
                    et al. (2016, eq. 14) divide by ((5 + length) / 6) ** alpha, which favours length less.
    minimum_length  tokens before END is allowed.
    stop_early      False: a sentence goes on until nothing alive can still beat any of its `width` finished hypotheses.
                    True: it stops at `width` finished ones, after far fewer steps; a longer, better one may be missed.
    """

    width: int = 5
    n_best: int = 1
    length_penalty: float = 1.0
    minimum_length: int = 0
    stop_early: bool = False

    def __post_init__(self) -> None:
        check(self.width >= 1, f"the beam's width is {self.width}: choose 1 or more")
        check(1 <= self.n_best <= self.width, f"n_best is {self.n_best}: choose 1 to {self.width}, the beam's width")
        check(0 <= self.length_penalty <= 10, f"length_penalty is {self.length_penalty:g}: choose 0 to 10")
        check(self.minimum_length >= 0, f"minimum_length is {self.minimum_length}: choose 0 or more")


def greedy(
    step: StepFunction,
    state: State,
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
    """Take the likeliest token at every step, the lowest of equals: one hypothesis a sentence.

    Arguments and errors are those of `beam`; `length_penalty` changes the score reported, not the search.
    """
    SearchOptions(1, length_penalty=length_penalty, minimum_length=minimum_length)  # checks them
    limits = _limits(maximum_length, sentences, device)
    selectors = Selector({*banned}), Selector({*banned, end})

    def choose(log_probabilities: Tensor, totals: Tensor, time: int) -> tuple[Tensor, Tensor, Tensor]:
        return selectors[time < minimum_length](log_probabilities, totals, 1)

    return _independently(step, state, limits, choose, start, end, length_penalty)


def sample(
    step: StepFunction,
    state: State,
    sentences: int,
    *,
    start: int,
    end: int,
    maximum_length: int | Tensor,
    samples: int = 1,
    generator: torch.Generator | None = None,
    temperature: float = 1.0,
    banned: Sequence[int] = (),
    device: torch.device | str = "cpu",
) -> list[Hypothesis]:
    """Draw every token with a probability in proportion to p ** (1 / temperature): `samples` hypotheses a sentence.

    Those of a sentence lie side by side, sentences * samples in all, as the rows of a state that was repeated. The
    `generator` is of `device`; without one the global one is drawn from. By the Gumbel-max trick (Maddison et al.,
    2014), the argmax of log p / T plus Gumbel noise is such a draw. The probability reported is the model's, not
    renormalised for what is banned; the score is its logarithm's mean. Other arguments and errors are those of `beam`.
    """
    check(temperature > 0, f"the temperature is {temperature}: choose a number above 0, or search greedily")
    check(samples >= 1, f"samples is {samples}: choose 1 or more of each sentence")
    limits = _limits(maximum_length, sentences, device)
    excluded = torch.tensor(banned, dtype=torch.int64, device=device)

    def choose(log_probabilities: Tensor, totals: Tensor, _: int) -> tuple[Tensor, Tensor, Tensor]:
        scores = log_probabilities.index_fill(1, excluded, -math.inf)
        # Without the clamp a draw of exactly 0 would be infinite noise, which lifts even what is impossible.
        noise = torch.empty_like(scores).exponential_(generator=generator).clamp_min_(torch.finfo(scores.dtype).tiny)
        tokens = (scores / temperature - noise.log_()).argmax(1, keepdim=True)
        totals = totals + scores.gather(1, tokens).view_as(totals)
        return totals, tokens.view_as(totals), totals.sum()

    if samples > 1:
        state = state.reorder(torch.arange(sentences, device=device).repeat_interleave(samples))
    return _independently(step, state, limits, choose, start, end, length_penalty=1.0, slots=samples)


def beam(
    step: StepFunction,
    state: State,
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

    At every step a sentence's `2 * width` best continuations are ranked, equals by hypothesis and token. END among the
    first `width` of them finishes a hypothesis; the first `width` others go on. A wide enough beam is exhaustive.

    state           one row a sentence: the first step runs on these, then `reorder` makes up to `width` of each.
    start, end      token ids; `start` is fed to the first step.
    maximum_length  steps at most, END being one: an int, or (sentences,) int64. It prevails over `minimum_length`.
    banned          token ids that are never chosen (padding, START).
    device          where the step's tensors are.

    Raises `UserError` for what cannot be asked for and where a log-probability is NaN or infinite, `RuntimeError`
    where a sentence is left without any token whose probability is above zero.
    """
    options = options or SearchOptions()
    limits = _limits(maximum_length, sentences, device)
    selectors, closing = (Selector({*banned}), Selector({*banned, end})), set(limits.tolist())
    hypotheses, taken = _Beam(limits, options, end), list[_Taken]()
    tokens = torch.full_like(limits, start)
    for time in range(max(closing, default=0)):
        result, width = step(tokens, state), hypotheses.alive.shape[1]
        select = selectors[time < options.minimum_length]
        totals, flat, health = select(result.log_probabilities, hypotheses.alive, 2 * options.width)
        choice, slots = hypotheses.advance(totals, flat, time, result.log_probabilities.shape[1])
        taken.append((hypotheses.rows, choice, slots, result.attention))
        done = hypotheses.retire(time + 1)
        state, stay = result.state, _staying(done, health, at_once=time + 1 in closing)
        if stay is not None:
            hypotheses.keep(stay, time + 1)
            if not len(stay):
                break
            state, choice, slots = state.keep(stay), choice[stay], slots[stay]
        parents = slots + torch.arange(0, len(slots) * width, width, device=slots.device)[:, None]
        tokens, state = choice.flatten(), state.reorder(parents.flatten())
    scores, origins = hypotheses.all_scores[:, : options.n_best], hypotheses.all_origins[:, : options.n_best]
    steps, slots = origins // options.width, origins % options.width
    return _hypotheses(taken, scores, steps, slots, limits, options.length_penalty)


def _independently(
    step: StepFunction,
    state: State,
    limits: Tensor,
    choose: _Choose,
    start: int,
    end: int,
    length_penalty: float,
    slots: int = 1,
) -> list[Hypothesis]:
    """Hypotheses that do not compete, `slots` a sentence. A sentence leaves the batch when all of its own are done.

    choose(log_probabilities, totals (n, slots), time) -> new totals and tokens (n, slots), health.
    """
    taken, rows = list[_Taken](), torch.arange(len(limits), device=limits.device)
    own = torch.arange(slots, device=limits.device).expand(len(limits), -1)  # each is its own parent
    lasts, tokens = limits[:, None], torch.full_like(own, start)
    steps, done = torch.zeros_like(own), own < 0
    totals, all_totals, all_steps = steps.float(), steps.float(), steps.clone()
    for time in range(max(limits.tolist(), default=0)):
        result = step(tokens.flatten(), state)
        reached, tokens, health = choose(result.log_probabilities, totals, time)
        taken.append((rows, tokens, own[rows], result.attention))
        totals = torch.where(done, totals, reached)
        done = done | (tokens == end)
        steps = steps + ~done
        done = done | (lasts == time + 1)
        state, stay = result.state, _staying(done.all(1), health)
        if stay is not None:
            all_totals[rows], all_steps[rows] = totals, steps
            rows, lasts, tokens, totals, steps, done = (x[stay] for x in (rows, lasts, tokens, totals, steps, done))
            if not len(stay):
                break
            state = state.keep(stay)
    scores = all_totals / (all_steps + (all_steps < limits[:, None])) ** length_penalty
    # One that cannot be written is an error of its sentence: none of the others may take its place.
    scores = scores.masked_fill((scores == -math.inf).any(1, keepdim=True), -math.inf)
    found = _hypotheses(taken, scores, all_steps, own, limits, length_penalty)
    return [hypothesis for hypotheses in found for hypothesis in hypotheses]


class _Beam:
    """The hypotheses of the sentences in the batch, whose numbers are `rows` (n,).

    alive    (n, slots) float32: log-probabilities, descending; -inf is a slot that holds none.
    scores   (n, width) float32: the best finished ones, descending; -inf is a place not taken yet.
    origins  (n, width) int64: where their walk back begins: tokens * width + slot of the last token.
    """

    def __init__(self, limits: Tensor, options: SearchOptions, end: int) -> None:
        self.limits, self.options, self.end = limits, options, end
        self.rows = torch.arange(len(limits), device=limits.device)
        self.alive = torch.zeros(len(limits), 1, device=limits.device)
        self.scores = self.alive.new_full((len(limits), options.width), -math.inf)
        self.origins = torch.zeros_like(self.scores, dtype=torch.int64)
        self.all_scores, self.all_origins = self.scores.clone(), self.origins.clone()

    def advance(self, totals: Tensor, flat: Tensor, time: int, vocabulary: int) -> tuple[Tensor, Tensor]:
        """Finish what ends among the best, go on with others: their tokens and their parents' slots, (n, slots)."""
        width, divisor = self.options.width, (time + 1) ** self.options.length_penalty
        ended = flat % vocabulary == self.end
        found = totals.masked_fill(~ended, -math.inf)[:, :width] / divisor
        scores, order = torch.cat((self.scores, found), 1).sort(dim=1, descending=True, stable=True)
        origins = torch.cat((self.origins, flat[:, :width] // vocabulary + time * width), 1)
        self.scores, self.origins = scores[:, :width], origins.gather(1, order[:, :width])
        alive, order = totals.masked_fill(ended, -math.inf).sort(dim=1, descending=True, stable=True)
        self.alive, going = alive[:, :width], flat.gather(1, order[:, :width])
        return going % vocabulary, going // vocabulary

    def retire(self, length: int) -> Tensor:
        """Which sentences are done after so many steps, (n,)."""
        # log P only falls, and no length exceeds the limit: what is alive cannot become better than this quotient.
        worst = self.scores[:, -1]
        done = self.alive[:, 0] / self.limits**self.options.length_penalty <= worst
        if self.options.stop_early:
            done = done | (worst > -math.inf)
        # With nothing alive, nothing of them changes until they leave. Those cut off leave at once.
        self.alive = self.alive.masked_fill(done[:, None], -math.inf)
        return done | (self.limits == length)

    def keep(self, stay: Tensor, length: int) -> None:
        """Store all that is known, with those cut off on the places left, and go on with the sentences that stay."""
        width, slots = self.options.width, torch.arange(self.alive.shape[1], device=stay.device)
        cut_off = self.alive.masked_fill((self.limits != length)[:, None], -math.inf)
        scores = torch.cat((self.scores, cut_off / length**self.options.length_penalty), 1)
        origins = torch.cat((self.origins, (slots + length * width).expand_as(cut_off)), 1)
        order = (scores == -math.inf).byte().sort(dim=1, stable=True).indices[:, :width]
        self.all_scores[self.rows], self.all_origins[self.rows] = scores.gather(1, order), origins.gather(1, order)
        self.rows, self.limits, self.alive = self.rows[stay], self.limits[stay], self.alive[stay]
        self.scores, self.origins = self.scores[stay], self.origins[stay]


def _walk_back(taken: list[_Taken], steps: Tensor, slots: Tensor) -> tuple[Tensor, Tensor | None]:
    """Tokens (sentences, m, time) and attention (sentences, m, time, positions) of what ends in `slots` (sentences, m).

    `steps` of the tokens count, and one more row of attention, that of END; what follows is void.
    """
    tokens, attention, known, place = [], [], None, slots
    for time, (rows, choice, parents, weights) in reversed(list(enumerate(taken))):
        if rows is not known:  # where each sentence was in that batch; any place for those that had left
            place = rows.new_zeros(len(slots)).index_copy(0, rows, torch.arange(len(rows), device=rows.device))
            known = rows
        tokens.append(choice[place].gather(1, slots))
        slots = torch.where(time < steps, parents[place].gather(1, slots), slots)
        if weights is not None:
            attention.append(weights.unflatten(0, (len(choice), -1))[place[:, None], slots])
    return torch.stack(tokens[::-1], 2), torch.stack(attention[::-1], 2).cpu() if attention else None


def _hypotheses(
    taken: list[_Taken], scores: Tensor, steps: Tensor, slots: Tensor, limits: Tensor, length_penalty: float
) -> list[list[Hypothesis]]:
    """Write out scores, steps (tokens without END) and last slots, each (sentences, m), best first."""
    if not len(limits):
        return []
    found: list[list[Hypothesis]] = []
    tokens, attention = _walk_back(taken, steps, slots)
    table = zip(tokens.tolist(), scores.tolist(), steps.tolist(), limits.tolist())
    for sentence, (paths, values, counts, limit) in enumerate(table):
        if values[0] == -math.inf:
            raise RuntimeError(f"sentence {sentence} of the batch: no token is left whose probability is above zero")
        found.append([])
        for rank, (path, score, count) in enumerate(zip(paths, values, counts)):
            if score > -math.inf:
                length = count + (count < limit)  # END is a step too: only those cut off have as many tokens as steps
                weights = None if attention is None else attention[sentence, rank, :length]
                total = score * length**length_penalty
                found[-1].append(Hypothesis(path[:count], score, total, weights, finished=count < limit))
    return found


def _staying(done: Tensor, health: Tensor, at_once: bool = False) -> Tensor | None:
    """The sentences that go on, (n,); None: not worth copying yet. The one synchronisation of a step is here."""
    count, value = torch.stack((done.sum(dtype=torch.float32), health)).tolist()
    if not value < math.inf:
        advice = "take a sound copy of it, or train it with a lower learning rate"
        raise UserError(f"the model's weights make log-probabilities that are NaN or infinite: {advice}")
    leave = count * _LEAVING >= len(done) or (at_once and count)
    return (~done).nonzero().squeeze(1) if leave else None


def _limits(maximum_length: int | Tensor, sentences: int, device: torch.device | str) -> Tensor:
    """The maximum length of every sentence, (sentences,) int64 on the device."""
    limits = torch.as_tensor(maximum_length, dtype=torch.int64, device=device).expand(sentences).contiguous()
    check(bool((limits >= 1).all()), "a maximum_length is below 1, but END alone is one step: choose 1 or more")
    return limits

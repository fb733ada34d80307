"""The decoder: all steps at once against one after the other, its states, its attention, its ties, its dropout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from model_fixtures import CELL_KINDS, DECODER_KINDS, attention_of, decoder_of
from torch import Tensor

from s2s.decoding.beam import beam
from s2s.decoding.greedy import greedy
from s2s.decoding.search import BeamOptions
from s2s.models.configuration import DropoutRates, ParallelConfig
from s2s.models.contracts import State
from s2s.models.memory import Memory
from s2s.models.recurrent_decoder import RecurrentDecoder, RecurrentState
from s2s.nn.configuration import AdditiveConfig
from s2s.text.tokens import END, PAD, START

VOCABULARY, MEMORY_DIM, BATCH, POSITIONS, TIME = 13, 6, 3, 5, 4
MASK = torch.arange(POSITIONS) < torch.tensor([[5], [2], [4]])
CONFIG = ParallelConfig(embedding_dim=7, dim=8, layers=2, attention=AdditiveConfig(5))
MEMORIES = ["masked", "plain", "summary", "none"]
each_wiring = pytest.mark.parametrize("wiring", list(DECODER_KINDS))
each_attentive = pytest.mark.parametrize("wiring", [kind for kind, config in DECODER_KINDS.items() if config.attends])
each_deep = pytest.mark.parametrize("wiring", ["parallel", "input_feeding", "show_attend_tell"])
each_memory = pytest.mark.parametrize("memory", MEMORIES)


def build(wiring: str, memory: str = "masked", config: ParallelConfig = CONFIG) -> RecurrentDecoder:
    """A decoder in evaluation mode, for one of `MEMORIES`."""
    torch.manual_seed(1)
    memory_dim = None if memory == "none" else MEMORY_DIM
    decoder = decoder_of(wiring, config, VOCABULARY, memory_dim, MEMORY_DIM if memory == "summary" else None)
    for parameter in decoder.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return decoder.eval()


def begin(decoder: RecurrentDecoder, memory: str = "masked") -> RecurrentState:
    """The state before START of a random memory, always the same."""
    if memory == "none":
        return decoder.start(None, sentences=BATCH)
    grid = torch.randn(BATCH, POSITIONS, MEMORY_DIM, generator=torch.Generator().manual_seed(2))
    mask = None if memory == "plain" else MASK
    return decoder.start(Memory(grid, mask, grid.sum(1) if memory == "summary" else None))


def sentences() -> Tensor:
    """Tokens (batch, time), START first."""
    tokens = torch.randint(END + 1, VOCABULARY, (BATCH, TIME), generator=torch.Generator().manual_seed(3))
    return torch.cat([torch.full((BATCH, 1), START), tokens], 1)


def step_by_step(
    decoder: RecurrentDecoder, tokens: Tensor, state: RecurrentState
) -> tuple[Tensor, Tensor | None, RecurrentState]:
    """What `forward` and `readout` say, by `step` alone: log-probabilities and attention (batch, time, ...)."""
    steps = []
    for column in tokens.unbind(1):
        steps.append(decoder.step(column, state))
        state = steps[-1].state
    looked = None if steps[0].attention is None else torch.stack([step.attention for step in steps], 1)
    return torch.stack([step.log_probabilities for step in steps], 1), looked, state


def flat(state: State) -> list[Tensor]:
    """All tensors that have a row a hypothesis."""
    assert isinstance(state, RecurrentState)
    return [tensor for layer in state.layers for tensor in layer] + ([] if state.feed is None else [state.feed])


# --------------------------------------------------------------------------------- all steps at once, one by one


@each_wiring
@each_memory
@pytest.mark.parametrize("cell", list(CELL_KINDS))
def test_forward_and_readout_are_the_step_repeated(wiring: str, memory: str, cell: str) -> None:
    decoder = build(wiring, memory, replace(CONFIG, cell=CELL_KINDS[cell]()))
    tokens = sentences()
    output = decoder(tokens, begin(decoder, memory))
    log_probabilities = decoder.readout(output.features).log_softmax(-1)
    expected, looked, state = step_by_step(decoder, tokens, begin(decoder, memory))
    torch.testing.assert_close(log_probabilities, expected)
    torch.testing.assert_close(output.attention, looked)
    torch.testing.assert_close(flat(output.state), flat(state))


@each_wiring
@each_memory
def test_their_gradients_agree_too(wiring: str, memory: str) -> None:
    """In `forward` the gradients are written by hand, through `step` they are autograd's."""
    decoder, tokens = build(wiring, memory), sentences()
    log_probabilities = decoder.readout(decoder(tokens, begin(decoder, memory)).features).log_softmax(-1)
    expected, _, _ = step_by_step(decoder, tokens, begin(decoder, memory))
    upstream, parameters = torch.randn_like(expected), list(decoder.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(log_probabilities, parameters, upstream),
        torch.autograd.grad(expected, parameters, upstream),
        atol=1e-4,
        rtol=1e-4,
    )


@each_wiring
@each_memory
def test_a_state_in_and_a_state_out_go_on_where_they_stopped(wiring: str, memory: str) -> None:
    decoder, tokens = build(wiring, memory), sentences()
    whole = decoder(tokens, begin(decoder, memory))
    first = decoder(tokens[:, :2], begin(decoder, memory))
    second = decoder(tokens[:, 2:], first.state)
    torch.testing.assert_close(torch.cat([first.features, second.features], 1), whole.features)
    torch.testing.assert_close(flat(second.state), flat(whole.state))


@each_wiring
def test_a_detached_state_has_no_past(wiring: str) -> None:
    """Truncated back-propagation through time: the first word's embedding gets no gradient from the second chunk."""
    decoder = build(wiring, "none", replace(CONFIG, tie_output=False))
    first, second = torch.tensor([[5]]), torch.tensor([[6]])
    for detached in (False, True):
        state = decoder(first, decoder.start(None, sentences=1)).state
        features = decoder(second, state.detach() if detached else state).features
        (gradient,) = torch.autograd.grad(features.sum(), decoder.embedding.weight)
        assert gradient[6].abs().max() > 0
        assert (gradient[5].abs().max() == 0) == detached


@each_wiring
def test_a_detached_state_has_no_memory_in_its_past_either(wiring: str) -> None:
    """Else the second chunk would want gradients through keys whose own have been taken with the first."""
    decoder, tokens = build(wiring, "summary"), sentences()
    first = decoder(tokens[:, :2], begin(decoder, "summary"))
    first.features.sum().backward()
    decoder(tokens[:, 2:], first.state.detach()).features.sum().backward()


@each_attentive
def test_bfloat16_products_stay_near_float32_and_carry_float32(wiring: str) -> None:
    decoder, tokens = build(wiring, "summary"), sentences()
    exact = decoder.readout(decoder(tokens, begin(decoder, "summary")).features).log_softmax(-1)
    with torch.autocast("cpu", torch.bfloat16):
        output = decoder(tokens, begin(decoder, "summary"))
        at_once = decoder.readout(output.features).float().log_softmax(-1)
        one_by_one, _, state = step_by_step(decoder, tokens, begin(decoder, "summary"))
    assert output.attention is not None
    assert output.attention.dtype == torch.float32
    assert all(tensor.dtype == torch.float32 for moving in (output.state, state) for tensor in flat(moving)[:-1])
    torch.testing.assert_close(at_once, exact, atol=0.15, rtol=0)
    torch.testing.assert_close(one_by_one, exact, atol=0.15, rtol=0)


# ------------------------------------------------------------------------------------------------------ the batch


@each_attentive
@pytest.mark.parametrize("attention", ["additive", "dot", "scaled_dot", "general"])
def test_a_line_alone_equals_the_line_in_a_batch(wiring: str, attention: str) -> None:
    config = replace(CONFIG, attention=attention_of(attention, 5), dim=MEMORY_DIM)
    decoder, tokens = build(wiring, config=config), sentences()
    together = decoder(tokens, begin(decoder))
    values = begin(decoder).values
    assert values is not None
    assert together.attention is not None
    for row, length in enumerate(MASK.sum(1).tolist()):
        alone = decoder(tokens[row : row + 1], decoder.start(Memory(values[row : row + 1, :length])))
        torch.testing.assert_close(alone.features[0], together.features[row])
        torch.testing.assert_close(alone.attention[0], together.attention[row, :, :length])


@each_wiring
def test_padding_of_the_grid_is_not_read(wiring: str) -> None:
    decoder, tokens = build(wiring), sentences()
    grid = torch.randn(BATCH, POSITIONS, MEMORY_DIM, requires_grad=True)
    features = decoder(tokens, decoder.start(Memory(grid, MASK))).features
    (gradient,) = torch.autograd.grad(features.square().sum(), grid)
    assert gradient[MASK].abs().min() > 0
    assert gradient[~MASK].abs().max() == 0
    other = torch.where(MASK.unsqueeze(-1), grid, 1e3)
    assert torch.equal(decoder(tokens, decoder.start(Memory(other, MASK))).features, features)


@each_wiring
def test_later_words_are_not_read(wiring: str) -> None:
    """So that padding after a target's end changes nothing before it."""
    decoder, tokens = build(wiring), sentences()
    features = decoder(tokens, begin(decoder)).features
    tokens[:, 3:] = PAD
    torch.testing.assert_close(decoder(tokens, begin(decoder)).features[:, :3], features[:, :3])


# ------------------------------------------------------------------------------------------------------ attention


@each_attentive
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("attention", ["additive", "dot", "scaled_dot", "general"])
def test_attention_sums_to_1_and_is_0_on_padding(wiring: str, training: bool, attention: str) -> None:
    decoder = build(wiring, config=replace(CONFIG, attention=attention_of(attention, 5), dim=MEMORY_DIM)).train(
        training
    )
    weights = decoder(sentences(), begin(decoder)).attention
    assert weights is not None
    torch.testing.assert_close(weights.sum(-1), torch.ones(BATCH, TIME + 1))
    assert weights.ne(0).equal(MASK.unsqueeze(1).expand_as(weights))


@each_attentive
@pytest.mark.parametrize("width", [1, 4])
def test_attention_sums_to_1_and_is_0_on_padding_under_beam(wiring: str, width: int) -> None:
    decoder = build(wiring)
    options, limits = BeamOptions(width=width, n_best=width), torch.full((BATCH,), 6)
    with torch.inference_mode():
        found = beam(decoder.step, begin(decoder), limits, start=START, end=END, options=options)
    for hypotheses, mask in zip(found, MASK):
        assert len(hypotheses) == width
        for hypothesis in hypotheses:
            weights = hypothesis.attention
            assert weights is not None
            np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
            assert ((weights != 0) == mask.numpy()).all()


# ---------------------------------------------------------------------------------------------------------- states


@pytest.mark.parametrize("wiring", ["parallel", "input_feeding", "top_down"])
@each_memory
def test_the_first_state_comes_from_the_summary_alone(wiring: str, memory: str) -> None:
    decoder = build(wiring, memory)
    state = begin(decoder, memory)
    hiddens = torch.stack([hidden for hidden, _ in state.layers], 1)  # (batch, layers, dim)
    assert state.sentences == BATCH
    assert all(cell.eq(0).all() for _, cell in state.layers)
    assert state.feed is None or state.feed.eq(0).all()
    if decoder.bridge is None:
        assert hiddens.eq(0).all()
    else:
        assert state.values is not None
        expected = torch.tanh(decoder.bridge(state.values.sum(1))).view_as(hiddens)
        torch.testing.assert_close(hiddens, expected)


@each_wiring
def test_a_summary_serves_where_there_is_no_attention(wiring: str) -> None:
    """Show and Tell (Vinyals et al., 2015): the picture is seen once, in h_0."""
    decoder = decoder_of(wiring, CONFIG, VOCABULARY, None, MEMORY_DIM).eval()
    summary = torch.randn(BATCH, MEMORY_DIM)
    state = decoder.start(Memory(summary.unsqueeze(1), None, summary))
    same_words = torch.full((BATCH, 1), START)
    features = decoder(same_words, state).features
    assert not torch.allclose(features[0], features[1])
    assert decoder.step(same_words[:, 0], state).attention is None


@each_wiring
@each_memory
def test_reordered_rows_go_on_as_their_parents(wiring: str, memory: str) -> None:
    """From one row a sentence to three, and then each to one of its sentence's others."""
    decoder, tokens = build(wiring, memory), sentences()
    parents = decoder.step(tokens[:, 0], begin(decoder, memory))
    state = parents.state.reorder(torch.arange(BATCH).repeat_interleave(3))
    children = decoder.step(torch.arange(4, 4 + 3 * BATCH), state)  # different words
    order = torch.tensor([2, 0, 0, 5, 4, 3, 6, 6, 8])
    words = torch.arange(3 * BATCH) % 4 + 5
    found = decoder.step(words, children.state.reorder(order))
    for row, (parent, word) in enumerate(zip(order.tolist(), words.tolist())):
        sentence = parent // 3
        alone = decoder.step(tokens[:, 0], begin(decoder, memory)).state.keep(torch.tensor([sentence]))
        alone = decoder.step(torch.tensor([4 + parent]), alone).state
        torch.testing.assert_close(
            decoder.step(torch.tensor([word]), alone).log_probabilities[0], found.log_probabilities[row]
        )


@each_wiring
@each_memory
@pytest.mark.parametrize("width", [1, 3])
def test_kept_sentences_keep_all_their_rows(wiring: str, memory: str, width: int) -> None:
    decoder = build(wiring, memory)
    state = begin(decoder, memory).reorder(torch.arange(BATCH).repeat_interleave(width))
    words = torch.arange(BATCH * width) + 4
    state = decoder.step(words, state).state
    stay = torch.tensor([0, 2])
    kept = state.keep(stay)
    assert kept.sentences == 2
    rows = (stay[:, None] * width + torch.arange(width)).flatten()
    found, whole = decoder.step(words[rows], kept), decoder.step(words, state)
    torch.testing.assert_close(found.log_probabilities, whole.log_probabilities[rows])
    torch.testing.assert_close(found.attention, None if whole.attention is None else whole.attention[rows])
    torch.testing.assert_close(flat(found.state), [tensor[rows] for tensor in flat(whole.state)])


@each_wiring
@each_memory
def test_sentences_that_leave_the_beam_do_not_disturb_the_others(wiring: str, memory: str) -> None:
    """Limits of their own let sentences leave one by one; each hypothesis is that of the sentence alone."""
    decoder, limits = build(wiring, memory), torch.tensor([2, 9, 5])
    common = {"start": START, "end": END, "options": BeamOptions(width=3, n_best=3), "banned": (PAD, START)}
    with torch.inference_mode():
        state = begin(decoder, memory)
        together = beam(decoder.step, state, limits, **common)
        for row, hypotheses in enumerate(together):
            only = torch.tensor([row])
            (alone,) = beam(decoder.step, state.keep(only), limits[only], **common)
            assert [hypothesis.tokens for hypothesis in hypotheses] == [hypothesis.tokens for hypothesis in alone]
            assert [h.score for h in hypotheses] == pytest.approx([h.score for h in alone], rel=1e-5)


@each_wiring
def test_a_hypothesis_scores_what_teacher_forcing_gives_it(wiring: str) -> None:
    decoder = build(wiring)
    with torch.inference_mode():
        found = greedy(decoder.step, begin(decoder), torch.full((BATCH,), 8), start=START, end=END)
        for row, hypothesis in enumerate(found):
            written = [*hypothesis.tokens, *[END] * hypothesis.finished]
            state = begin(decoder).keep(torch.tensor([row]))
            features = decoder(torch.tensor([[START, *written[:-1]]]), state).features
            scores = decoder.readout(features).log_softmax(-1)[0].gather(1, torch.tensor(written)[:, None])
            torch.testing.assert_close(scores.sum().item(), hypothesis.log_probability, atol=1e-4, rtol=1e-4)


# ------------------------------------------------------------------------------------------------------------ ties


@each_wiring
def test_tied_weights_are_one_tensor_and_stay_one(wiring: str) -> None:
    decoder = build(wiring)
    assert decoder.projection.weight is decoder.embedding.weight
    assert [name for name, _ in decoder.named_parameters() if "projection" in name] == ["projection.bias"]
    optimiser = torch.optim.SGD(decoder.parameters(), lr=0.1)
    tokens = torch.tensor([[START, 5]])
    features = decoder(tokens, begin(decoder).keep(torch.tensor([0]))).features
    decoder.readout(features)[..., 7].sum().backward()
    gradient = decoder.embedding.weight.grad
    assert gradient is not None
    assert [row for row in range(VOCABULARY) if gradient[row].abs().sum() > 0] == [START, 5, 7]  # read, and written
    optimiser.step()
    assert decoder.projection.weight is decoder.embedding.weight


@each_wiring
def test_untied_weights_are_two_tensors(wiring: str) -> None:
    decoder = build(wiring, config=replace(CONFIG, tie_output=False))
    assert decoder.projection.weight is not decoder.embedding.weight
    assert decoder.projection.weight.shape == decoder.embedding.weight.shape


# --------------------------------------------------------------------------------------------------------- dropout


def only(**rates: float | bool) -> ParallelConfig:
    """A configuration that drops nothing else."""
    nothing = {"word": 0.0, "embedding": 0.0, "hidden": 0.0, "context": 0.0, "output": 0.0}
    return replace(CONFIG, dropout=DropoutRates(**(nothing | rates)))  # type: ignore[arg-type]


@each_wiring
@pytest.mark.parametrize("place", ["word", "embedding", "hidden", "context", "output"])
def test_every_rate_drops_something_in_training_only(wiring: str, place: str) -> None:
    decoder = build(wiring, config=only(**{place: 0.5}))
    tokens = sentences()
    torch.manual_seed(1)
    exact = decoder(tokens, begin(decoder)).features
    decoder.train()
    first, second = (decoder(tokens, begin(decoder)).features for _ in range(2))
    assert not torch.equal(first, exact)
    assert not torch.equal(first, second)
    torch.manual_seed(1)
    assert torch.equal(decoder(tokens, begin(decoder)).features, first)


@each_wiring
@pytest.mark.parametrize("place", ["word", "embedding", "hidden", "output"])
def test_a_single_step_drops_what_all_steps_drop(wiring: str, place: str) -> None:
    decoder = build(wiring, config=only(**{place: 0.5}))
    state = begin(decoder).reorder(torch.arange(BATCH).repeat_interleave(20))
    torch.manual_seed(1)
    for training in (True, False):
        decoder.train(training)
        first, second = (decoder.step(torch.full((20 * BATCH,), START), state) for _ in range(2))
        assert torch.equal(first.log_probabilities, second.log_probabilities) != training


@each_wiring
@pytest.mark.parametrize("variational", [True, False])
def test_a_variational_mask_is_one_for_all_steps(wiring: str, variational: bool) -> None:
    decoder = build(wiring, config=only(output=0.5, variational=variational)).train()
    dropped = decoder(sentences(), begin(decoder)).features == 0  # (batch, time, dim)
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped)) == variational
    assert 0 < dropped.sum() < dropped.numel()
    assert not torch.equal(dropped[0], dropped[1])


@each_deep
def test_a_single_step_in_training_drops_elements_and_no_whole_rows(wiring: str) -> None:
    """As self-critical training does when it samples: a variational mask has no time to be shared over."""
    decoder = build(wiring, config=only(embedding=0.5, hidden=0.5, output=0.5, variational=True)).train()
    seen = []
    decoder.deep_output.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0][:, -CONFIG.embedding_dim :]))
    decoder.projection.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    state = begin(decoder).reorder(torch.arange(BATCH).repeat_interleave(20))
    decoder.step(torch.full((20 * BATCH,), START), state)
    for signal in seen:
        shares = (signal == 0).float().mean(1)
        assert 0.3 < shares.mean() < 0.7
        assert ((shares > 0) & (shares < 1)).float().mean() > 0.9


@each_wiring
def test_what_is_fed_back_is_whole(wiring: str) -> None:
    """Dropout before the read-out leaves the recurrence as it is."""
    decoder = build(wiring, config=only(output=0.5))
    exact = decoder(sentences(), begin(decoder)).state
    torch.testing.assert_close(flat(decoder.train()(sentences(), begin(decoder)).state), flat(exact))

"""The decoders of the captioning papers: their formulas, and scheduled sampling."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
import torch
from model_fixtures import DECODER_KINDS, decoder_of
from torch import Tensor, nn
from torch.func import functional_call

from s2s.decoding.greedy import greedy
from s2s.errors import UserError
from s2s.models.configuration import DecoderConfig, DropoutRates, ParallelConfig
from s2s.models.contracts import Output, State
from s2s.models.decoders import DECODERS
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.memory import Memory
from s2s.models.recurrent_decoder import RecurrentDecoder, RecurrentState
from s2s.models.show_and_tell import ShowAndTellDecoder
from s2s.models.show_attend_tell import ShowAttendTellDecoder
from s2s.models.top_down import TopDownDecoder
from s2s.nn.attentions import ATTENTIONS
from s2s.nn.cells import CELLS
from s2s.nn.configuration import AdditiveConfig, AttentionConfig, CellConfig
from s2s.text.tokens import END, PAD, START

VOCABULARY, GRID, SUMMARY, BATCH, POSITIONS, TIME = 11, 5, 3, 2, 4, 4
NOTHING = DropoutRates(word=0, embedding=0, hidden=0, context=0, output=0)
CONFIG = ParallelConfig(embedding_dim=6, dim=7, attention=AdditiveConfig(4), dropout=NOTHING)
MASK = torch.tensor([[True, True, True, True], [True, True, False, False]])
NEW = ["show_and_tell", "show_attend_tell", "top_down"]
SEQUENTIAL = ["input_feeding", *NEW]
each_new = pytest.mark.parametrize("wiring", NEW)
each_sequential = pytest.mark.parametrize("wiring", SEQUENTIAL)


def build(
    wiring: str, config: ParallelConfig = CONFIG, summary: int | None = SUMMARY, scale: float = 0.5
) -> RecurrentDecoder:
    """In evaluation mode, in float64, with weights that do something."""
    torch.manual_seed(1)
    decoder = decoder_of(wiring, config, VOCABULARY, GRID, summary).double()
    for parameter in decoder.parameters():
        nn.init.normal_(parameter, std=scale)
    return decoder.eval()


def memory(summary: bool = True) -> Memory:
    generator = torch.Generator().manual_seed(2)
    grid = torch.randn(BATCH, POSITIONS, GRID, generator=generator, dtype=torch.float64)
    vector = torch.randn(BATCH, SUMMARY, generator=generator, dtype=torch.float64)
    return Memory(grid, MASK, vector if summary else None)


def sentences(rows: int = BATCH) -> Tensor:
    words = torch.randint(END + 1, VOCABULARY, (rows, TIME - 1), generator=torch.Generator().manual_seed(3))
    return torch.cat([torch.full((rows, 1), START), words], 1)


def read(output: Output) -> Tensor:
    """The tokens that scheduled sampling read."""
    assert output.tokens is not None
    return output.tokens


def flat(state: State) -> list[Tensor]:
    assert isinstance(state, RecurrentState)
    return [tensor for layer in state.layers for tensor in layer]


def lstm(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    i, f, g, o = gates.chunk(4, -1)
    cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell.tanh(), cell


# ------------------------------------------------------------------------------------------------ the papers' formulas


def test_the_recipes_names_are_the_registrys() -> None:
    assert list(get_args(DecoderConfig)) == list(DECODERS)
    assert list(get_args(CellConfig)) == list(CELLS)
    assert list(get_args(AttentionConfig)) == list(ATTENTIONS)


def test_show_and_tell_is_its_formulas() -> None:
    decoder, tokens = build("show_and_tell"), sentences()
    assert isinstance(decoder, ShowAndTellDecoder)
    assert decoder.bridge is not None
    picture, layer = memory().summary, decoder.layers[0]
    assert picture is not None
    hidden, cell = decoder.bridge(picture).tanh(), torch.zeros(BATCH, CONFIG.dim, dtype=torch.float64)
    features = []
    for word in decoder.embedding(tokens).unbind(1):
        hidden, cell = lstm(word @ layer.weight_input.T + hidden @ layer.weight_hidden.T + layer.bias, cell)
        features.append(decoder.deep_output(hidden))
    torch.testing.assert_close(decoder(tokens, decoder.start(memory())).features, torch.stack(features, 1))


def test_show_attend_and_tell_is_its_formulas() -> None:
    decoder, tokens, pictures = build("show_attend_tell"), sentences(), memory()
    assert isinstance(decoder, ShowAttendTellDecoder)
    assert decoder.attention is not None
    assert decoder.context is not None
    assert decoder.gate is not None
    assert decoder.bridge is not None
    assert decoder.bridge_cell is not None
    assert pictures.summary is not None
    layer, keys = decoder.layers[0], decoder.attention.keys(pictures.grid)
    hidden, cell = decoder.bridge(pictures.summary).tanh(), decoder.bridge_cell(pictures.summary).tanh()
    weight = torch.cat([layer.weight_input, decoder.context.weight, layer.weight_hidden], 1)
    features, looks = [], []
    for word in decoder.embedding(tokens).unbind(1):
        context, weights, *_ = decoder.attention(hidden.unsqueeze(1), keys, pictures.grid, MASK)
        context = decoder.gate(hidden).sigmoid() * context.squeeze(1)
        hidden, cell = lstm(torch.cat([word, context, hidden], 1) @ weight.T + layer.bias, cell)
        features.append(decoder.deep_output(torch.cat([context, hidden, word], 1)).tanh())
        looks.append(weights.squeeze(1))
    output = decoder(tokens, decoder.start(pictures))
    torch.testing.assert_close(output.features, torch.stack(features, 1))
    torch.testing.assert_close(output.attention, torch.stack(looks, 1))


def test_top_down_is_its_formulas() -> None:
    decoder, tokens, pictures = build("top_down"), sentences(), memory()
    assert isinstance(decoder, TopDownDecoder)
    assert decoder.attention is not None
    assert decoder.picture is not None
    assert pictures.summary is not None
    lower, upper = decoder.layers
    keys = decoder.attention.keys(pictures.grid)
    weight = torch.cat([decoder.feedback.weight, decoder.picture.weight, lower.weight_input, lower.weight_hidden], 1)
    upper_weight = torch.cat([upper.weight_input, upper.weight_hidden], 1)
    steers = cell = writes = other = torch.zeros(BATCH, CONFIG.dim, dtype=torch.float64)
    features, looks = [], []
    for word in decoder.embedding(tokens).unbind(1):
        read = torch.cat([writes, pictures.summary, word, steers], 1)
        steers, cell = lstm(read @ weight.T + lower.bias, cell)
        context, weights, *_ = decoder.attention(steers.unsqueeze(1), keys, pictures.grid, MASK)
        read = torch.cat([context.squeeze(1), steers, writes], 1)
        writes, other = lstm(read @ upper_weight.T + upper.bias, other)
        features.append(decoder.deep_output(writes))
        looks.append(weights.squeeze(1))
    output = decoder(tokens, decoder.start(pictures))
    torch.testing.assert_close(output.features, torch.stack(features, 1))
    torch.testing.assert_close(output.attention, torch.stack(looks, 1))


class AsItIs(nn.Module):
    """The encoder of what is a memory already."""

    def forward(self, memory: Memory) -> Memory:
        return memory


@each_new
@pytest.mark.parametrize("layers", [1, 2])
def test_all_gradients_are_those_of_finite_differences(wiring: str, layers: int) -> None:
    decoder = build(wiring, replace(CONFIG, embedding_dim=3, dim=3, attention=AdditiveConfig(2), layers=layers))
    network, tokens, pictures = EncoderDecoder(AsItIs(), decoder), sentences(), memory()
    everywhere = torch.ones_like(tokens, dtype=torch.bool)
    names, parameters = zip(*network.named_parameters())

    def run(grid: Tensor, summary: Tensor, *values: Tensor) -> Tensor:
        inputs = Memory(grid, MASK, summary)
        return functional_call(network, dict(zip(names, values)), (inputs, tokens, everywhere)).logits

    inputs = [pictures.grid, pictures.summary, *(parameter.detach().clone() for parameter in parameters)]
    leaves = [value.requires_grad_() for value in inputs if value is not None]
    assert torch.autograd.gradcheck(run, leaves, fast_mode=True)


# -------------------------------------------------------------------------------------------------------- the picture


@each_new
def test_without_a_summary_the_mean_of_the_real_positions_serves(wiring: str) -> None:
    decoder, tokens, pictures = build(wiring, summary=None), sentences(), memory(summary=False)
    mean = torch.stack([pictures.grid[i, MASK[i]].mean(0) for i in range(BATCH)])
    found = decoder(tokens, decoder.start(pictures))
    expected = decoder(tokens, decoder.start(replace(pictures, summary=mean)))
    torch.testing.assert_close(found.features, expected.features)


@each_new
def test_the_summary_is_read_and_not_the_mean_where_there_is_one(wiring: str) -> None:
    decoder, tokens, pictures = build(wiring), sentences(), memory()
    assert pictures.summary is not None
    found = decoder(tokens, decoder.start(pictures)).features
    other = decoder(tokens, decoder.start(replace(pictures, summary=pictures.summary + 1))).features
    assert (found - other).abs().amax((1, 2)).min() > 1e-3


def test_show_and_tell_looks_at_no_grid() -> None:
    decoder, tokens, pictures = build("show_and_tell"), sentences(), memory()
    assert decoder.attention is None
    state = decoder.start(pictures)
    assert state.keys is None
    assert state.values is None
    output = decoder(tokens, state)
    assert output.attention is None
    assert torch.equal(decoder(tokens, decoder.start(replace(pictures, grid=-pictures.grid))).features, output.features)


@pytest.mark.parametrize("wiring", list(DECODER_KINDS))
def test_several_captions_of_a_picture_share_its_grid(wiring: str) -> None:
    """Rows side by side, all at once and step by step, are what each is alone."""
    decoder, tokens = build(wiring, summary=GRID), sentences(3 * BATCH)
    pictures = memory(summary=False)
    pictures = replace(pictures, summary=pictures.grid.sum(1))
    together = decoder(tokens, decoder.start(pictures).repeat(3))
    thrice = pictures.grid.repeat_interleave(3, 0)
    copies = Memory(thrice, MASK.repeat_interleave(3, 0), thrice.sum(1))
    apart = decoder(tokens, decoder.start(copies))
    torch.testing.assert_close(together.features, apart.features)
    torch.testing.assert_close(together.attention, apart.attention)
    state = decoder.start(pictures).repeat(3)
    for t, words in enumerate(tokens.unbind(1)):
        step = decoder.step(words, state)
        state = step.state
        expected = decoder.readout(apart.features[:, t]).log_softmax(-1)
        torch.testing.assert_close(step.log_probabilities.double(), expected, atol=1e-5, rtol=1e-5)


def test_attention_of_top_down_waits_for_the_word_and_that_of_show_attend_tell_does_not() -> None:
    """The one looks from the state that has read it, the other from the state before."""
    tokens = sentences()
    others = tokens.clone()
    others[:, 1] = (tokens[:, 1] - END) % (VOCABULARY - END - 1) + END + 1
    for wiring, first in (("show_attend_tell", 2), ("top_down", 1)):
        decoder = build(wiring)
        looks = [decoder(read, decoder.start(memory())).attention for read in (tokens, others)]
        assert looks[0] is not None
        assert looks[1] is not None
        changed = (looks[0] - looks[1]).abs().amax((0, 2)) > 1e-9
        assert changed.tolist() == [t >= first for t in range(TIME)]


@each_new
def test_bfloat16_gradients_point_where_those_of_float32_do(wiring: str) -> None:
    decoder, tokens, pictures = build(wiring, scale=0.3).float(), sentences(), memory()
    assert pictures.summary is not None
    inputs = Memory(pictures.grid.float(), MASK, pictures.summary.float())
    parameters, upstream = list(decoder.parameters()), torch.randn(BATCH, TIME, VOCABULARY)

    def gradients() -> tuple[Tensor, ...]:
        logits = decoder.readout(decoder(tokens, decoder.start(inputs)).features).float()
        return torch.autograd.grad((logits * upstream).sum(), parameters)

    exact = gradients()
    with torch.autocast("cpu", torch.bfloat16):
        rough = gradients()
    for found, expected in zip(rough, exact):
        assert found.dtype == torch.float32
        assert torch.cosine_similarity(found.flatten(), expected.flatten(), dim=0) > 0.98


# ------------------------------------------------------------------------------------------------- scheduled sampling


@each_sequential
@pytest.mark.parametrize("layers", [1, 2])
def test_without_own_words_scheduled_sampling_is_teacher_forcing(wiring: str, layers: int) -> None:
    decoder, tokens = build(wiring, replace(CONFIG, layers=layers)), sentences()
    found, expected = decoder.scheduled(tokens, decoder.start(memory()), 0), decoder(tokens, decoder.start(memory()))
    torch.testing.assert_close(found.features, expected.features)
    torch.testing.assert_close(found.attention, expected.attention)
    torch.testing.assert_close(flat(found.state), flat(expected.state))
    assert torch.equal(read(found), tokens)


@each_sequential
def test_what_is_returned_is_what_teacher_forcing_makes_of_the_words_read(wiring: str) -> None:
    decoder, tokens = build(wiring), sentences()
    torch.manual_seed(4)
    found = decoder.scheduled(tokens, decoder.start(memory()), 0.5)
    assert not torch.equal(read(found), tokens)
    expected = decoder(read(found), decoder.start(memory()))
    torch.testing.assert_close(found.features, expected.features)
    torch.testing.assert_close(found.attention, expected.attention)
    parameters = [p for name, p in decoder.named_parameters() if name != "projection.bias"]
    upstream = torch.randn_like(found.features)
    torch.testing.assert_close(
        torch.autograd.grad(found.features, parameters, upstream),
        torch.autograd.grad(expected.features, parameters, upstream),
    )


@each_sequential
def test_a_sure_model_left_alone_reads_its_greedy_sentence(wiring: str) -> None:
    decoder = build(wiring)
    with torch.no_grad():
        decoder.projection.bias.mul_(0)
        decoder.projection.weight = nn.Parameter(decoder.projection.weight * 1e5)  # untied: it only writes
    output = decoder.scheduled(sentences(), decoder.start(memory()), 1)
    limits = torch.full((BATCH,), TIME - 1)
    searched = greedy(decoder.step, decoder.start(memory()), limits, start=START, end=PAD)
    for row, hypothesis in zip(read(output).tolist(), searched):
        words = hypothesis.tokens
        assert row[: len(words) + 1] == [START, *words]


@each_sequential
def test_own_words_come_as_often_as_asked_and_as_the_model_gives_them(wiring: str) -> None:
    rows, own = 3_000, 0.4
    decoder = build(wiring)
    tokens = torch.tensor([[START, PAD + 1, PAD]]).expand(2 * rows, -1)  # <unk>, which stands for the truth
    torch.manual_seed(5)
    output = decoder.scheduled(tokens, decoder.start(memory()).repeat(rows), own)
    assert read(output)[:, 0].eq(START).all()
    assert read(output)[:, 2].eq(PAD).all()  # what follows a sentence stays padding
    given = decoder.step(torch.full((BATCH,), START), decoder.start(memory())).log_probabilities.exp()
    for probabilities, drawn in zip(given, read(output)[:, 1].view(BATCH, rows)):
        expected = own * probabilities
        expected[PAD + 1] += 1 - own
        shares = drawn.bincount(minlength=VOCABULARY) / rows
        assert (shares - expected).abs().le(5 * (expected * (1 - expected) / rows).sqrt() + 1e-9).all()


@each_sequential
def test_in_bfloat16_every_weight_still_learns(wiring: str) -> None:
    """Autocast keeps what it casts: words drawn without a gradient must not leave weights without one."""
    decoder = build(wiring, replace(CONFIG, tie_output=False), summary=GRID, scale=0.3).float().train()
    pictures = memory(summary=False)
    grid = pictures.grid.float()
    with torch.autocast("cpu", torch.bfloat16):
        output = decoder.scheduled(sentences(), decoder.start(Memory(grid, MASK, grid.mean(1))), 0.9)
        loss = decoder.readout(output.features).float().log_softmax(-1)[..., END].sum()
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in decoder.parameters())


@each_sequential
def test_the_global_seed_decides_what_is_drawn(wiring: str) -> None:
    decoder = build(wiring, replace(CONFIG, dropout=DropoutRates())).train()
    runs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        runs.append(decoder.scheduled(sentences(), decoder.start(memory()), 0.8))
    assert torch.equal(runs[0].features, runs[1].features)
    assert torch.equal(read(runs[0]), read(runs[1]))
    assert not torch.equal(read(runs[0]), read(runs[2]))


def test_a_parallel_wiring_says_which_ones_could() -> None:
    decoder = build("parallel")
    message = (
        "scheduled sampling cannot .* choose a decoder.kind among input_feeding, show_and_tell, show_attend_tell, "
        "top_down and transformer"
    )
    with pytest.raises(UserError, match=message):
        decoder.scheduled(sentences(), decoder.start(memory()), 0.5)
    with pytest.raises(UserError, match=r"scheduled sampling is 1\.5: choose a number from 0 to 1"):
        build("top_down").scheduled(sentences(), decoder.start(memory()), 1.5)

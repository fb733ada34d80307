"""The Transformer: cached steps against teacher forcing, its state, masks, ties, scheduled sampling, mixed forms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from model_fixtures import logits_of
from torch import Tensor, nn

from s2s.config import from_dict, to_dict
from s2s.decoding.beam import beam
from s2s.decoding.ensemble import Ensemble
from s2s.decoding.generation import generate
from s2s.decoding.greedy import greedy
from s2s.decoding.search import BeamOptions, SamplingOptions
from s2s.decoding.torch_network import TorchNetwork
from s2s.errors import UserError
from s2s.models.configuration import (
    ParallelConfig,
    RecurrentEncoderConfig,
    TextEncoderConfig,
    TransformerDecoderConfig,
    TransformerDecoderDropout,
    TransformerDropout,
    TransformerEncoderConfig,
)
from s2s.models.decoders import build_decoder
from s2s.models.encoder_decoder import EncoderDecoder
from s2s.models.memory import Memory, Segment, masked_mean
from s2s.models.quantisation import quantise
from s2s.models.text_encoder import build_text_encoder, source_embedding
from s2s.models.transformer_decoder import TransformerDecoder, TransformerState
from s2s.models.transformer_encoder import TransformerEncoder
from s2s.nn import eight_bit_products
from s2s.nn.configuration import AdditiveConfig, LearnedConfig
from s2s.text.padding import Padded
from s2s.text.tokens import END, PAD, START
from s2s.training.batches import padded_tensors

VOCABULARY, GRID, BATCH, POSITIONS, TIME = 13, 6, 3, 5, 4
MASK = torch.arange(POSITIONS) < torch.tensor([[5], [2], [4]])
CONFIG = TransformerDecoderConfig(dim=8, layers=3, heads=2, feedforward_dim=12)
ENCODER = TransformerEncoderConfig(dim=8, layers=2, heads=2, feedforward_dim=12)
LINES = [[5, 6, 7, 8], [9], [10, 11, 4, 5, 6, 7], [8, 8]]
each_memory = pytest.mark.parametrize("memory", ["masked", "plain", "none"])
each_config = pytest.mark.parametrize(
    "config", [CONFIG, replace(CONFIG, norm="post", positions=LearnedConfig(6), layers=1)], ids=["pre", "post"]
)


def randomise(module: nn.Module, std: float = 0.4) -> None:
    torch.manual_seed(1)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=std)


def build(memory: str = "masked", config: TransformerDecoderConfig = CONFIG) -> TransformerDecoder:
    """A decoder in evaluation mode."""
    decoder = build_decoder(config, VOCABULARY, None if memory == "none" else GRID, GRID)
    assert isinstance(decoder, TransformerDecoder)
    randomise(decoder)
    return decoder.eval()


def begin(decoder: TransformerDecoder, memory: str = "masked") -> TransformerState:
    """The state before START of a random memory, always the same."""
    if memory == "none":
        return decoder.start(None, sentences=BATCH)
    grid = torch.randn(BATCH, POSITIONS, GRID, generator=torch.Generator().manual_seed(2))
    return decoder.start(Memory(grid, None if memory == "plain" else MASK))


def sentences(rows: int = BATCH) -> Tensor:
    tokens = torch.randint(END + 1, VOCABULARY, (rows, TIME), generator=torch.Generator().manual_seed(3))
    return torch.cat([torch.full((rows, 1), START), tokens], 1)


def step_by_step(decoder: TransformerDecoder, tokens: Tensor, state: TransformerState) -> tuple[Tensor, Any, Any]:
    steps = []
    for column in tokens.unbind(1):
        steps.append(decoder.step(column, state))
        state = steps[-1].state
    looks = None if steps[0].attention is None else torch.stack([step.attention for step in steps], 1)
    return torch.stack([step.log_probabilities for step in steps], 1), looks, state


def flat(state: TransformerState) -> list[Tensor]:
    return [part for layer in state.past for part in layer]


# ---------------------------------------------------------------------------------- teacher forcing and the cache


@each_memory
@each_config
def test_cached_steps_are_teacher_forcing(memory: str, config: TransformerDecoderConfig) -> None:
    decoder, tokens = build(memory, config), sentences()
    output = decoder(tokens, begin(decoder, memory))
    expected, looks, state = step_by_step(decoder, tokens, begin(decoder, memory))
    torch.testing.assert_close(decoder.readout(output.features).log_softmax(-1), expected)
    torch.testing.assert_close(output.attention, looks)
    torch.testing.assert_close(flat(output.state), flat(state))


@each_memory
def test_a_state_in_and_a_state_out_go_on_where_they_stopped(memory: str) -> None:
    decoder, tokens = build(memory), sentences()
    whole = decoder(tokens, begin(decoder, memory))
    first = decoder(tokens[:, :2], begin(decoder, memory))
    second = decoder(tokens[:, 2:], first.state)
    torch.testing.assert_close(torch.cat([first.features, second.features], 1), whole.features)
    torch.testing.assert_close(flat(second.state), flat(whole.state))


def test_bfloat16_products_stay_near_float32() -> None:
    decoder, tokens = build(), sentences()
    exact = decoder.readout(decoder(tokens, begin(decoder)).features).log_softmax(-1)
    with torch.autocast("cpu", torch.bfloat16):
        output = decoder(tokens, begin(decoder))
        at_once = decoder.readout(output.features).float().log_softmax(-1)
        one_by_one, _, _ = step_by_step(decoder, tokens, begin(decoder))
    assert output.attention is not None
    assert output.attention.dtype == torch.float32
    torch.testing.assert_close(at_once, exact, atol=0.15, rtol=0)
    torch.testing.assert_close(one_by_one, exact, atol=0.15, rtol=0)


@each_memory
@pytest.mark.parametrize("width", [1, 3])
def test_rows_are_repeated_reordered_and_kept_with_their_cache(memory: str, width: int) -> None:
    decoder = build(memory)
    state = begin(decoder, memory).repeat(width)
    assert state.sentences == BATCH
    words = torch.arange(BATCH * width) % 9 + 4
    state: Any = decoder.step(words, state).state
    order = torch.cat([torch.arange(width).flip(0) + width * sentence for sentence in range(BATCH)])
    whole = decoder.step(words, state)
    turned = decoder.step(words[order], state.reorder(order))
    torch.testing.assert_close(turned.log_probabilities, whole.log_probabilities[order])
    stay = torch.tensor([0, 2])
    rows = (stay[:, None] * width + torch.arange(width)).flatten()
    kept = decoder.step(words[rows], state.keep(stay))
    assert kept.state.sentences == 2
    torch.testing.assert_close(kept.log_probabilities, whole.log_probabilities[rows])
    torch.testing.assert_close(kept.attention, None if whole.attention is None else whole.attention[rows])


@each_memory
def test_sentences_that_leave_the_beam_do_not_disturb_the_others(memory: str) -> None:
    decoder, limits = build(memory), torch.tensor([2, 9, 5])
    common: Any = {"start": START, "end": END, "options": BeamOptions(width=3, n_best=3), "banned": (PAD, START)}
    with torch.inference_mode():
        state = begin(decoder, memory)
        together = beam(decoder.step, state, limits, **common)
        for row, hypotheses in enumerate(together):
            only = torch.tensor([row])
            (alone,) = beam(decoder.step, state.keep(only), limits[only], **common)
            assert [hypothesis.tokens for hypothesis in hypotheses] == [hypothesis.tokens for hypothesis in alone]
            for found, expected in zip(hypotheses, alone):
                assert found.score == pytest.approx(expected.score, abs=1e-5)
                if memory != "none":
                    assert found.attention is not None
                    assert expected.attention is not None
                    np.testing.assert_allclose(found.attention, expected.attention, atol=1e-5)


def test_a_detached_state_has_no_past_and_no_memory() -> None:
    decoder, tokens = build(), sentences()
    grid = torch.randn(BATCH, POSITIONS, GRID, requires_grad=True)
    first = decoder(tokens[:, :2], decoder.start(Memory(grid, MASK))).state
    for state, reaches in ((first, True), (first.detach(), False)):
        features = decoder(tokens[:, 2:], state).features
        (gradient,) = torch.autograd.grad(features.square().sum(), grid, allow_unused=True, retain_graph=True)
        assert (gradient is not None) == reaches


def test_several_captions_of_a_picture_share_its_grid() -> None:
    decoder, tokens = build(), sentences(3 * BATCH)
    grid = torch.randn(BATCH, POSITIONS, GRID)
    together = decoder(tokens, decoder.start(Memory(grid, MASK)).repeat(3))
    copies = Memory(grid.repeat_interleave(3, 0), MASK.repeat_interleave(3, 0))
    apart = decoder(tokens, decoder.start(copies))
    torch.testing.assert_close(together.features, apart.features)
    torch.testing.assert_close(together.attention, apart.attention)


def test_without_a_memory_the_number_of_sentences_is_needed() -> None:
    with pytest.raises(TypeError, match="needs the number of sentences"):
        build("none").start(None)


# --------------------------------------------------------------------------------------------------------- masks


def test_padding_of_the_grid_is_not_read_and_gets_no_gradient() -> None:
    decoder, tokens = build(), sentences()
    grid = torch.randn(BATCH, POSITIONS, GRID, requires_grad=True)
    output = decoder(tokens, decoder.start(Memory(grid, MASK)))
    (gradient,) = torch.autograd.grad(output.features.square().sum(), grid)
    assert gradient[MASK].abs().min() > 0
    assert gradient[~MASK].abs().max() == 0
    other = decoder(tokens, decoder.start(Memory(torch.where(MASK.unsqueeze(-1), grid, 1e3), MASK)))
    torch.testing.assert_close(other.features, output.features)
    assert output.attention is not None
    torch.testing.assert_close(output.attention.sum(-1), torch.ones(BATCH, TIME + 1))
    assert output.attention.ne(0).equal(MASK.unsqueeze(1).expand_as(output.attention))


def test_later_words_are_not_read() -> None:
    """So that padding after a target's end changes nothing before it."""
    decoder, tokens = build(), sentences()
    features = decoder(tokens, begin(decoder)).features
    tokens[:, 3:] = PAD
    torch.testing.assert_close(decoder(tokens, begin(decoder)).features[:, :3], features[:, :3])


# ------------------------------------------------------------------------------------------------------- encoder


def encoder(config: TransformerEncoderConfig = ENCODER, width: int = 8) -> TransformerEncoder:
    built = build_text_encoder(config, source_embedding(VOCABULARY, width))
    assert isinstance(built, TransformerEncoder)
    randomise(built)
    return built.eval()


@pytest.mark.parametrize("width", [8, 5])
@pytest.mark.parametrize("norm", ["pre", "post"])
def test_a_line_alone_equals_the_line_in_a_batch(norm: Any, width: int) -> None:
    one, source = encoder(replace(ENCODER, norm=norm), width), padded_tensors(LINES)
    together = one(source)
    assert together.grid.shape == (4, 6, one.output_dim) == (4, 6, 8)
    assert together.segments == (Segment("source", 6),)
    torch.testing.assert_close(together.summary, masked_mean(together.grid, source.mask))
    for row, line in enumerate(LINES):
        alone = one(padded_tensors([line]))
        torch.testing.assert_close(alone.grid[0], together.grid[row, : len(line)])
        torch.testing.assert_close(alone.summary[0], together.summary[row])


def test_padding_of_the_source_is_not_read() -> None:
    one, source = encoder(), padded_tensors(LINES)
    other = one(Padded(torch.where(source.mask, source.ids, START), source.lengths))
    torch.testing.assert_close(other.grid[source.mask], one(source).grid[source.mask])


def test_the_order_of_words_matters() -> None:
    one = encoder()
    assert not torch.allclose(one(padded_tensors([[5, 6]])).summary, one(padded_tensors([[6, 5]])).summary, atol=1e-3)


# ------------------------------------------------------------------------------------------- ties, dropout, kinds


@pytest.mark.parametrize("tied", [True, False])
def test_ties_are_one_tensor(tied: bool) -> None:
    decoder = build_decoder(replace(CONFIG, tie_output=tied), VOCABULARY, 8)
    model = EncoderDecoder(build_text_encoder(ENCODER, decoder.embedding), decoder)
    assert len([p for p in model.parameters() if p.shape == (VOCABULARY, 8)]) == (1 if tied else 2)


@pytest.mark.parametrize("place", ["word", "embedding", "residual", "feedforward", "attention", "context"])
def test_every_rate_drops_something_in_training_only(place: str) -> None:
    nothing = TransformerDecoderDropout(embedding=0, residual=0)
    decoder = build(config=replace(CONFIG, dropout=replace(nothing, **{place: 0.5}))).train()
    tokens = sentences()
    first, second = (decoder(tokens, begin(decoder)).features for _ in range(2))
    assert not torch.equal(first, second)
    decoder.eval()
    assert torch.equal(decoder(tokens, begin(decoder)).features, decoder(tokens, begin(decoder)).features)


def test_a_recipe_names_the_kinds_and_its_mistakes() -> None:
    assert from_dict(TransformerDecoderConfig, to_dict(CONFIG) | {"positions": "learned"}).positions == LearnedConfig()
    assert to_dict(CONFIG)["kind"] == "transformer"
    with pytest.raises(UserError, match="heads = 3 does not divide dim = 8"):
        from_dict(TransformerDecoderConfig, {"dim": 8, "heads": 3})
    with pytest.raises(UserError, match=r"dim = 9 is odd"):
        from_dict(TransformerEncoderConfig, {"dim": 9, "heads": 3})
    with pytest.raises(UserError, match="expected one of"):
        from_dict(TransformerEncoderConfig, {"norm": "sandwich"})


# --------------------------------------------------------------------------------------------- scheduled sampling


def test_without_own_words_scheduled_sampling_is_teacher_forcing() -> None:
    decoder, tokens = build(), sentences()
    found, expected = decoder.scheduled(tokens, begin(decoder), 0), decoder(tokens, begin(decoder))
    torch.testing.assert_close(found.features, expected.features)
    assert found.tokens is not None
    assert torch.equal(found.tokens, tokens)


def test_own_words_come_as_often_as_asked_and_as_the_model_gives_them() -> None:
    rows, own, decoder = 3_000, 0.4, build()
    tokens = torch.tensor([[START, PAD + 1, PAD]]).expand(BATCH * rows, -1)  # <unk>, which stands for the truth
    torch.manual_seed(5)
    output = decoder.scheduled(tokens, begin(decoder).repeat(rows), own)
    assert output.tokens is not None
    assert output.tokens[:, 0].eq(START).all()
    assert output.tokens[:, 2].eq(PAD).all()  # what follows a sentence stays padding
    given = decoder.step(torch.full((BATCH,), START), begin(decoder)).log_probabilities.exp()
    given = own * given + (1 - own) * nn.functional.one_hot(torch.tensor(PAD + 1), VOCABULARY)
    for sentence, words in enumerate(output.tokens[:, 1].view(BATCH, rows)):
        found = words.bincount(minlength=VOCABULARY) / rows
        torch.testing.assert_close(found, given[sentence], atol=0.04, rtol=0)


def test_scheduled_sampling_trains_what_it_reads() -> None:
    decoder, tokens = build(), sentences()
    torch.manual_seed(4)
    found = decoder.scheduled(tokens, begin(decoder), 0.7)
    assert found.tokens is not None
    assert not torch.equal(found.tokens, tokens)
    expected = decoder(found.tokens, begin(decoder))
    parameters = [p for name, p in decoder.named_parameters() if name != "projection.bias"]
    upstream = torch.randn_like(found.features)
    with torch.autocast("cpu", torch.bfloat16):  # which must not keep weights of the first pass without a gradient
        assert decoder.scheduled(tokens, begin(decoder), 0.7).features.requires_grad
    torch.testing.assert_close(
        torch.autograd.grad(found.features, parameters, upstream),
        torch.autograd.grad(expected.features, parameters, upstream),
    )
    with pytest.raises(UserError, match=r"scheduled sampling is 1\.5: choose a number from 0 to 1"):
        decoder.scheduled(tokens, begin(decoder), 1.5)


# ------------------------------------------------------------------------------------------------ the whole stack


def network(encoder_config: TextEncoderConfig, decoder_config: Any, seed: int = 1) -> EncoderDecoder:
    torch.manual_seed(seed)
    decoder = build_decoder(decoder_config, VOCABULARY, encoder_config.output_dim, encoder_config.output_dim)
    return EncoderDecoder(build_text_encoder(encoder_config, decoder.embedding), decoder)


NOTHING = TransformerDropout(embedding=0, residual=0)
FORMS: dict[str, tuple[TextEncoderConfig, Any]] = {
    "transformer": (replace(ENCODER, dropout=NOTHING), CONFIG),
    "LSTM, then Transformer": (RecurrentEncoderConfig(dim=5), CONFIG),
    "Transformer, then LSTM": (
        replace(ENCODER, dropout=NOTHING),
        ParallelConfig(embedding_dim=10, dim=12, attention=AdditiveConfig(8)),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_learns_a_few_sentences_and_writes_them_by_every_search(form: str) -> None:
    model = network(*FORMS[form])
    targets = [[5, 6, 7, 6], [9, 4], [4, 5, 6, 7, 8, 9], [7]]
    source, read = padded_tensors(LINES), padded_tensors([[START, *line] for line in targets])
    written = padded_tensors([[*line, END] for line in targets])
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(120):
        optimiser.zero_grad()
        predictions = model(source, read.ids, written.mask)
        nn.functional.cross_entropy(predictions.logits, written.ids[written.mask]).backward()
        optimiser.step()
    engine, limits = TorchNetwork(model.eval(), "float32"), np.full(4, 9)
    for options in (BeamOptions(1), BeamOptions(3), SamplingOptions(top_k=1)):
        found = generate(engine, source, limits, options)
        assert [best.tokens for best, *_ in found] == targets
        assert all(best.attention is not None for best, *_ in found)
    with engine.searching() as search:
        again = greedy(search.step, search.start(source), torch.tensor([9] * 4), start=START, end=END)
    assert [best.tokens for best in again] == targets


def test_a_transformer_and_an_lstm_write_together() -> None:
    models = [TorchNetwork(network(*form, seed).eval(), "float32") for seed, form in enumerate(FORMS.values())]
    source, limits = padded_tensors(LINES), np.full(4, 6)
    ensemble = Ensemble(models)
    together = generate(ensemble, source, limits, BeamOptions(3))
    with ensemble.searching() as search:
        state: Any = search.start(source)
        step = search.step(torch.full((4,), START), state)
        alone = [m.network.step(torch.full((4,), START), s) for m, s in zip(models, state.members)]
    mean = torch.stack([each.log_probabilities.exp() for each in alone]).mean(0)
    torch.testing.assert_close(step.log_probabilities.exp(), mean)
    torch.testing.assert_close(
        step.attention, torch.stack([each.attention for each in alone if each.attention is not None]).mean(0)
    )
    assert len(together) == 4


@pytest.mark.skipif(
    not eight_bit_products.available(torch.device("cpu")), reason="needs a processor with eight-bit products"
)
def test_it_decodes_with_weights_in_eight_bits() -> None:
    plain, quantised = (network(*FORMS["transformer"]).eval() for _ in range(2))
    quantise(quantised.decoder)
    source, words = padded_tensors(LINES), torch.arange(4, 8)
    with torch.no_grad():
        steps = [model.step(words, model.start(source)) for model in (plain, quantised)]
        steps = [model.step(words, step.state) for model, step in zip((plain, quantised), steps)]
    torch.testing.assert_close(steps[1].log_probabilities, steps[0].log_probabilities, rtol=0, atol=0.1)


def test_several_rows_to_a_source_are_trained_at_once() -> None:
    """As minimum-risk training does."""
    model = network(*FORMS["transformer"]).eval()
    source, tokens = padded_tensors(LINES), sentences(8)
    together = logits_of(model, source, tokens)
    for row in range(8):
        alone = logits_of(model, padded_tensors([LINES[row // 2]]), tokens[row : row + 1])
        torch.testing.assert_close(together[row], alone[0])


def test_it_starts_behind_any_encoder() -> None:
    """A grid without a mask and with a summary that nobody reads, as that of a photograph."""
    decoder, tokens = build("plain"), sentences(2)
    grid = torch.randn(2, 4, GRID)
    found, expected = (decoder(tokens, decoder.start(Memory(grid, None, summary))) for summary in (grid.sum(1), None))
    assert torch.equal(found.features, expected.features)

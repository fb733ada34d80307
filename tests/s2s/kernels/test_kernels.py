"""The compiled operators against the eager code that defines them, in both precisions, with gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from s2s.kernels.build import BuildError, build
from s2s.kernels.operators import Operators, operators_for, using
from s2s.nn.attention import AdditiveAttention
from s2s.nn.compiled_lstm import CompiledLSTM, fastest
from s2s.nn.configuration import AdditiveConfig, GRUConfig, LSTMConfig
from s2s.nn.dropout import Dropout
from s2s.nn.loss import smoothed_cross_entropy, weighted_cross_entropy
from s2s.nn.recurrent import RecurrentLayer

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
each_precision = pytest.mark.parametrize("precision", list(PRECISIONS))


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operators]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TORCH_EXTENSIONS_DIR", str(tmp_path_factory.mktemp("cache")))
        try:
            yield Operators(build())
        except BuildError as error:
            pytest.skip(f"the operators cannot be compiled here: {error}")


def leaf(*shape: int, scale: float = 1.0) -> Tensor:
    return (torch.randn(*shape) * scale).requires_grad_()


def compare(operators: Operators, compute: Callable[[], tuple[Tensor, ...]], leaves: list[Tensor], rtol: float) -> None:
    """Values and gradients, in units of the largest element of each tensor."""
    found = []
    for used in (None, operators):
        with using(used):
            torch.manual_seed(5)
            outputs = compute()
            upstream = [torch.linspace(-1, 1, each.numel()).view_as(each) for each in outputs]
            scalar = sum((each.float() * factor).sum() for each, factor in zip(outputs, upstream))
            assert isinstance(scalar, Tensor)
            found.append([each.detach().float() for each in (*outputs, *torch.autograd.grad(scalar, leaves))])
    for eager, compiled in zip(*found):
        assert (eager - compiled).abs().max() <= rtol * eager.abs().max()
        assert eager.abs().max() > 0


@each_precision
@pytest.mark.parametrize("dim", [1, 7, 8, 33])  # whole vectors and remainders
def test_an_lstm(operators: Operators, precision: str, dim: int) -> None:
    torch.manual_seed(1)
    layer, inputs = RecurrentLayer(LSTMConfig(), 5, dim), leaf(6, 9, 5, scale=3)
    initial = (leaf(9, dim), leaf(9, dim))

    def states() -> tuple[Tensor, ...]:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            return layer(inputs, initial)

    with using(operators):
        assert type(fastest(layer.cell, inputs)) is CompiledLSTM
    leaves = [inputs, *initial, *layer.parameters()]
    compare(operators, states, leaves, 2e-6 if precision == "float32" else 0.03)


@each_precision
@pytest.mark.parametrize("count", [1, 4])
def test_additive_attention(operators: Operators, precision: str, count: int) -> None:
    torch.manual_seed(1)
    attention = AdditiveAttention(AdditiveConfig(19), 6, 7)
    queries, grid = leaf(3, count, 6, scale=2), leaf(3, 5, 7, scale=2)
    mask = torch.arange(5) < torch.tensor([[5], [2], [1]])

    def look() -> tuple[Tensor, ...]:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            return tuple(attention(queries, attention.keys(grid), grid, mask)[:2])

    leaves = [queries, grid, *attention.parameters()]
    compare(operators, look, leaves, 3e-6 if precision == "float32" else 0.05)


@each_precision
@pytest.mark.parametrize("size", [3, 5000])  # a block of columns and several
def test_cross_entropy(operators: Operators, precision: str, size: int) -> None:
    torch.manual_seed(1)
    logits, targets = leaf(17, size, scale=4), torch.randint(size, (17,))
    rounded = logits.detach().to(PRECISIONS[precision]).requires_grad_()
    weights = torch.randn(17)
    rtol = 1e-6 if precision == "float32" else 0.01
    compare(operators, lambda: (smoothed_cross_entropy(rounded, targets, 0.0)[0],), [rounded], rtol)
    compare(operators, lambda: (smoothed_cross_entropy(rounded, targets, 0.1)[0],), [rounded], rtol)
    compare(operators, lambda: (weighted_cross_entropy(rounded, targets, weights)[0],), [rounded], rtol)
    with using(operators), torch.no_grad():
        total, exact = smoothed_cross_entropy(rounded, targets, 0.0)
    assert float(total) == pytest.approx(float(exact))


def test_cross_entropy_of_extreme_logits(operators: Operators) -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0], [-3e38, 0.0, 0.0], [float("nan"), 0.0, 1.0]], requires_grad=True)
    targets = torch.tensor([1, 1, 0])
    with using(operators):
        total, _ = smoothed_cross_entropy(logits[:2], targets[:2])
        assert float(total.detach()) == pytest.approx(2e4 + 0.6931, rel=1e-6)
        assert smoothed_cross_entropy(logits[2:], targets[2:])[0].isnan()


@pytest.mark.parametrize("shape", [(1,), (4, 5000), (0, 3)])
def test_dropout_drops_the_same_elements(operators: Operators, shape: tuple[int, ...]) -> None:
    inputs = torch.randn(*shape, requires_grad=True)
    found = []
    for used in (None, operators):
        with using(used):
            torch.manual_seed(3)
            dropped = Dropout(0.4)(inputs)
            found.append((dropped, *torch.autograd.grad((2 * dropped).sum(), inputs)))
    assert all(torch.equal(eager, compiled) for eager, compiled in zip(*found))


def test_what_they_cannot_compute_stays_eager(operators: Operators) -> None:
    single, double = torch.ones(2), torch.ones(2, dtype=torch.float64)
    assert operators_for(single) is None  # this process uses none
    with using(operators):
        assert operators_for(single, single) is operators
        assert operators_for(double) is None
        assert operators_for(single, single.bfloat16()) is None
        assert operators_for(single.to("meta")) is None
        gru = RecurrentLayer(GRUConfig(), 3, 4)
        assert fastest(gru.cell, single) is gru.cell


def test_results_do_not_depend_on_the_number_of_threads(operators: Operators) -> None:
    torch.manual_seed(1)
    logits, targets = torch.randn(500, 300), torch.randint(300, (500,))
    threads, found = torch.get_num_threads(), []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            with using(operators):
                found.append(float(smoothed_cross_entropy(logits, targets)[0]))
    finally:
        torch.set_num_threads(threads)
    assert len(set(found)) == 1


def test_a_failing_or_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(BuildError, match="false failed"):
        build()
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BuildError, match="no-such-compiler"):
        build()
    monkeypatch.delenv("CXX")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BuildError, match=r"no C\+\+ compiler was found"):
        build()


def test_a_library_is_compiled_once(operators: Operators, monkeypatch: pytest.MonkeyPatch) -> None:
    library = build()
    written = library.stat().st_mtime_ns
    assert build().stat().st_mtime_ns == written
    assert [path.name for path in library.parent.iterdir()] == [library.name]  # nothing half-made is left

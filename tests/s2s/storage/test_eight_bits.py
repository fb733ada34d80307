"""Weights in eight bits: at most half a level away, the same in both engines, and refused where they do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from translation_fixtures import LINES, tiny_model

from s2s.errors import UserError
from s2s.export.matrices import quantise_rows
from s2s.storage.eight_bits import pack, shrink
from s2s.storage.model_directory import read_model
from s2s.storage.tensors import SCALES, deserialise, serialise
from translation.translator import Translator


def stored(tensors: dict[str, Tensor], folder: Path) -> dict[str, Tensor]:
    path = folder / "m.safetensors"
    path.write_bytes(serialise(tensors)[0])
    return deserialise(path, {})


def test_matrices_are_rounded_as_in_the_light_form_and_the_rest_is_kept(tmp_path: Path) -> None:
    tensors = {
        "matrix": torch.randn(5, 80),
        "kernels": torch.randn(4, 8, 3, 3),
        "zeros": torch.zeros(3, 64),
        "short": torch.randn(5, 63).half(),
        "bias": torch.randn(9).half(),
        "count": torch.tensor(2**40),
    }
    found = stored(pack(tensors), tmp_path)
    assert found.keys() == tensors.keys()
    for name in ("matrix", "kernels", "zeros"):
        integers, scales = quantise_rows(tensors[name].numpy())
        assert np.array_equal(found[name].numpy(), integers * scales)
    for name in ("short", "bias", "count"):
        assert found[name].equal(tensors[name])
        assert found[name].dtype == tensors[name].dtype


def test_a_matrix_that_was_rounded_is_not_rounded_further(tmp_path: Path) -> None:
    once = stored(pack({"matrix": torch.randn(50, 100)}), tmp_path)
    twice = stored(pack(once), tmp_path)
    assert torch.allclose(once["matrix"], twice["matrix"], rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("tensors", "problem"),
    [
        ({"a" + SCALES: torch.ones(2, 1)}, "has no matrix in eight bits"),
        ({"a": torch.ones(2, 3), "a" + SCALES: torch.ones(2, 1)}, "has no matrix in eight bits"),
        ({"a": torch.tensor(3, dtype=torch.int8), "a" + SCALES: torch.ones(1)}, "has no matrix in eight bits"),
        ({"a": torch.ones(2, 3, dtype=torch.int8), "a" + SCALES: torch.ones(3, 1)}, "does not fit its matrix"),
        ({"a": torch.ones(2, 3, dtype=torch.int8), "a" + SCALES: torch.ones(2)}, "does not fit its matrix"),
    ],
)
def test_scales_that_fit_no_matrix_are_refused(tensors: dict[str, Tensor], problem: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=problem):
        stored(tensors, tmp_path)


def test_a_shrunk_model_translates_and_keeps_its_ties_and_its_card(tmp_path: Path) -> None:
    model = tmp_path / "model"
    tiny_model(dim=64).save(model, {})
    (model / "README.md").write_text("# card")
    before, ties = read_model(model).tensors, read_model(model).tied
    sizes = shrink(model)
    after = read_model(model)
    assert sizes[1] < sizes[0]
    assert sizes[1] == (model / "model.safetensors").stat().st_size
    assert (model / "README.md").read_text() == "# card"
    assert after.tied == ties
    assert all(after.tensors[name] is after.tensors[first] for name, first in ties.items())
    for name, tensor in before.items():
        limit = tensor.float().abs().max().item() / 127 + 1e-3
        assert torch.allclose(after.tensors[name].float(), tensor.float(), rtol=0, atol=limit)
    assert len(list(Translator.load(model, device="cpu").translate(LINES))) == len(LINES)

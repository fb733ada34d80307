from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from s2s.errors import UserError
from s2s.storage.tensors import deserialise, find_ties, serialise

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sealed")


def test_tensors_come_back_bit_for_bit(tmp_path: Path) -> None:
    tensors = {
        "half": torch.tensor([1.0, float("nan"), float("inf"), -0.0], dtype=torch.float16),
        "brain": torch.randn(3, 4).bfloat16(),
        "double": torch.randn(2, dtype=torch.float64),
        "step": torch.tensor(7.0),
        "count": torch.tensor(2**60 + 1),
        "mask": torch.tensor([True, False]),
        "generator": torch.get_rng_state(),
        "empty": torch.empty(0, 3),
        "transposed": torch.randn(4, 3).T,
    }
    content, tied = serialise(tensors)
    (tmp_path / "state.safetensors").write_bytes(content)
    found = deserialise(tmp_path / "state.safetensors", tied)
    assert tied == {}
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert (found[name].dtype, found[name].shape) == (tensor.dtype, tensor.shape)
        assert found[name].contiguous().view(-1).view(torch.uint8).equal(tensor.contiguous().view(-1).view(torch.uint8))


def test_one_memory_is_stored_once_and_views_of_it_survive(tmp_path: Path) -> None:
    memory = torch.arange(12.0)
    tensors = {
        "a": memory.view(3, 4),
        "b": memory.view(3, 4),
        "flat": memory,
        "part": memory[2:5],
        "other": memory[3:6],
    }
    assert find_ties(tensors) == {"b": "a"}
    content, tied = serialise(tensors)
    (tmp_path / "m.safetensors").write_bytes(content)
    found = deserialise(tmp_path / "m.safetensors", tied)
    assert found["b"] is found["a"]
    assert all(found[name].equal(tensor) for name, tensor in tensors.items())


def test_a_cast_that_overflows_is_refused(tmp_path: Path) -> None:
    content, _ = serialise({"mask": torch.tensor([float("-inf"), 1.0]), "ids": torch.tensor([70_000])}, torch.float16)
    (tmp_path / "m.safetensors").write_bytes(content)
    found = deserialise(tmp_path / "m.safetensors", {})
    assert (found["mask"].dtype, found["ids"].dtype) == (torch.float16, torch.int64)
    for tensor in (torch.tensor([1.0, -70_000.0]), torch.tensor(70_000.0)):
        with pytest.raises(UserError, match=r"^layer\.weight: 70000 is out of range for torch\.float16; store"):
            serialise({"layer.weight": tensor}, torch.float16)


@pytest.mark.parametrize("tied", [{"b": "nothing"}, {"b": 3}, {"a": "a"}, {"b": "c", "c": "a"}, {"b": ["a"]}])
def test_impossible_ties_are_refused(tmp_path: Path, tied: dict[str, Any]) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(serialise({"a": torch.zeros(2)})[0])
    with pytest.raises(UserError, match=r"m\.safetensors: cannot tie"):
        deserialise(path, tied)


entry = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["F32", "F16", "BF16", "I64", "BOOL", "F4", "F8_E8M0", "F8_E4M3", "C64", "X", 3]),
        "shape": st.lists(st.sampled_from([0, 1, 2, 4, -1, 2**31, 2**62, 2**64, 1.5, "2"]), max_size=4),
        "data_offsets": st.lists(st.sampled_from([0, 4, 8, 16, -4, 2**63]), min_size=2, max_size=2),
    },
)


@given(
    header=st.dictionaries(st.sampled_from(["a", "b", "__metadata__", "\x1b[2J\n"]), entry | JSON, max_size=3),
    length=st.none() | st.integers(0, 2**64 - 1),
    data=st.binary(max_size=16),
)
def test_a_strangers_tensors_are_tensors_or_an_error(
    folder: Path, header: dict[str, Any], length: int | None, data: bytes
) -> None:
    path = folder / "stranger.safetensors"
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    try:
        found = sum(tensor.nbytes for tensor in deserialise(path, {}).values())
    except UserError as refusal:
        found = str(refusal)
    assert found.isprintable() if isinstance(found, str) else found <= len(data)

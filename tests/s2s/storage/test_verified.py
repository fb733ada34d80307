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
from s2s.storage.verified import (
    FORMAT_VERSION,
    MAX_JSON_BYTES,
    deserialise,
    find_ties,
    is_plain,
    read_limited,
    seal,
    serialise,
    shorten,
    unseal,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sealed")


@given(
    record=st.dictionaries(st.text().filter(lambda key: key not in ("format_version", "checksum")), JSON, max_size=4)
)
def test_a_record_comes_back(folder: Path, record: dict[str, Any]) -> None:
    path = folder / "record.json"
    path.write_bytes(seal(record))
    assert unseal(path) == {"format_version": FORMAT_VERSION, **record}


def test_layout_is_free_but_content_is_not(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    content = json.loads(seal({"size": 512, "kind": "lstm"}))
    path.write_text(json.dumps(dict(reversed(content.items()))))
    assert unseal(path)["size"] == 512
    path.write_text(json.dumps(content | {"size": 513}))
    with pytest.raises(UserError, match=r"record\.json: is damaged, truncated or edited"):
        unseal(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a complete JSON file"),
        (b"\xff\xfe{", "is not a complete JSON file"),
        (b"[" * 100_000, "is not a complete JSON file"),
        (b"1" * 10_000, "is not a complete JSON file"),
        (b"[]", "has no format version"),
        (b"{}", "has no format version"),
        (b'{"format_version": 1.0}', "has no format version"),
        (b'{"format_version": "one"}', "has no format version"),
        ('{"format_version": "²"}'.encode(), "has no format version"),
        (b'{"format_version": "1.0"}', "checksum differs"),
        (b'{"format_version": "2.0", "anything": "else"}', "made by a newer version .* upgrade the toolkit"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as refusal:
        unseal(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)


def test_a_newer_minor_version_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.json"
    monkeypatch.setattr("s2s.storage.verified.FORMAT_VERSION", "1.7")
    path.write_bytes(seal({"novelty": True}))
    monkeypatch.undo()
    assert unseal(path)["novelty"] is True


def test_files_that_never_end_are_not_begun(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(MAX_JSON_BYTES + 1)
    with pytest.raises(UserError, match=r"large\.json: is larger"):
        unseal(large)
    (tmp_path / "folder").mkdir()
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("folder", "device"):
        with pytest.raises(UserError, match=f"{name}: is not a file"):
            read_limited(tmp_path / name, 10)
    with pytest.raises(UserError, match="nothing: is missing"):
        read_limited(tmp_path / "nothing", 10)


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


def test_plain_names() -> None:
    assert all(map(is_plain, ["source.vocabulary", "bpe.model", "a-b_c.1"]))
    assert not any(
        map(is_plain, ["", ".", "..", "../x", "a/b", "a\\b", "C:x", "a\0", ".hidden", "\ud800", "x" * 101, "a\n"])
    )


def test_a_strangers_words_are_told_briefly() -> None:
    assert shorten("a\nb\x1b[2J  c") == "a b [2J c"
    assert len(shorten("x" * 10**6)) == 160

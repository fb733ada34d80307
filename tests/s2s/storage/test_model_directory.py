from __future__ import annotations

import functools
import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from s2s.errors import UserError
from s2s.storage import model_directory, model_record
from s2s.storage.model_directory import load, read_model, register, write_asset, write_model
from s2s.storage.training_state import read_state, write_state
from s2s.storage.verified import seal
from s2s.storage.weights import average_weights, load_weights, weightless

T = TypeVar("T")


class Toy(nn.Module):
    """An embedding, a read-out tied to it, and a buffer of integers."""

    count: Tensor

    def __init__(self, vocabulary: int = 6, size: int = 4, *, tied: bool = True) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, size, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.1)
        self.readout = nn.Linear(size, vocabulary)
        if tied:
            self.readout.weight = self.embedding.weight
        self.register_buffer("count", torch.tensor(3))


def hollow(vocabulary: int = 6, size: int = 4) -> Toy:
    with weightless():
        return Toy(vocabulary, size)


CONFIG = {"vocabulary": 6, "size": 4, "dropout": 0.1, "note": "größer\ud800\x7f"}
ASSETS = {"source.vocabulary": b"a\nb\n\xff", "bpe.model": b""}


def write_toy(directory: Path, **changes: Any) -> Toy:
    toy = Toy()
    options = {"kind": "toy", "config": CONFIG, "assets": ASSETS, "tensors": toy.state_dict(), **changes}
    write_model(directory, **options)
    return toy


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def wipe(path: Path) -> None:
    """Overwrite the file in place, and so whatever is still mapped from it."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))


def told(refusal: pytest.ExceptionInfo[UserError]) -> str:
    """The message, which must be one line that says what to do."""
    message = str(refusal.value)
    assert message.isprintable()
    assert "; " in message
    return message


def reseal(directory: Path, **changes: Any) -> None:
    """Change config.json as somebody would who knows how to make its checksum."""
    record = json.loads((directory / "config.json").read_bytes())
    del record["checksum"]
    (directory / "config.json").write_bytes(seal(record | changes))


# ------------------------------------------------------------------------------------------------------ a model


def test_a_model_comes_back(tmp_path: Path) -> None:
    toy = write_toy(tmp_path / "model", about={"bleu": 39.1})
    stored = read_model(tmp_path / "model")
    assert (stored.kind, stored.config, stored.about) == ("toy", CONFIG, {"bleu": 39.1})
    assert {name: stored.asset(name) for name in ASSETS} == ASSETS
    assert stored.tensors.keys() == toy.state_dict().keys()
    assert all(stored.tensors[name].equal(tensor) for name, tensor in toy.state_dict().items())


def test_a_model_is_movable_and_open_to_readers_and_to_a_card(tmp_path: Path) -> None:
    write_toy(tmp_path / "model")
    (tmp_path / "model" / "README.md").write_text("# The card")
    moved = (tmp_path / "model").rename(tmp_path / "moved")
    read_model(str(moved))
    usual = tmp_path / "usual"
    usual.touch()
    assert {stat.S_IMODE(path.stat().st_mode) for path in moved.iterdir()} == {stat.S_IMODE(usual.stat().st_mode)}


def test_sixteen_bits_halve_the_file_and_tied_weights_are_stored_once(tmp_path: Path) -> None:
    toy = Toy(vocabulary=500, size=64)
    for name, dtype in (("half", torch.float16), ("full", None)):
        write_model(tmp_path / name, kind="toy", config={}, tensors=toy.state_dict(), dtype=dtype)
    half, full = ((tmp_path / name / "model.safetensors").stat().st_size for name in ("half", "full"))
    assert half < 1.1 * (500 * 64 + 500) * 2
    assert full < 1.1 * (500 * 64 + 500) * 4
    stored = read_model(tmp_path / "half").tensors
    assert stored["readout.weight"] is stored["embedding.weight"]
    assert stored["readout.bias"].dtype == torch.float16
    assert stored["count"].dtype == torch.int64


def test_a_weight_that_does_not_fit_leaves_the_old_model(tmp_path: Path) -> None:
    write_toy(tmp_path / "model")
    before = contents(tmp_path / "model")
    with pytest.raises(UserError, match=r"readout\.bias: 100000 is out of range for torch\.float16"):
        write_toy(tmp_path / "model", tensors={"readout.bias": torch.tensor([1e5])}, dtype=torch.float16)
    assert contents(tmp_path / "model") == before


def test_a_model_replaces_a_model_and_nothing_else(tmp_path: Path) -> None:
    write_toy(tmp_path, config={"first": 1})
    write_toy(tmp_path, config={"second": 2}, assets={})
    assert read_model(tmp_path).config == {"second": 2}
    assert set(contents(tmp_path)) == {"config.json", "model.safetensors"}
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter.tex").write_text("years of work")
    with pytest.raises(UserError, match="thesis: exists and is not a model directory; choose another name"):
        write_toy(thesis)
    assert contents(thesis) == {"chapter.tex": b"years of work"}


def test_an_asset_is_added_and_the_rest_stays_as_it_is(tmp_path: Path) -> None:
    write_toy(tmp_path / "model")
    (tmp_path / "model" / "README.md").write_text("# A card")
    before = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    write_asset(tmp_path / "model", "more.json", b"1")
    write_asset(tmp_path / "model", "bpe.model", b"2")
    after = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    assert read_model(tmp_path / "model").assets == {**ASSETS, "more.json": b"1", "bpe.model": b"2"}
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"config.json", "more.json", "bpe.model"}
    (tmp_path / "model" / "more.json").write_bytes(b"3")
    with pytest.raises(UserError, match=r"more\.json: is damaged"):
        write_asset(tmp_path / "model", "more.json", b"4")
    with pytest.raises(ValueError, match="cannot be the name"):
        write_asset(tmp_path / "model", "config.json", b"4")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "README.md", "../x", ""])
def test_assets_have_plain_names_of_their_own(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="name of an asset"):
        write_toy(tmp_path / "model", assets={name: b""})


# -------------------------------------------------------------------------------------------------- what is wrong


def test_what_is_no_model_directory(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="absent: no such directory") as refusal:
        read_model(tmp_path / "absent")
    told(refusal)
    (tmp_path / "run").mkdir()
    with pytest.raises(UserError, match=r"run: is not a model directory \(it has no config.json\)") as refusal:
        read_model(tmp_path / "run")
    told(refusal)
    write_toy(tmp_path / "run" / "best")
    with pytest.raises(UserError, match=f"did you mean {tmp_path}/run/best"):
        read_model(tmp_path / "run")
    with pytest.raises(UserError, match="is not a model directory"):
        read_model(tmp_path / "run" / "best" / "config.json")


@pytest.mark.parametrize("name", ["model.safetensors", "source.vocabulary", "bpe.model"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write_toy(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UserError, match=f"{name}: is missing") as refusal:
        read_model(tmp_path)
    told(refusal)
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=f"{name}: is not a file"):
        read_model(tmp_path)


@pytest.fixture(scope="module")
def model_and_state(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("damaged")
    torch.manual_seed(0)
    write_toy(folder / "model", about={"rate": 1e-05})
    write_state(folder / "state", Toy().state_dict(), {"step": 12, "loss": 0.1})
    return folder / "model", folder / "state"


def damages(data: st.DataObject, content: bytes) -> bytes:
    """Truncate the content, flip one of its bits, add to it, or put something else in its place."""
    position = data.draw(st.integers(0, max(len(content) - 1, 0)), label="position")
    how = data.draw(st.sampled_from(["truncate", "flip", "flip", "append", "replace"]), label="how")
    if how == "truncate":
        return content[:position]
    if how == "flip" and content:
        flipped = content[position] ^ (1 << data.draw(st.integers(0, 7), label="bit"))
        return content[:position] + bytes([flipped]) + content[position + 1 :]
    other = data.draw(st.binary(min_size=1, max_size=40), label="other")
    return content + other if how == "append" else other


def attempt(call: Callable[[], T]) -> T | str:
    """What the call returns, or the message of its UserError."""
    try:
        return call()
    except UserError as refusal:
        return str(refusal)


def same(found: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> bool:
    return found.keys() == tensors.keys() and all(found[name].equal(tensors[name]) for name in tensors)


@given(data=st.data())
def test_a_damaged_model_is_never_read_as_another_one(model_and_state: tuple[Path, Path], data: st.DataObject) -> None:
    directory, _ = model_and_state
    pristine = read_model(directory)
    path = data.draw(st.sampled_from(sorted(directory.iterdir())), label="file")
    content = path.read_bytes()
    path.write_bytes(damages(data, content))
    found = attempt(lambda: read_model(directory))
    path.unlink()  # its tensors are mapped from it
    path.write_bytes(content)
    if isinstance(found, str):
        assert found.startswith(f"{path}: ")
        assert found.isprintable()
    else:  # white space at the end of config.json was lost, or 1e-05 became 1E-05
        assert (found.kind, found.config, found.about) == (pristine.kind, pristine.config, pristine.about)
        assert found.assets == pristine.assets
        assert same(found.tensors, pristine.tensors)


@given(data=st.data())
def test_a_damaged_state_is_never_read_as_another_one(model_and_state: tuple[Path, Path], data: st.DataObject) -> None:
    _, directory = model_and_state
    tensors, record = read_state(directory)
    path = data.draw(st.sampled_from(sorted(directory.iterdir())), label="file")
    content = path.read_bytes()
    path.write_bytes(damages(data, content))
    found = attempt(lambda: read_state(directory))
    path.write_bytes(content)
    if isinstance(found, str):
        assert found.startswith(f"{path}: ")
        assert found.isprintable()
    else:
        assert same(found[0], tensors)
        assert found[1] == record


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


@given(key=st.sampled_from(["kind", "config", "about", "tied", "files", "format_version", "more"]), value=ANYTHING)
def test_a_config_of_wrong_types_is_refused(model_and_state: tuple[Path, Path], key: str, value: Any) -> None:
    directory, _ = model_and_state
    content = (directory / "config.json").read_bytes()
    reseal(directory, **{key: value})
    found = attempt(lambda: read_model(directory))
    (directory / "config.json").write_bytes(content)
    if isinstance(found, str):
        assert found.isprintable()
    else:
        assert isinstance(found.kind, str)
        assert isinstance(found.config, dict)
        assert isinstance(found.about, dict)
        assert len(found.tensors) > 0


def test_a_stranger_cannot_lead_outside_the_directory_nor_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_toy(tmp_path / "model")
    (tmp_path / "secret").write_text("secret")
    files = json.loads((tmp_path / "model" / "config.json").read_bytes())["files"]
    reseal(tmp_path / "model", files=files | {"../secret": hashlib.sha256(b"secret").hexdigest()})
    with pytest.raises(UserError, match="plain names") as refusal:
        read_model(tmp_path / "model")
    told(refusal)
    write_toy(tmp_path / "model", assets={"one": b"12", "two": b"123"})
    monkeypatch.setattr(model_record, "MAX_ASSET_BYTES", 4)
    with pytest.raises(UserError, match="two: is larger"):
        read_model(tmp_path / "model")


def test_a_newer_major_version_is_refused(tmp_path: Path) -> None:
    write_toy(tmp_path)
    reseal(tmp_path, format_version="2.3")
    with pytest.raises(
        UserError, match=r"config.json: was made by a newer version .*2\.3.*; upgrade the toolkit"
    ) as refusal:
        read_model(tmp_path)
    told(refusal)


# ------------------------------------------------------------------------------------------------ kinds of models


@pytest.fixture
def toy_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_directory, "_BUILDERS", {})

    def build(stored: model_directory.StoredModel) -> Toy:
        toy = hollow(stored.config["vocabulary"], stored.config["size"])
        load_weights(toy, stored.tensors, source=stored.directory)
        return toy

    register("toy", build)


@pytest.mark.usefixtures("toy_kind")
def test_load_builds_by_kind(tmp_path: Path) -> None:
    toy = write_toy(tmp_path, dtype=torch.float16)
    loaded = load(tmp_path)
    assert loaded.readout.weight is loaded.embedding.weight
    assert loaded.readout.weight.dtype == torch.float32
    assert loaded.readout.weight.equal(toy.readout.weight.half().float())
    assert loaded.count == 3
    with pytest.raises(UserError, match=r"config.json: does not name the file merges") as refusal:
        read_model(tmp_path).asset("merges")
    told(refusal)


@pytest.mark.usefixtures("toy_kind")
def test_an_unknown_kind_names_the_known_ones(tmp_path: Path) -> None:
    write_toy(tmp_path, kind="captioner")
    with pytest.raises(UserError, match=r"kind 'captioner', which this command cannot use \(it uses: toy\)") as refusal:
        load(tmp_path)
    told(refusal)


@pytest.mark.usefixtures("toy_kind")
@pytest.mark.parametrize("key", ["size", "vocabulary"])
@pytest.mark.parametrize("size", ["large", None, 0, -1, 2**62, 2**80, [4], 1.5, 10**9])
def test_a_config_that_nothing_comes_of_is_the_files_fault(tmp_path: Path, key: str, size: Any) -> None:
    write_toy(tmp_path, config=CONFIG | {key: size})
    with pytest.raises(UserError, match=str(tmp_path)) as refusal:
        load(tmp_path)
    told(refusal)


# ------------------------------------------------------------------------------------------------------ weights


def test_a_weightless_module_costs_neither_memory_nor_imports() -> None:
    code = """
import sys
from torch import nn
from s2s.storage.weights import weightless
before = set(sys.modules)
with weightless():
    layers = [nn.Embedding(2**40, 2**10, padding_idx=0), nn.Linear(2**20, 2**30), nn.LSTM(8, 2**20)]
    for layer in layers:
        for parameter in layer.parameters():
            nn.init.normal_(parameter, std=0.1)
            nn.init.xavier_uniform_(parameter) if parameter.dim() > 1 else nn.init.zeros_(parameter)
    nn.init.orthogonal_(layers[1].weight)
assert all(parameter.is_meta for layer in layers for parameter in layer.parameters())
print(len(set(sys.modules) - before))
"""
    root = Path(__file__).resolve().parents[3]
    result = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert result.stderr == ""
    assert int(result.stdout) < 50


def test_weights_enter_a_module_that_has_memory_in_place() -> None:
    toy, given = Toy(), Toy().half().state_dict()
    parameter = toy.readout.weight
    load_weights(toy, given)
    assert toy.readout.weight is parameter is toy.embedding.weight
    assert parameter.dtype == torch.float32
    assert parameter.equal(given["readout.weight"].float())


def test_weights_from_a_file_outlive_it(tmp_path: Path) -> None:
    toy = write_toy(tmp_path)
    built = hollow()
    built.embedding.requires_grad_(False)
    load_weights(built, read_model(tmp_path).tensors)
    wipe(tmp_path / "model.safetensors")
    assert built.embedding.weight.equal(toy.embedding.weight)
    assert not built.readout.weight.requires_grad


def test_one_of_tied_weights_will_do_and_two_must_agree() -> None:
    for left_out in ("embedding.weight", "readout.weight"):
        given = Toy().state_dict()
        del given[left_out]
        for toy in (Toy(), hollow()):
            load_weights(toy, given)
            assert toy.readout.weight is toy.embedding.weight
            assert not toy.readout.weight.is_meta
    with pytest.raises(
        UserError, match=r"^the weights: embedding\.weight and readout\.weight differ, but this model ties"
    ):
        load_weights(Toy(), Toy(tied=False).state_dict())
    load_weights(Toy(tied=False), Toy().state_dict())


def test_weights_of_another_shape_are_refused_before_anything_is_allocated() -> None:
    petabytes = hollow(2**40, 2**10)
    with pytest.raises(UserError) as refusal:
        load_weights(petabytes, Toy().state_dict(), source="run/best")
    assert told(refusal).startswith(
        "run/best: does not fit this model: embedding.weight is 6 x 4 but 1099511627776 x 1024 here, "
    )
    assert "vocabulary sizes 6 and 1099511627776" in str(refusal.value)


def test_weights_that_are_tied_are_told_of_once() -> None:
    toy = Toy()
    toy.source = toy.embedding
    given = {name: torch.zeros(8, 4) if name.endswith(".weight") else own for name, own in toy.state_dict().items()}
    with pytest.raises(UserError) as refusal:
        load_weights(toy, given)
    assert told(refusal).count("is 8 x 4 but 6 x 4 here") == 1
    assert told(refusal).count("vocabulary sizes 8 and 6") == 1


def test_missing_and_unexpected_weights_are_named_and_nothing_is_changed() -> None:
    toy, given = Toy(), Toy().state_dict()
    before = {name: tensor.clone() for name, tensor in toy.state_dict().items()}
    given["bridge\n.weight"] = given.pop("readout.bias")
    given |= {f"layer.{number}": torch.zeros(1) for number in range(5)}
    with pytest.raises(
        UserError, match=r"missing readout\.bias; unexpected bridge \.weight, layer\.0, layer\.1 and 3 m"
    ):
        load_weights(toy, given)
    with pytest.raises(UserError, match=r"readout\.bias is 6 \(integers\) but 6 here"):
        load_weights(toy, Toy().state_dict() | {"readout.bias": torch.ones(6, dtype=torch.int64)})
    assert same(toy.state_dict(), before)


def test_the_average_of_weights() -> None:
    states = [Toy().state_dict() for _ in range(3)]
    states[2]["count"] = torch.tensor(9)
    mean = average_weights(states)
    expected = torch.stack([state["readout.bias"].double() for state in states]).mean(0).float()
    assert mean["readout.bias"].equal(expected)
    assert mean["readout.weight"] is mean["embedding.weight"]
    assert mean["count"] == 9
    assert same(average_weights([states[0]]), states[0])
    untied = Toy(tied=False).state_dict()
    mixed = average_weights([untied, states[0]])
    assert mixed["readout.weight"].equal((untied["readout.weight"] + states[0]["readout.weight"]) / 2)
    halves = average_weights([{"a": torch.tensor([60_000.0]).half()}] * 3)
    assert (halves["a"].dtype, halves["a"].item()) == (torch.float32, 60_000)


def test_only_like_weights_are_averaged() -> None:
    with pytest.raises(UserError, match="no weights to average"):
        average_weights([])
    with pytest.raises(UserError, match=r"they differ in readout\.bias; ") as refusal:
        average_weights(
            [{name: t for name, t in Toy().state_dict().items() if name != "readout.bias"}, Toy().state_dict()]
        )
    told(refusal)
    with pytest.raises(UserError, match=r"they differ in embedding\.weight, readout\.weight, readout\.bias"):
        average_weights([Toy(7).state_dict(), Toy().state_dict()])


# ------------------------------------------------------------------------------------------------- training state


def test_a_state_comes_back_bit_for_bit_in_memory_of_its_own(tmp_path: Path) -> None:
    tensors = {**Toy().state_dict(), "generator": torch.get_rng_state(), "step": torch.tensor(3.0)}
    record = {"seed": 2**63 + 1, "loss": 0.1 + 0.2, "best": float("-inf"), "nested": {"list": [1, None, "ü"]}}
    write_state(tmp_path / "last", tensors, record)
    found, read_record = read_state(tmp_path / "last")
    assert read_record == record
    assert same(found, tensors)
    assert found["readout.weight"] is found["embedding.weight"]
    wipe(tmp_path / "last" / "state.safetensors")
    assert same(found, tensors)


def test_a_state_that_is_missing_or_something_else(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"state\.json: is missing") as refusal:
        read_state(tmp_path)
    told(refusal)
    for record in ({}, {"record": 3, "tied": {}, "files": {}}, {"record": {}, "tied": [], "files": {}}):
        (tmp_path / "state.json").write_bytes(seal(record))
        with pytest.raises(UserError, match=r"state\.json: is not the record of a training state"):
            read_state(tmp_path)


# ----------------------------------------------------------------------------------------------------------- kills


def killed_at(moment: int, action: Callable[[], object]) -> bool:
    """Run `action` in a child that is killed as it turns to the file system for the nth time; False if it never did."""
    child = os.fork()
    if child == 0:
        seen = 0

        def kill(event: str, _: object) -> None:
            nonlocal seen
            seen += event == "open" or event.startswith(("os.", "shutil."))
            if seen == moment:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(kill)
            action()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_kill_at_any_moment_leaves_the_old_model_or_the_new_one(tmp_path: Path) -> None:
    versions = [{name: torch.full_like(t, n) for name, t in Toy().state_dict().items()} for n in (0, 1)]

    def write(version: int) -> None:
        write_model(tmp_path / "best", kind="toy", config={"version": version}, tensors=versions[version])

    write(0)
    moment, outcomes = 1, []
    while killed_at(moment, lambda: write(1)):
        stored = read_model(tmp_path / "best")
        assert same(stored.tensors, versions[stored.config["version"]])
        outcomes.append(stored.config["version"])
        write(0)  # a killed write is no hindrance to the next
        assert [path.name for path in tmp_path.iterdir()] == ["best"]
        moment += 1
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {0, 1}


def test_a_kill_at_any_moment_leaves_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    def write(step: int) -> None:
        write_state(tmp_path / "last", {"weight": torch.full((3,), float(step))}, {"step": step})

    write(0)
    moment, last = 1, 0
    while killed_at(moment, functools.partial(write, last + 1)):
        tensors, record = read_state(tmp_path / "last")
        assert record["step"] in (last, last + 1)
        assert tensors["weight"].tolist() == [record["step"]] * 3
        moment, last = moment + 1, record["step"]
    assert moment > 5
    assert last > 0


def test_a_model_can_be_read_while_it_is_replaced(tmp_path: Path) -> None:
    def write(version: int) -> None:
        tensors = {"weight": torch.full((64,), float(version))}
        write_model(tmp_path, kind="toy", config={"version": version}, tensors=tensors, assets={"v": b"%d" % version})

    write(0)
    child = os.fork()
    if child == 0:
        try:
            for version in range(1, 10**6):
                write(version)
        finally:
            os._exit(1)
    try:
        versions, began = set(), time.monotonic()
        # For a second, and on a busy machine until the writer had its turn.
        while time.monotonic() < began + 1 or (len(versions) < 2 and time.monotonic() < began + 60):
            stored = read_model(tmp_path)
            version = stored.config["version"]
            assert (stored.tensors["weight"] == version).all()
            assert stored.asset("v") == b"%d" % version
            versions.add(version)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert len(versions) > 1

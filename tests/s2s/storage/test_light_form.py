"""The light form of a model is read without its tensors, and only if every file of it is what was written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from s2s.errors import UserError
from s2s.storage.light_form import LIGHT_VERSION, has_light, read_light, write_light
from s2s.storage.model_directory import read_model, write_asset, write_model
from s2s.storage.model_record import CONFIG, WEIGHTS
from s2s.storage.verified import seal, unseal

GRAPHS = {"encoder.onnx": b"an encoder", "step.onnx": b"a step", "light.weights": bytes(64)}


def record_light(directory: Path, light: object) -> None:
    record = unseal(directory / CONFIG)
    if isinstance(light, dict):
        light = {"weights": record["files"][WEIGHTS], **light}
    (directory / CONFIG).write_bytes(seal({**record, "light": light}))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    write_model(
        directory, kind="toy", config={"size": 4}, tensors={"weight": torch.ones(2)}, assets={"vocabulary": b"a\n"}
    )
    for name, data in GRAPHS.items():
        (directory / name).write_bytes(data)
    record_light(directory, light())
    return directory


def light(**changes: Any) -> dict[str, Any]:
    files = {name: hashlib.sha256(data).hexdigest() for name, data in GRAPHS.items()}
    return {"version": LIGHT_VERSION, "precision": "int8", "files": files, "grid": [7, 6]} | changes


def told(directory: Path, kind: str = "toy") -> str:
    with pytest.raises(UserError) as refusal:
        read_light(directory, kind)
    message = str(refusal.value)
    assert message.isprintable()
    assert "; " in message
    return message


def test_a_light_form_is_read_without_the_tensors(model: Path) -> None:
    (model / WEIGHTS).unlink()
    found = read_light(model, "toy")
    assert (found.precision, found.grid) == ("int8", (7, 6))
    assert {name: found.file(name).read_bytes() for name in GRAPHS} == GRAPHS
    assert found.record.config == {"size": 4}
    assert found.record.asset("vocabulary") == b"a\n"
    assert has_light(model)
    with pytest.raises(UserError, match=r"model\.safetensors: is missing: .* only the light form of the model"):
        read_model(model)
    with pytest.raises(UserError, match=r"does not name the file loop\.onnx in 'light'"):
        found.file("loop.onnx")


def test_a_model_without_a_light_form_says_how_to_make_one(model: Path) -> None:
    record = unseal(model / CONFIG)
    del record["light"]
    (model / CONFIG).write_bytes(seal(record))
    assert not has_light(model)
    assert "has no light form; make it with `s2s export" in told(model)
    (model / WEIGHTS).unlink()
    with pytest.raises(UserError, match=r"model\.safetensors: is missing; replace it"):
        read_model(model)


def test_a_damaged_or_missing_file_is_named(model: Path) -> None:
    (model / "step.onnx").write_bytes(b"A step")
    assert "step.onnx: is damaged" in told(model)
    (model / "step.onnx").unlink()
    assert "step.onnx: is missing" in told(model)
    assert read_model(model).tensors["weight"].sum() == 2  # the other form does not need it


def test_another_kind_or_version_is_refused(model: Path) -> None:
    assert "holds a model of kind 'toy', which this command cannot use (it uses: odd)" in told(model, "odd")
    record_light(model, light(version=LIGHT_VERSION + 1))
    assert f"its light form has version {LIGHT_VERSION + 1}" in told(model)
    assert not has_light(model)


@pytest.mark.parametrize(
    "changes",
    [
        {"precision": "int4"},
        {"precision": ["int8"]},
        {"files": ["step.onnx"]},
        {"files": {"../step.onnx": "x"}},
        {"files": {"model.safetensors": "x"}},
        {"files": {"step.onnx": None}},
        {"grid": [7]},
        {"grid": [0, 7]},
        {"grid": [7, 10**9]},
        {"grid": ["7", "7"]},
        {"grid": "7"},
    ],
)
def test_a_strangers_light_form_is_refused(model: Path, changes: dict[str, Any]) -> None:
    record_light(model, light(**changes))
    told(model)


def test_light_must_be_an_object(model: Path) -> None:
    record_light(model, 3)
    assert "'light' must be an object" in told(model)


def test_an_added_asset_leaves_the_light_form_as_it_is_and_a_new_model_has_none(model: Path) -> None:
    before = json.loads((model / CONFIG).read_bytes())["light"]
    write_asset(model, "confidence.json", b"{}")
    assert read_light(model, "toy").record.asset("confidence.json") == b"{}"
    assert json.loads((model / CONFIG).read_bytes())["light"] == before
    write_model(model, kind="toy", config={}, tensors={"weight": torch.zeros(2)})
    assert not has_light(model)


def test_a_light_form_of_other_weights_is_not_run(model: Path) -> None:
    record_light(model, light(weights=hashlib.sha256(b"others").hexdigest()))
    assert not has_light(model)
    assert "its light form was made from other weights" in told(model)


def test_a_light_form_is_added_and_replaces_the_former_one(model: Path) -> None:
    (model / "README.md").write_text("kept")
    seen = list[Path]()
    files = {"encoder.onnx": b"another encoder", "all.weights": bytes(8)}
    write_light(model, model, files, precision="float16", grid=None, verify=seen.append)
    found = read_light(model, "toy")
    assert (found.precision, found.grid) == ("float16", None)
    assert {name: path.read_bytes() for name, path in found.files.items()} == files
    assert sorted(path.name for path in model.iterdir()) == sorted(["README.md", CONFIG, WEIGHTS, "vocabulary", *files])
    assert read_model(model).tensors["weight"].tolist() == [1, 1]
    assert len(seen) == 1


def test_another_directory_gets_what_the_light_form_needs(model: Path, tmp_path: Path) -> None:
    write_light(model, tmp_path / "light", GRAPHS, precision="int8", grid=(2, 3), verify=lambda folder: None)
    found = read_light(tmp_path / "light", "toy")
    assert (found.grid, found.record.assets) == ((2, 3), {"vocabulary": b"a\n"})
    assert not (tmp_path / "light" / WEIGHTS).exists()


def test_what_is_not_verified_is_not_written(model: Path) -> None:
    def refuse(folder: Path) -> None:
        assert read_light(folder, "toy").precision == "float32"
        raise UserError("it differs")

    before = {path.name: path.read_bytes() for path in model.iterdir()}
    with pytest.raises(UserError, match="it differs"):
        write_light(model, model, GRAPHS, precision="float32", grid=None, verify=refuse)
    assert {path.name: path.read_bytes() for path in model.iterdir()} == before

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from s2s.cli import command
from s2s.runtime.engine_options import EngineOptions
from serving.loading import load_models
from serving.serve import serve


def failure(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The message of a command that fails."""
    assert command.run(serve, list(map(str, arguments))) == 2
    return capsys.readouterr().err


def test_wrong_arguments_are_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "is not a port" in failure(capsys, "--port", "70000")
    assert "no such directory" in failure(capsys, "--port", "0", "--model", tmp_path / "none")
    empty = tmp_path / "keys"
    empty.write_text("\n")
    assert "holds no key" in failure(capsys, "--key-file", empty)
    assert "keys.txt" in failure(capsys, "--key-file", tmp_path / "keys.txt")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        message = failure(capsys, "--port", str(port))
    assert message.startswith(f"error: --host 127.0.0.1 --port {port}: ")
    assert message.endswith("choose another address or port\n")


def test_a_model_that_is_not_served_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, tiny_model: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"kind": "labelling"}')
    assert "of the kind labelling" in failure(capsys, "--port", "0", "--model", other)
    (other / "config.json").write_text("{")
    assert "is not the configuration of a model" in failure(capsys, "--port", "0", "--model", other)
    twice = failure(capsys, "--port", "0", "--model", tiny_model, "--model", tiny_model)
    assert "translates en to de, as tiny does" in twice


def test_a_model_is_loaded_with_all_its_alternatives(tiny_model: Path) -> None:
    models = load_models([str(tiny_model)], EngineOptions(precision="float32"), beam=4)
    (found,) = models.translating
    assert (models.names, found.source, found.target) == (["tiny"], "en", "de")
    assert len(found.translator.translate(["A man in a red hat"])[0].n_best) > 1


def test_without_names_the_models_are_those_that_commands_use_by_default() -> None:
    models = load_models([], EngineOptions(engine="onnx"), beam=1)
    assert models.names == ["en-de", "de-en", "en-fr", "everyday"]


def test_without_the_extra_the_command_says_how_to_install_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)  # as if it were not installed
    assert 'pip install "s2s-attention[server]"' in failure(capsys, "--port", "0")

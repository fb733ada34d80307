"""What all tests share."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

# torch reads this when it is first imported, here and in the commands that tests start. The tensors of tests are so
# small that several threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Compiled operators are made once for all tests, those in other processes too, and not kept in the home folder.
_extensions = tempfile.TemporaryDirectory(prefix="extensions-")
os.environ.setdefault("TORCH_EXTENSIONS_DIR", _extensions.name)

# Property tests have no deadline: on a busy machine it fails tests that have nothing wrong.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Choose how many processes run the tests: one a core, at most 4; for single files the one that is here already."""
    single = all(Path(argument.split("::")[0]).suffix == ".py" for argument in config.args)
    cores = min(os.cpu_count() or 1, 4)
    return 0 if single or cores == 1 else cores


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Ctrl-C as in a terminal: what a shell starts in its background has SIGINT ignored, and children inherit that."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of research data that `S2S_DATA` names; without it the test is skipped."""
    folder = os.environ.get("S2S_DATA")
    if not folder:
        pytest.skip("S2S_DATA does not name the folder of shared data")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"S2S_DATA names {path}, which is not a folder")
    return path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the model of translation_fixtures."""
    from translation_fixtures import tiny_model

    directory = tmp_path_factory.mktemp("models") / "tiny"
    tiny_model().save(directory, {})
    return directory


@pytest.fixture(name="run")
def run_translate(
    tiny_model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Run `translate` in this process, with the tiny model in float32: exit code, output, errors."""
    from s2s.cli import command
    from translation import translate

    monkeypatch.setattr("sys.argv", ["translate"])

    def _run(*arguments: str | Path) -> tuple[int, str, str]:
        options = ["--model", str(tiny_model), "--precision", "float32", "--beam", "3"]
        code = command.run(translate.translate, [*options, *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run

"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# torch reads this when it is first imported, here and in the commands that tests start. The tensors of tests are so
# small that several threads only wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


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
    """The directory of a translation model of a few thousand random weights, with subwords of a few English lines.

    It writes nonsense, of other words for other lines; it was "trained" on sources of at most 30 tokens.
    """
    import torch

    from s2s.decoder import DecoderConfig
    from s2s.vocabulary import END, train_subwords
    from translation.encoder import EncoderConfig
    from translation.model import TranslationConfig, TranslationModel

    lines = ["A man in a red hat is sleeping in the park .", "Two dogs play with a ball in the snow !"]
    vocabulary = train_subwords(lines, 60)
    shape = TranslationConfig(
        source_language="en",
        target_language="de",
        vocabulary_kind="bpe",
        joint_vocabulary=True,
        tie_embeddings=True,
        max_source_length=30,
        length_ratio=1.0,
        encoder=EncoderConfig(dim=8),
        decoder=DecoderConfig(embedding_dim=8, dim=16, attention_dim=8),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model = TranslationModel.fresh(shape, vocabulary, vocabulary)
        with torch.no_grad():
            for parameter in model.network.parameters():
                parameter.normal_()
            model.network.decoder.projection.bias[END] += 2  # as it is, a random model hardly ever ends
    directory = tmp_path_factory.mktemp("models") / "tiny"
    model.save(directory, {})
    return directory


@pytest.fixture(name="run")
def run_translate(tiny_model: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run `translate` in this process, with the tiny model in float32: exit code, output, errors."""
    from s2s import command
    from translation import translate

    def _run(*arguments: str | Path) -> tuple[int, str, str]:
        options = ["--model", str(tiny_model), "--precision", "float32", "--beam", "3"]
        code = command.run(translate.translate, [*options, *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run

"""Loading: the options that choose a language model, and the directory of the model that they name."""

from __future__ import annotations

from pathlib import Path

from language_model.configuration import KIND
from s2s.cli.arguments import Parser, add_device, add_threads
from s2s.errors import check
from s2s.storage.bundled import bundled_models, find_model

MODELS = Path(__file__).resolve().parent / "models"


def add_model(parser: Parser) -> None:
    """Add `--model`."""
    parser.add_argument(
        "--model",
        type=Path,
        metavar="DIR",
        help="a model directory, such as RUN/best, or the name of a bundled model (default: the first bundled one)",
    )


def add_scoring_machine(parser: Parser) -> None:
    """Add the options of the machine for commands that score a text, which only PyTorch does."""
    group = parser.add_argument_group("machine")
    add_device(group)
    group.add_argument(
        "--precision",
        choices=["float32", "bfloat16"],
        default="float32",
        help="precision of matrix products (default: float32)",
    )
    add_threads(group)


def model_directory(model: Path | None) -> Path:
    """Return the directory of a model, which is named by its path or by its name among the bundled models.

    None is the first bundled one.
    """
    if model is not None:
        return find_model(model, KIND, MODELS)
    found = bundled_models(KIND, MODELS)
    check(found, "no language model is bundled with this installation; name one with --model, or train one")
    return found[0].directory

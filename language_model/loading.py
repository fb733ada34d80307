"""Loading: from the names on the command line to a model."""

from __future__ import annotations

from pathlib import Path

from language_model.configuration import KIND
from s2s.errors import check
from s2s.storage.bundled import bundled_models, find_model

MODELS = Path(__file__).resolve().parent / "models"


def model_directory(model: Path | None) -> Path:
    """Return the directory of a model, which is named by its path or by its name among the bundled models.

    None is the first bundled one.
    """
    if model is not None:
        return find_model(model, KIND, MODELS)
    found = bundled_models(KIND, MODELS)
    check(found, "no language model is bundled with this installation; name one with --model, or train one")
    return found[0].directory

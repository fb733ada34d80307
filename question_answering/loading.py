"""Loading: from a name to the engine of an answerer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from question_answering.configuration import KIND
from s2s.errors import UserError
from s2s.runtime.engine_options import EngineName, EngineOptions
from s2s.storage.bundled import bundled_models, find_model

if TYPE_CHECKING:
    from question_answering.engine import AnsweringEngine
    from s2s.nn.configuration import DecodingPrecision, Precision
    from s2s.storage.light_form import LightModel

MODELS = Path(__file__).resolve().parent / "models"


def answerer_directory(model: Path | str | None) -> Path:
    """Return the directory of a model, named by its path or as a bundled model; None is the first bundled one."""
    if model is not None:
        return find_model(model, KIND, MODELS)
    bundled = bundled_models(KIND, MODELS)
    if not bundled:
        raise UserError(f"no {KIND} is bundled with this installation: choose one with --model, or train one")
    return bundled[0].directory


def load_engine(
    model: Path | str | None,
    *,
    engine: EngineName = "auto",
    device: str = "auto",
    precision: DecodingPrecision = "auto",
    threads: int | None = None,
) -> AnsweringEngine:
    """Load a model by the engine that the options choose (see `EngineOptions`).

    Raises:
        UserError: there is no such model, or the engine cannot run it.
    """
    options = EngineOptions(engine, device, precision, threads)
    return options.load(answerer_directory(model), KIND, _light, _torch)


def _light(form: LightModel, threads: int) -> AnsweringEngine:
    from question_answering.light import light_engine

    return light_engine(form, threads)


def _torch(directory: Path, device: str, precision: DecodingPrecision, threads: int | None) -> AnsweringEngine:
    from question_answering.torch_engine import torch_engine

    chosen = cast("Precision", "float32" if precision == "int8" else precision)
    return torch_engine(directory, device, chosen, threads)

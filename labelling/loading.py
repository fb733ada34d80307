"""Loading: from a name to the engine of a classifier or tagger."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from s2s.errors import UserError
from s2s.runtime.engine_options import EngineName, EngineOptions
from s2s.storage.bundled import bundled_models, find_model

if TYPE_CHECKING:
    from labelling.engine import LabellingEngine
    from s2s.nn.configuration import DecodingPrecision, Precision
    from s2s.storage.light_form import LightModel

MODELS = Path(__file__).resolve().parent / "models"  # a folder for each kind


def model_directory(model: Path | str | None, kind: str) -> Path:
    """Return the directory of a model, named by its path or as a bundled model; None is the first bundled one."""
    if model is not None:
        return find_model(model, kind, MODELS / kind)
    bundled = bundled_models(kind, MODELS / kind)
    if not bundled:
        raise UserError(f"no {kind} is bundled with this installation: choose one with --model, or train one")
    return bundled[0].directory


def load_engine(
    model: Path | str | None,
    kind: str,
    *,
    engine: EngineName = "auto",
    device: str = "auto",
    precision: DecodingPrecision = "auto",
    threads: int | None = None,
) -> LabellingEngine:
    """Load a model of a kind by the engine that the options choose (see `EngineOptions`).

    Raises:
        UserError: there is no such model, or the engine cannot run it.
    """
    options = EngineOptions(engine, device, precision, threads)
    return options.load(model_directory(model, kind), kind, _light, partial(_torch, kind))


def _light(form: LightModel, threads: int) -> LabellingEngine:
    from labelling.light import light_engine

    return light_engine(form, threads)


def _torch(
    kind: str, directory: Path, device: str, precision: DecodingPrecision, threads: int | None
) -> LabellingEngine:
    from labelling.torch_engine import torch_engine

    chosen = cast("Precision", "float32" if precision == "int8" else precision)
    return torch_engine(directory, kind, device, chosen, threads)

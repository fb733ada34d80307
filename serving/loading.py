"""Load the models that a server offers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from s2s.errors import UserError, check
from s2s.files import current_version
from s2s.runtime.engine_options import EngineOptions
from s2s.storage.bundled import bundled_models, find_model

if TYPE_CHECKING:
    from captioning.captioner import Captioner
    from translation.translator import Translator

_KINDS = ("translation", "captioning")


@dataclass(frozen=True)
class Translating:
    """A translator that the server offers.

    Attributes:
        name: of its model, for people
        source, target: codes of its languages
    """

    name: str
    source: str
    target: str
    translator: Translator


@dataclass(frozen=True)
class Captioning:
    """A captioner that the server offers; `name` is that of its model."""

    name: str
    captioner: Captioner


@dataclass(frozen=True)
class Models:
    """All models that a server offers: at most one translator a direction, and at most one captioner."""

    translating: tuple[Translating, ...] = ()
    captioning: Captioning | None = None

    @property
    def names(self) -> list[str]:
        """The names of all models."""
        return [each.name for each in (*self.translating, *filter(None, (self.captioning,)))]


def load_models(names: Sequence[str], engine: EngineOptions, beam: int) -> Models:
    """Load models.

    Args:
        names: model directories, or names of bundled models; without any, the bundled models that `translate` and
            `caption` use by default, one for each direction of translation
        engine: what computes
        beam: width of the search, which is also the most translations or captions of one input

    Raises:
        UserError: a model is missing, damaged, of a kind that is not served, or does what another one does already.
    """
    directories = [find_model(name) for name in names] or _defaults()
    check(directories, "no models are bundled with this installation; choose one with --model")
    translating: dict[tuple[str, str], Translating] = {}
    captioning: Captioning | None = None
    for directory in directories:
        if _kind(directory) == "captioning":
            check(captioning is None, f"{directory}: is the second captioner; a server offers one, leave the other out")
            captioning = _captioning(directory, engine, beam)
            continue
        loaded = _translating(directory, engine, beam)
        pair = (loaded.source, loaded.target)
        first = translating.setdefault(pair, loaded)
        check(
            first is loaded,
            f"{directory}: translates {' to '.join(pair)}, as {first.name} does; leave one of them out",
        )
    return Models(tuple(translating.values()), captioning)


def _defaults() -> list[Path]:
    """The bundled models that the commands use by default; the first direction is what a page opens with."""
    from captioning.captioner import DEFAULT_MODEL as CAPTIONER
    from translation.loading import names_direction
    from translation.translator import DEFAULT_MODEL as TRANSLATOR

    models = bundled_models()
    translators = [each for each in models if each.kind == "translation" and names_direction(each.name)]
    translators.sort(key=lambda model: model.name != TRANSLATOR)
    captioners = [each for each in models if (each.kind, each.name) == ("captioning", CAPTIONER)]
    return [each.directory for each in (*translators, *captioners)]


def _kind(directory: Path) -> str:
    path = current_version(directory) / "config.json"
    try:
        kind = json.loads(path.read_bytes())["kind"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path}: is not the configuration of a model; name the directory of a trained model"
        ) from error
    check(kind in _KINDS, f"{directory}: is a model of the kind {kind}; a server offers {' and '.join(_KINDS)}")
    return kind


def _translating(directory: Path, engine: EngineOptions, beam: int) -> Translating:
    from s2s.decoding.search import BeamOptions
    from translation.translator import Translator

    options = BeamOptions(beam, n_best=beam, stop_early=True)
    translator = Translator.load(directory, options, **vars(engine))
    config = translator.engine.config
    return Translating(directory.name, config.source_language, config.target_language, translator)


def _captioning(directory: Path, engine: EngineOptions, beam: int) -> Captioning:
    from captioning.captioner import Captioner
    from s2s.decoding.search import BeamOptions

    options = BeamOptions(beam, n_best=beam, minimum_length=1)
    return Captioning(directory.name, Captioner.load(directory, options, **vars(engine)))

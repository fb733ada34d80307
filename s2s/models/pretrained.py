"""The encoders of trained models, of whatever kind, for other models to begin with or to look through."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from s2s.errors import check
from s2s.models.image_encoder import ImageEncoder, ProjectedCells
from s2s.models.text_encoder import TextEncoder
from s2s.storage.bundled import find_model
from s2s.storage.model_directory import import_kind, load
from s2s.storage.model_record import read_record, read_whole
from s2s.text.vocabulary import Vocabulary
from s2s.vision.backbones import Backbone
from s2s.vision.images import Preprocessing


@runtime_checkable
class ReadsText(Protocol):
    """A whole model that reads text, such as a translator."""

    @property
    def text_encoder(self) -> TextEncoder:
        """What reads it."""
        ...

    @property
    def source(self) -> Vocabulary:
        """The vocabulary of what it reads."""
        ...


def load_reader(model: Path | str) -> ReadsText:
    """Load a model that reads text: a model directory, or a bundled model by its name.

    Raises:
        UserError: there is no such model, it is damaged, or it has no recurrent text encoder.
    """
    directory = find_model(model)
    import_kind(read_whole(directory, read_record))
    found = load(directory)
    check(
        isinstance(found, ReadsText),
        f"{directory}: has no text encoder to begin with; name a translator, such as en-de",
    )
    check(
        isinstance(found.text_encoder, TextEncoder),
        f"{directory}: its encoder is a Transformer, and a labeller begins with a recurrent one; name a translator "
        "with encoder.kind = 'recurrent', such as en-de",
    )
    return found


@runtime_checkable
class SeesPictures(Protocol):
    """A whole model that looks at pictures, such as a captioner."""

    @property
    def encoder(self) -> ImageEncoder:
        """What looks at them."""
        ...

    @property
    def preprocessing(self) -> Preprocessing:
        """How a photograph becomes its square."""
        ...


def load_eyes(model: Path | str) -> tuple[Backbone, Preprocessing]:
    """Load the picture encoder of a model: its CNN with its grid encoder as a last stage, and its preprocessing.

    Args:
        model: a model directory, or a bundled model by its name

    Raises:
        UserError: there is no such model, it is damaged, or it has no picture encoder.
    """
    directory = find_model(model)
    import_kind(read_whole(directory, read_record))
    found = load(directory)
    check(
        isinstance(found, SeesPictures),
        f"{directory}: has no picture encoder; name a captioner, such as everyday",
    )
    grid = found.encoder.grid
    return found.encoder.backbone.extended(ProjectedCells(grid), grid.output_dim).eval(), found.preprocessing

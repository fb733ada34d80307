"""The bundled captioner whose picture encoder an answerer shares."""

from __future__ import annotations

from pathlib import Path

from question_answering.configuration import SharedPictureConfig
from s2s.errors import UserError, check
from s2s.storage.bundled import find_model
from s2s.storage.model_record import read_record, read_whole

CAPTIONING = "captioning"  # the kind of models that are shared


def shared_captioner(picture: SharedPictureConfig, answerer: Path) -> Path:
    """The directory of the captioner that an answerer looks through.

    Raises:
        UserError: there is no such captioner, or it is not the one that the answerer was trained with.
    """
    try:
        directory = find_model(picture.model, CAPTIONING)
    except UserError as error:
        raise UserError(f"{answerer}: looks at pictures with the captioner {picture.model}: {error}") from error
    check(
        read_whole(directory, read_record).checksum == picture.weights,
        f"{answerer}: looks at pictures with the captioner {picture.model}, but {directory} has other weights than in "
        "training; train the answerer again, or install the version of the toolkit that it came with",
    )
    return directory


def is_bundled(model: Path) -> bool:
    """Whether this is the name of a bundled captioner, not the path of a directory."""
    return not model.is_dir() and len(model.parts) == 1

"""Calibration: fit the confidence of a captioning model on validation pictures, and store it in the model directory.

A caption is acceptable if its CIDEr-D against the picture's references is at least `ACCEPTABLE`. Each validation
picture is captioned twice, as it is and spoiled (captioning/spoiling.py), with the search that a user of `caption`
gets. What the training pictures look like is learned before (captioning/familiarity.py). The training of a model does
this as its last step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PIL import Image

from captioning import familiarity
from captioning.captioner import BATCH, Captioner
from captioning.familiarity import Familiarity
from captioning.metrics.cider import CiderD
from captioning.prepare import Example
from captioning.spoiling import spoiled
from s2s.decoding import confidence
from s2s.decoding.calibrating import Fit, fit
from s2s.errors import UserError, check, warn
from s2s.storage.model_directory import write_asset
from s2s.vision.images import ImageError, Picture, Preprocessing, read_image

ACCEPTABLE = 30.0  # of the bundled model's captions of Flickr8k's validation pictures 62 % are; of COCO's 41 %
MEANING = f"CIDEr-D of at least {ACCEPTABLE:g}"
DOUBTFUL_SHARE = 0.01  # of ordinary pictures, at most: on others it varies, and warnings on ordinary ones are ignored
MOST_TRAINING, MOST_VALIDATION = 6000, 2000  # pictures; more make the fit hardly better, but take longer
_SEED = 1


@dataclass(frozen=True)
class _View:
    """A picture as the CNN sees it, the number of its example, and whether its references may describe it."""

    picture: Picture
    number: int
    described: bool


def calibrate_model(
    directory: Path, train: Sequence[Example] | None, validation: Sequence[Example], *, device: str = "auto"
) -> Fit:
    """Fit the confidence of the model in `directory`, and store it there.

    Args:
        directory: of the model
        train: the pictures that it was trained on; None to keep what is stored of them
        validation: pictures that it was not trained on
        device: to caption on

    Raises:
        UserError: the model cannot be loaded or written, or nothing can be learned from the pictures.
    """
    captioner = Captioner.load(directory, engine="torch", device=device)
    known = learn_familiarity(captioner, train) if train else captioner.engine.familiarity
    check(known, f"{directory}: nothing in it describes the training pictures; name them with --train")
    assert known is not None
    captioner.engine = replace(captioner.engine, familiarity=known)
    found = fit_confidence(captioner, validation)
    write_asset(directory, familiarity.FILE, known.to_bytes())
    write_asset(directory, confidence.FILE, found.calibration.to_json())
    return found


def calibrate_trained(directory: Path, train: Sequence[Example], validation: Sequence[Example], device: str) -> None:
    """Calibrate a model at the end of its training, unless it is calibrated already; a failure is only a warning."""
    if (directory / confidence.FILE).exists():  # the training had ended before
        return
    try:
        calibrate_model(directory, train, validation, device=device)
    except UserError as error:
        warn(f"{directory}: its confidence was not calibrated; `caption` will not tell doubtful captions: {error}")


def learn_familiarity(captioner: Captioner, train: Sequence[Example]) -> Familiarity:
    """Learn what training pictures look like; of `MOST_TRAINING` pictures, evenly spaced, if there are more."""
    used, summaries = [], []
    examples = train[:: -(-len(train) // MOST_TRAINING)]
    for batch in _batches(captioner, examples, odd=False):
        used += [examples[view.number] for view in batch]
        summaries.append(captioner.summaries([view.picture for view in batch]))
    return familiarity.learn(summaries, [captioner.engine.vocabulary.encode_all(each.captions) for each in used])


def fit_confidence(captioner: Captioner, validation: Sequence[Example]) -> Fit:
    """Fit the confidence of a captioner whose model is familiar with its training pictures.

    Of `MOST_VALIDATION` pictures, evenly spaced, if there are more.
    """
    examples = validation[:: -(-len(validation) // MOST_VALIDATION)]
    words = captioner.engine.config.writing.metric_words
    score = CiderD([[words(caption) for caption in each.captions] for each in examples]).score
    features, acceptable, ordinary, groups = [], list[bool](), list[bool](), list[int]()
    for odd in (False, True):
        for batch in _batches(captioner, examples, odd=odd):
            captions = captioner.with_features([view.picture for view in batch])
            for view, (caption, its_features) in zip(batch, captions):
                features.append(its_features)
                good = 100 * score(view.number, words(caption)) >= ACCEPTABLE
                acceptable.append(view.described and good)
                ordinary.append(not odd)
                groups.append(view.number)
    return fit(features, acceptable, meaning=MEANING, ordinary=ordinary, groups=groups, most_doubtful=DOUBTFUL_SHARE)


def _batches(captioner: Captioner, examples: Sequence[Example], *, odd: bool) -> Iterator[list[_View]]:
    """The readable pictures of examples in batches, as they are or spoiled."""
    view = partial(_view, captioner.engine.config.preprocessing, odd)
    with ThreadPoolExecutor(thread_name_prefix="pictures") as pool:
        for first in range(0, len(examples), BATCH):
            numbers = range(first, min(first + BATCH, len(examples)))
            batch = [each for each in pool.map(view, numbers, examples[first : first + BATCH]) if each]
            if batch:
                yield batch


def _view(preprocessing: Preprocessing, odd: bool, number: int, example: Example) -> _View | None:
    """None for a picture that cannot be read, which the training reported."""
    try:
        image: Image.Image = read_image(example.picture.path)
    except ImageError:
        return None
    described = True
    if odd:
        image, described = spoiled(image, number, _SEED)
    return _View(preprocessing.apply(image), number, described)

"""What a captioning recipe leaves out: the shape of the model in `start`, and what depends on the number of captions.

The defaults of a recipe are made for some thousand captions. Twenty would be one batch, and all steps warm-up. So for
few captions batches are smaller, and epochs more, for `STEPS` steps at least; a tenth of all steps is warm-up.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from captioning.caption_files import read_entries
from captioning.configuration import KIND, CaptioningConfig
from captioning.recipe import Recipe
from s2s.cli.start import fill_shape
from s2s.config import from_dict, load
from s2s.errors import UserError, printable
from s2s.storage.bundled import find_model
from s2s.storage.model_record import read_record, read_whole
from s2s.training.configuration import ScheduleConfig, TrainingConfig

STEPS = 400  # of a whole training at least, if the recipe does not say how long it is
_STEPS_OF_EPOCH, _SMALLEST = 8, 4  # batches of an epoch, as far as they have so many captions
_WARMUP_SHARE = 10  # a tenth of all steps
_STEPS_BETWEEN = 20  # validations, at least


def complete(table: dict[str, Any], before: Path | None = None) -> Iterator[str]:
    """Fill in what a recipe leaves out; what depends on the number of captions is reported on standard error.

    Args:
        table: the recipe as read from TOML; changed in place
        before: the whole recipe of the run that is resumed; what depends on the number of captions stays as it is there

    Returns:
        the mistake, if the model in `start` is damaged. All other mistakes are found later.
    """
    if isinstance(start := table.get("start"), str):
        try:
            directory = find_model(start, KIND)
        except UserError:
            return
        try:
            _take_shape(table, directory)
        except UserError as error:
            yield f"start: {error}"
    count = 0 if before else _count(table.get("data"))
    if before:
        _take_sizes(table, load(before, Recipe))
    if count and not isinstance(table.get("self_critical"), Mapping):
        _fit(table, count)


def _take_shape(table: dict[str, Any], start: Path) -> None:
    record = read_whole(start, read_record)
    config = from_dict(CaptioningConfig, record.config, source=str(record.path))
    fill_shape(table, "encoder", config.encoder)
    fill_shape(table, "decoder", config.decoder)
    image = table.setdefault("image", {})
    if isinstance(image, dict):
        image.setdefault("backbone", config.backbone)
        fill_shape(image, "preprocessing", config.preprocessing)


def _count(data: Any) -> int:
    """How many captions there are to train on; 0 where a source cannot be read, of which others tell."""
    if not isinstance(data, Mapping):
        return 0
    corpora = data.get("corpora", [])
    listed = [each.get("path") for each in corpora if isinstance(each, Mapping)] if isinstance(corpora, list) else []
    paths = [path for path in (data.get("train"), *listed) if isinstance(path, str)]
    try:
        return sum(len(entry.captions) for path in paths for entry in read_entries(Path(path)))
    except (UserError, OSError, ValueError):
        return 0


def _take_sizes(table: dict[str, Any], recipe: Recipe) -> None:
    training = table.setdefault("training", {})
    schedule = training.setdefault("schedule", {}) if isinstance(training, dict) else None
    if isinstance(schedule, dict):
        table.setdefault("captions", recipe.captions)
        training.setdefault("epochs", recipe.training.epochs)
        training.setdefault("validate_every", recipe.training.validate_every)
        schedule.setdefault("warmup_steps", recipe.training.schedule.warmup_steps)


def _fit(table: dict[str, Any], count: int) -> None:
    """Fill in the sizes of a training on so many captions, and tell those that are not the usual ones."""
    training = table.setdefault("training", {})
    schedule = training.setdefault("schedule", {}) if isinstance(training, dict) else None
    if not isinstance(schedule, dict):
        return
    told: list[str] = []

    def choose(section: dict[str, Any], key: str, name: str, usual: int, fitting: int) -> int:
        """The value of a key: what the recipe says, or else the fitting one."""
        if key not in section and fitting != usual:
            section[key] = fitting
            told.append(f"{name} = {fitting}")
        value = section.get(key, usual)
        return value if isinstance(value, int) and value > 0 else usual  # what is wrong is told later

    usual = Recipe.captions
    captions = choose(table, "captions", "captions", usual, min(usual, max(_SMALLEST, count // _STEPS_OF_EPOCH)))
    steps = math.ceil(count / captions)
    usual = TrainingConfig.epochs
    epochs = choose(training, "epochs", "training.epochs", usual, max(usual, math.ceil(STEPS / steps)))
    usual = ScheduleConfig.warmup_steps
    fitting = min(usual, math.ceil(epochs * steps / _WARMUP_SHARE))
    choose(schedule, "warmup_steps", "training.schedule.warmup_steps", usual, fitting)
    choose(training, "validate_every", "training.validate_every", 1, math.ceil(_STEPS_BETWEEN / steps))
    if told:
        print(printable(f"chosen for {count:,} captions: {', '.join(told)}"), file=sys.stderr)

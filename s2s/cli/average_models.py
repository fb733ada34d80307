"""Average the weights of several models into one model.

    s2s average --output runs/mean runs/a/best runs/b/best

The models must be checkpoints of one training, or have been fine-tuned from one model (`start` in a recipe). An
average of models that were trained from different random weights is useless. A model that is given twice counts twice
(Wortsman et al., 2022, "Model soups"). To average the checkpoints within one training, set `training.averaging` in the
recipe.

A calibration of confidence is not averaged: calibrate the average again, see `s2s calibrate`.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from s2s import config
from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.decoding.confidence import FILE
from s2s.errors import check
from s2s.storage.bundled import find_model

if TYPE_CHECKING:
    from s2s.storage.model_directory import StoredModel


def average_models(arguments: list[str]) -> int:
    """Write the average and print its directory."""
    options = _parser().parse_args(arguments)
    check(len(options.models) > 1, f"{options.models[0]}: is the only model; name at least two")
    check(not options.output.exists(), f"{options.output}: already exists; choose another --output")
    check(options.output.absolute().parent.is_dir(), f"{options.output}: its folder does not exist; create it first")
    directories = [find_model(model) for model in options.models]

    import torch

    from s2s.storage.model_directory import read_model, write_model
    from s2s.storage.weights import average_weights

    models = [read_model(directory) for directory in directories]
    first = models[0]
    limits = _limits(first)
    _check_alike(models, limits)
    highest = {key: max(model.config[key] for model in models) for key in limits if key in first.config}
    write_model(
        options.output,
        kind=first.kind,
        config={**first.config, **highest},
        tensors=average_weights([model.tensors for model in models]),
        assets=_compared(first),
        about={"mean_of": [str(directory) for directory in directories]},
        dtype=torch.float16,
    )
    print(options.output)
    return 0


def _limits(model: StoredModel) -> Collection[str]:
    """The keys in which models may differ, as registered by the application for this kind of model.

    They hold the longest source of the training text, and the like. The average gets the highest value.
    """
    from s2s.storage.model_directory import import_kind, limits

    import_kind(model)  # registers them
    return limits(model.kind)


def _check_alike(models: Sequence[StoredModel], limits: Collection[str]) -> None:
    """Raise a UserError unless all models have the same vocabulary and compute the same function of their weights."""
    first = models[0]
    for model in models[1:]:
        keys = config.differences({"kind": first.kind, **first.config}, {"kind": model.kind, **model.config})
        different = [key for key in keys if "dropout" not in key and not (key in limits and key in model.config)]
        ours, theirs = _compared(first), _compared(model)
        different += [name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name)]
        check(
            not different,
            f"{model.directory}: cannot be averaged with {first.directory}: they differ in {', '.join(different)}; "
            "choose models that were fine-tuned from one model",
        )


def _compared(model: StoredModel) -> Mapping[str, bytes]:
    """The assets of a model, except those of the calibration of its confidence, which is of its own weights."""
    return {name: data for name, data in model.assets.items() if Path(name).stem != Path(FILE).stem}


def _parser() -> Parser:
    parser = Parser(
        description="Write a model whose weights are the average of the weights of several models. The models must be "
        "of one training, or fine-tuned from one model."
    )
    parser.add_argument(
        "models",
        nargs="+",
        type=Path,
        metavar="MODEL",
        help="a model directory or a bundled model (see `s2s models`); one that is given twice counts twice",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the model directory to write")
    return parser


def main() -> int:
    """Entry point."""
    return command.run(average_models)


if __name__ == "__main__":
    sys.exit(main())

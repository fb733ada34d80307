"""`python -m s2s.cli.average_models`: one model whose weights are the mean of several models' weights.

    python -m s2s.cli.average_models --output runs/mean runs/a/best runs/b/best

The models must have grown from one (a recipe's `start` names it), or be of one training: means of models that began
with other random numbers are worth nothing. One that is named twice counts twice (Wortsman et al., 2022, "Model soups";
the means within one training are `training.averaging` in a recipe).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from s2s import config
from s2s.cli import command
from s2s.errors import check

if TYPE_CHECKING:
    from s2s.storage.model_directory import StoredModel

# Limits that the training text decided: the mean has the highest.
_LIMITS = ("max_source_length", "length_ratio", "max_caption_length")


def average_models(arguments: list[str]) -> int:
    """The command."""
    options = _parser().parse_args(arguments)
    check(len(options.models) > 1, f"{options.models[0]}: is the mean of itself; name two models or more")
    check(not options.output.exists(), f"{options.output}: exists already; choose another --output")
    check(options.output.absolute().parent.is_dir(), f"{options.output}: its folder does not exist; create it first")

    import torch

    from s2s.storage.model_directory import read_model, write_model
    from s2s.storage.weights import average_weights

    models = [read_model(path) for path in options.models]
    first = models[0]
    _check_alike(models)
    limits = {name: max(model.config[name] for model in models) for name in _LIMITS if name in first.config}
    write_model(
        options.output,
        kind=first.kind,
        config={**first.config, **limits},
        tensors=average_weights([model.tensors for model in models]),
        assets=first.assets,
        about={"mean_of": [str(path) for path in options.models]},
        dtype=torch.float16,
    )
    print(options.output)
    return 0


def _check_alike(models: Sequence[StoredModel]) -> None:
    """Raise a UserError unless all models read the same tokens and compute the same function of their weights."""
    first = models[0]
    for model in models[1:]:
        odd = config.differences({"kind": first.kind, **first.config}, {"kind": model.kind, **model.config})
        odd = [key for key in odd if "dropout" not in key and not (key in _LIMITS and key in model.config)]
        odd += [name for name in {**first.assets, **model.assets} if first.assets.get(name) != model.assets.get(name)]
        what = f"{model.directory}: has no mean with {first.directory}: they differ in {', '.join(odd)}"
        check(not odd, f"{what}; take models that went on from one")


def _parser() -> command.Parser:
    parser = command.Parser(
        prog="python -m s2s.cli.average_models",
        description="Write the model whose weights are the mean of those of several models, all grown from one.",
    )
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL", help="a model directory; twice counts twice")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the model directory to write")
    return parser


def main() -> int:
    """Entry point."""
    return command.run(average_models)


if __name__ == "__main__":
    sys.exit(main())

"""`python -m translation.train RECIPE.toml --run DIR`: from raw text to a model, in one command."""

from __future__ import annotations

if not __package__:
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parents[1])

import json
import sys
from pathlib import Path
from typing import Any

from s2s import command, config
from s2s.errors import check


def train(arguments: list[str]) -> int:
    """The command."""
    options = _parser().parse_args(arguments)
    from translation.recipe import Recipe

    recipe = config.load(options.recipe, Recipe, options.set)
    text = config.to_toml(recipe)

    import torch

    from s2s.precision import choose_device
    from s2s.run_directory import RunDirectory
    from s2s.trainer import Trainer
    from translation.prepare import prepare
    from translation.task import TranslationTask

    if options.threads:
        torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    run = RunDirectory.resume(options.run) if options.resume else RunDirectory.create(options.run, text)
    with run:
        if options.resume:
            _check_same(config.load(run.recipe, Recipe), recipe)
        data = prepare(recipe)
        model = _model(recipe, data)
        model.network.to(device)
        task = TranslationTask(recipe, data, model, device)
        about = {"recipe": config.to_dict(recipe), "data": data.key, "torch": torch.__version__}
        print(f"{sum(p.numel() for p in model.network.parameters()):,} parameters, on {device}", file=sys.stderr)
        position = Trainer(task, model.network, recipe.training, run, about).train()
    print(json.dumps({"model": str(run.best), "best": position.best, "steps": position.step}))
    return 0


def _parser() -> command.Parser:
    parser = command.Parser(
        prog="python -m translation.train",
        description="Train a translation model from two files of sentences, as a recipe says.",
    )
    parser.add_argument("recipe", type=Path, help="a TOML file; see translation/recipes")
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="new folder; DIR/best will be the model")
    parser.add_argument("--resume", action="store_true", help="go on with the training in DIR, exactly")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the recipe")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--threads", type=int, default=0, help="processor cores to use (default: all)")
    return parser


def _check_same(old: Any, new: Any) -> None:
    """Only the number of epochs may change on the way."""
    changed = [key for key in config.differences(old, new) if key != "training.epochs"]
    check(
        not changed,
        f"--resume: the recipe has changed in {', '.join(changed)}: go on with the old one, or start another --run",
    )


def _model(recipe: Any, data: Any) -> Any:
    """A fresh model in the recipe's shape, its weights drawn from the recipe's seed."""
    import torch

    from translation.model import TranslationConfig, TranslationModel

    lengths = [
        (len(s), len(t))
        for s, t in zip(data.source.encode_all(data.train.source), data.target.encode_all(data.train.target))
    ]
    ratios = sorted(target / source for source, target in lengths)
    torch.manual_seed(recipe.training.seed)
    shape = TranslationConfig(
        source_language=recipe.data.source_language,
        target_language=recipe.data.target_language,
        vocabulary_kind=recipe.vocabulary.kind,
        joint_vocabulary=recipe.vocabulary.joint,
        tie_embeddings=recipe.tie_embeddings,
        max_source_length=max(source for source, _ in lengths),
        length_ratio=max(1.0, ratios[int(0.999 * (len(ratios) - 1))]),
        encoder=recipe.encoder,
        decoder=recipe.decoder,
    )
    return TranslationModel.fresh(shape, data.source, data.target)


def main() -> int:
    """Entry point."""
    return command.run(train)


if __name__ == "__main__":
    sys.exit(main())

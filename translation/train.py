"""`python -m translation.train RECIPE.toml --run DIR`: from raw text to a model, in one command."""

from __future__ import annotations

if not __package__:
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parents[1])

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from s2s import command, config
from s2s.errors import check
from s2s.files import check_readable, written_aside
from s2s.run_directory import RunDirectory

if TYPE_CHECKING:
    from translation.model import TranslationModel
    from translation.prepare import Prepared
    from translation.recipe import Recipe


def train(arguments: list[str]) -> int:
    """The command."""
    options = _parser().parse_args(arguments)
    check_readable(options.recipe)
    check(options.threads is None or options.threads > 0, f"--threads must be at least 1, not {options.threads}")

    import torch

    from s2s.precision import choose_device
    from s2s.trainer import Trainer
    from translation.prepare import prepare
    from translation.recipe import Recipe
    from translation.task import TranslationTask

    recipe = config.load(options.recipe, Recipe, options.set)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = choose_device(options.device)
    text = config.to_toml(recipe)
    with RunDirectory.resume(options.run) if options.resume else RunDirectory.create(options.run, text) as run:
        if options.resume:
            _take_over(run, recipe)
        data = prepare(recipe)
        model = _fresh_model(recipe, data)
        model.network.to(device)
        print(f"{sum(p.numel() for p in model.network.parameters()):,} parameters, on {device}", file=sys.stderr)
        task = TranslationTask(recipe, data, model, device)
        about = {"recipe": config.to_dict(recipe), "data": data.key, "torch": torch.__version__}
        position = Trainer(task, model.network, recipe.training, run, about).train()
    print(f"use it: translate --model {run.best} FILE", file=sys.stderr)
    print(json.dumps({"model": str(run.best), "best": position.best, "steps": position.step}))
    return 0


def _parser() -> command.Parser:
    parser = command.Parser(
        prog="python -m translation.train",
        description="Train a translation model from two files of sentences, as a recipe says.",
    )
    add = parser.add_argument
    add("recipe", type=Path, help="a TOML file; see translation/recipes")
    add("--run", type=Path, required=True, metavar="DIR", help="new folder; DIR/best will be the model")
    add("--resume", action="store_true", help="go on with the training in DIR, exactly; only epochs may have changed")
    add("--set", action="append", default=[], metavar="KEY=VALUE", help="change a key of the recipe: training.epochs=5")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="auto takes a GPU where there is one")
    add("--threads", type=int, metavar="N", help="processor cores to use (default: all)")
    return parser


def _take_over(run: RunDirectory, recipe: Recipe) -> None:
    """Let `recipe` be the run's: the same as before, but for the number of epochs."""
    if run.has_state():  # else it has not begun, and its old recipe binds nobody
        changes = config.differences(config.load(run.recipe, type(recipe)), recipe)
        changed = [key for key in changes if key != "training.epochs"]
        advice = "go on with the old one, or start another --run"
        check(not changed, f"--resume: the recipe differs from {run.recipe} in {', '.join(changed)}: {advice}")
    with written_aside(run.recipe) as aside:
        aside.write_text(config.to_toml(recipe), encoding="utf-8", newline="")


def _fresh_model(recipe: Recipe, data: Prepared) -> TranslationModel:
    """A model in the recipe's shape, its weights drawn from the recipe's seed."""
    import torch

    from translation.model import TranslationConfig, TranslationModel

    sources, targets = data.source.encode_all(data.train.source), data.target.encode_all(data.train.target)
    ratios = sorted(len(target) / len(source) for source, target in zip(sources, targets))
    shape = TranslationConfig(
        source_language=recipe.data.source_language,
        target_language=recipe.data.target_language,
        vocabulary_kind=recipe.vocabulary.kind,
        joint_vocabulary=recipe.vocabulary.joint,
        tie_embeddings=recipe.tie_embeddings,
        max_source_length=max(map(len, sources)),
        length_ratio=max(1.0, ratios[int(0.999 * (len(ratios) - 1))]),
        encoder=recipe.encoder,
        decoder=recipe.decoder,
    )
    torch.manual_seed(recipe.training.seed)
    return TranslationModel.fresh(shape, data.source, data.target)


def main() -> int:
    """Entry point."""
    return command.run(train)


if __name__ == "__main__":
    sys.exit(main())

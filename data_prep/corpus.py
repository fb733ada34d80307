"""Prepare parallel text that is larger than memory, for translation training to stream from the disk.

    s2s prepare corpus my.toml --output DIR
    s2s train translation my.toml --set data.prepared=DIR --run runs/mine

The text of the recipe is cleaned, its vocabulary is learned, and its tokens are written to DIR. An interrupted
preparation goes on where it stopped, by the same command.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from s2s import config
from s2s.cli import command
from s2s.cli.arguments import Parser, positive
from s2s.errors import check
from s2s.files import check_readable
from s2s.processes import usable_cores


def corpus(arguments: list[str]) -> int:
    """Prepare the corpus that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    check_readable(options.recipe)

    from translation.corpus_preparation import prepare_corpus
    from translation.recipe import Recipe
    from translation.train import take_over

    def complete(table: dict[str, Any]) -> list[str]:
        """As for training, but the corpus need not be there yet."""
        if isinstance(data := table.get("data"), dict):
            data.pop("prepared", None)
            check(
                "train" not in data or {"train_source", "corpora"} & data.keys(),
                f"{options.recipe}: is not a recipe of translation: it has data.train, and neither data.train_source "
                "nor data.corpora; name one such as those in translation/recipes",
            )
        return [*take_over(table)] if "start" in table else []

    recipe = config.load(options.recipe, Recipe, options.set, complete)
    known = None
    if recipe.start:
        from translation.model import TranslationModel

        start = TranslationModel.load(recipe.start)
        known = start.source, start.target
    index = prepare_corpus(recipe, options.output, options.processes, known)
    print(json.dumps({"corpus": str(options.output), "pairs": index["pairs"], "tokens": index["tokens"]}))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        description="Prepare the text of a translation recipe that is larger than memory. Training then streams it "
        "from the disk: set data.prepared to the folder. An interrupted preparation goes on by the same command."
    )
    add = parser.add_argument
    add("recipe", type=Path, metavar="RECIPE", help="a TOML file; see translation/recipes")
    add("--output", type=Path, required=True, metavar="DIR", help="a new folder, or one of an interrupted preparation")
    add(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a key of the recipe, such as vocabulary.size=32000; may be repeated",
    )
    add(
        "--processes",
        type=positive,
        default=usable_cores(),
        metavar="N",
        help="work with so many processes (default: one for each core)",
    )
    return parser


def main() -> int:
    """Entry point."""
    return command.run(corpus)


if __name__ == "__main__":
    sys.exit(main())

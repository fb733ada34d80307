"""List the bundled models with their sizes and purposes."""

from __future__ import annotations

import sys

from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.errors import check
from s2s.storage.bundled import bundled_models


def models(arguments: list[str]) -> int:
    """Print one line for each bundled model: name, kind, size in MB, purpose."""
    parser = Parser(
        description="List the bundled models, one line each: name, kind, size in MB (1,000,000 bytes), purpose. "
        "`--model NAME` uses one of them."
    )
    parser.parse_args(arguments)
    found = bundled_models()
    check(found, "no models are bundled with this installation; train one with `s2s train`")
    names, kinds = (max(map(len, column)) for column in zip(*((model.name, model.kind) for model in found)))
    for model in found:
        print(f"{model.name:{names}}  {model.kind:{kinds}}  {model.megabytes:6.1f} MB  {model.purpose}")
    return 0


def main() -> int:
    """Entry point."""
    return command.run(models)


if __name__ == "__main__":
    sys.exit(main())

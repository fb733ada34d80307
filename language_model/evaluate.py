"""Evaluate a language model on a text: nats and bits per character, perplexity per word.

    s2s evaluate language-model test.txt --model RUN/best
    s2s evaluate language-model test.txt --model RUN/best --dynamic

The files are read one after the other as one continuous stream: the state is carried from the first token to the last.
With `--dynamic` the model goes on learning while it reads (Krause et al., 2018): that is another figure, and must be
named so.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from language_model.corpus import Text, read_text
from language_model.figures import Figures
from language_model.loading import add_model, add_scoring_machine, model_directory
from s2s.cli import command
from s2s.cli.arguments import Parser, positive
from s2s.errors import check, counted, warn
from s2s.files import check_readable
from s2s.text.tokens import UNK

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from language_model.corpus import Tokens
    from language_model.dynamic import DynamicOptions
    from language_model.model import LanguageModel

_DYNAMIC = ("dynamic_rate", "dynamic_decay", "dynamic_steps")  # options that need --dynamic


def evaluate(arguments: list[str]) -> int:
    """Print the figures of a model on the text that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    for path in options.files:
        check_readable(path)
    for name in _DYNAMIC:
        check(options.dynamic or getattr(options, name) is None, f"--{name.replace('_', '-')} needs --dynamic; add it")
    directory = model_directory(options.model)
    text = _last(read_text(options.files), options.share)

    from language_model.model import load_model

    model = load_model(directory, options.device, options.threads)
    ids = text.encode(model.vocabulary)
    unknown = int((ids == UNK).sum())
    if unknown:
        are = "is" if unknown == 1 else "are"
        warn(
            f"{', '.join(map(str, options.files))}: {unknown:,} of {counted(len(ids), 'token')} {are} "
            "unknown to the model; "
            "all that is unknown counts as one token: the figures are not those of the text itself"
        )
    nats = -float(_scored(model, ids, options).astype("f8").sum())
    figures = Figures(nats, len(ids), text.characters, text.words)
    report = _report(figures, unknown, options)
    print(json.dumps(report) if options.json else _in_words(report, options.files))
    return 0


def _last(text: Text, share: float | None) -> Text:
    """The last characters of a text, this share of them; None for all."""
    return text if share is None else text.split(share)[1]


def _scored(model: LanguageModel, ids: Tokens, options: Namespace) -> NDArray[np.float32]:
    import torch

    from language_model.dynamic import score_dynamically
    from language_model.scoring import score_stream
    from s2s.nn.precision import autocast

    device = model.decoder.embedding.weight.device
    with torch.no_grad(), autocast(options.precision, device):
        if options.dynamic:
            return score_dynamically(model.decoder, ids, _dynamic_options(options))
        return score_stream(model.decoder, ids)


def _dynamic_options(options: Namespace) -> DynamicOptions:
    from language_model.dynamic import DynamicOptions

    given = {name.removeprefix("dynamic_"): getattr(options, name) for name in _DYNAMIC}
    return DynamicOptions(**{name: value for name, value in given.items() if value is not None})


def _report(figures: Figures, unknown: int, options: Namespace) -> dict[str, Any]:
    from dataclasses import asdict

    dynamic = asdict(_dynamic_options(options)) if options.dynamic else None
    return {
        "nats_per_character": figures.nats_per_character,
        "bits_per_character": figures.bits_per_character,
        "word_perplexity": figures.word_perplexity,
        "nats_per_token": figures.nats_per_token,
        "characters": figures.characters,
        "words": figures.words,
        "tokens": figures.tokens,
        "unknown": unknown,
        "dynamic": dynamic,
    }


def _in_words(report: Mapping[str, Any], files: list[Path]) -> str:
    how = "one continuous stream"
    if dynamic := report["dynamic"]:
        how += (
            f", dynamic evaluation (chunks of {dynamic['steps']}, rate {dynamic['rate']:g}, decay {dynamic['decay']:g})"
        )
    return "\n".join(
        [
            f"{', '.join(map(str, files))}, {how}:",
            f"{report['nats_per_character']:8.4f}  nats per character ({report['characters']:,} characters)",
            f"{report['bits_per_character']:8.4f}  bits per character",
            f"{report['word_perplexity']:8.2f}  perplexity per word ({report['words']:,} words and line ends)",
            f"{report['nats_per_token']:8.4f}  nats per token ({report['tokens']:,} tokens)",
        ]
    )


def _parser() -> Parser:
    parser = Parser(
        description="Evaluate a language model on files of text, which are read one after the other as one continuous "
        "stream: nats and bits per character, perplexity per word (line ends count as words).",
    )
    add = parser.add_argument
    add("files", type=Path, nargs="+", metavar="FILE", help="text in UTF-8, perhaps compressed by gzip")
    add_model(parser)
    add(
        "--share",
        type=_share,
        metavar="X",
        help="evaluate on the last characters only, on this share of all; as data.validation_share in a recipe",
    )
    add("--json", action="store_true", help="print the figures as JSON")
    group = parser.add_argument_group("dynamic evaluation")
    add = group.add_argument
    add("--dynamic", action="store_true", help="let the model learn from each chunk of the text after it was scored")
    add("--dynamic-rate", type=float, metavar="X", help="rate of learning (default: 1e-4)")
    add("--dynamic-decay", type=float, metavar="X", help="pull towards the trained weights (default: 1e-3)")
    add("--dynamic-steps", type=positive, metavar="N", help="tokens of a chunk (default: 20)")
    add_scoring_machine(parser)
    return parser


def _share(text: str) -> float:
    from argparse import ArgumentTypeError

    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        raise ArgumentTypeError(f"{text!r} is not a share above 0, up to 1")
    return value


def main() -> int:
    """Entry point."""
    return command.run(evaluate)


if __name__ == "__main__":
    sys.exit(main())

"""Score lines of text with a language model: the log-probability of each line.

    s2s score text lines.txt --model RUN/best

Line n of the output belongs to line n of the text: its log-probability, a tab, and its score, which is the mean
log-probability of a token; the line end is a token. Each line is scored by itself. A blank line has no score.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from language_model.loading import add_model, add_scoring_machine, model_directory
from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.errors import check, counted, first_few, warn
from s2s.files import check_output, check_readable, text_writer
from s2s.text.lines import LineReader
from s2s.text.tokens import END, UNK

if TYPE_CHECKING:
    from language_model.model import LanguageModel


def score(arguments: list[str]) -> int:
    """Score the lines of the file that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    check(options.output or sys.stdout, "standard output is closed; name a file with --output")
    check_readable(options.file)
    if options.output:
        check_output(options.output, force=options.force, inputs=[options.file])
    directory = model_directory(options.model)

    from language_model.model import load_model

    model = load_model(directory, options.device, options.threads)
    with ExitStack() as stack:
        write = stack.enter_context(text_writer(options.output)) if options.output else sys.stdout.write
        file = stack.enter_context(options.file.open("rb", buffering=0))
        unknown, number = list[int](), 0
        for window in LineReader(file).windows():
            unknown += [number + row for row in _score_window(model, window, write, options)]
            number += len(window)
    if unknown:
        named = f"{'line' if len(unknown) == 1 else 'lines'} {first_few(unknown)}"
        warn(
            f"{options.file}: parts that the model does not know count as one token for all that is unknown, in "
            f"{len(unknown):,} of {counted(number, 'line')} ({named})"
        )
    return 0


def _score_window(
    model: LanguageModel, lines: Sequence[str], write: Callable[[str], object], options: Namespace
) -> list[int]:
    """Score and write some lines; return the numbers of those with unknown parts, from 1."""
    import torch

    from language_model.scoring import score_lines
    from s2s.nn.precision import autocast

    encoded = model.vocabulary.encode_all(list(lines))
    asked = [row for row, line in enumerate(lines) if line.strip()]
    with torch.no_grad(), autocast(options.precision, model.decoder.embedding.weight.device):
        scores = dict(zip(asked, score_lines(model.decoder, [encoded[row] for row in asked])))
    for row, ids in enumerate(encoded):
        values = [float(value) for value in scores.get(row, ())]
        labels = model.vocabulary.tokens([*ids, END]) if values else []
        write(f"{_as_json(labels, values) if options.tokens else _as_columns(values)}\n")
    if not options.output:
        sys.stdout.flush()
    return [row + 1 for row in asked if UNK in encoded[row]]


def _as_columns(values: Sequence[float]) -> str:
    return f"{sum(values):.4f}\t{sum(values) / len(values):.4f}" if values else ""


def _as_json(labels: Sequence[str], values: Sequence[float]) -> str:
    found = {
        "log_probability": round(sum(values), 4) if values else None,
        "score": round(sum(values) / len(values), 4) if values else None,
        "tokens": list(labels),
        "log_probabilities": [round(value, 4) for value in values],
    }
    return json.dumps(found, ensure_ascii=False)


def _parser() -> Parser:
    parser = Parser(
        description="Score lines of text with a language model. Line n of the output belongs to line n of the text: "
        "its log-probability, a tab, and the mean log-probability of a token. Each line is scored by itself.",
    )
    add = parser.add_argument
    add("file", type=Path, metavar="FILE", help="the text, one sentence per line")
    add_model(parser)
    add("--output", type=Path, metavar="FILE", help="write the scores to FILE (default: standard output)")
    add("--force", action="store_true", help="overwrite the file of --output")
    add(
        "--tokens",
        action="store_true",
        help="write an object of JSON for each line, with the log-probability of each token too",
    )
    add_scoring_machine(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(score)


if __name__ == "__main__":
    sys.exit(main())

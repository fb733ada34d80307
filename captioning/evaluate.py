"""`python -m captioning.evaluate`: how good captions are, by all the metrics of the field.

    python -m captioning.evaluate --model RUN/best --references test.jsonl --human
    python -m captioning.evaluate --results results.json --references captions_val2017.json --java

`captioning.metrics.scores` explains the figures and the human row. For a model with attention, the report also says how
widely attention spreads and how much it changes from word to word (`s2s.views.attention_spread.Spread`).
"""

from __future__ import annotations

if not __package__:
    import sys
    from pathlib import Path

    sys.path[0] = str(Path(__file__).resolve().parents[1])

import argparse
import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from s2s.cli import command
from s2s.errors import check, warn
from s2s.files import check_output, check_readable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from s2s.views.attention_spread import Spread


def evaluate(arguments: list[str]) -> int:
    """The command."""
    options = _parser().parse_args(arguments)
    if options.results:
        check_readable(options.results)
        check(options.images is None, "--images is where --model finds pictures; --results needs none: leave it out")
    if options.output:
        check(options.model, "--output keeps what --model says; without --model there is nothing to keep")
        check_output(options.output, force=options.force)

    from captioning.metrics import scores
    from captioning.results import read_references, read_results

    if options.model:
        said = _captioned(options)
    else:
        said = _Said(read_results(options.results), read_references(options.references, options.split))
    evaluation = scores.score_captions(said.captions, said.references, human=options.human, java=options.java)
    evaluation = replace(evaluation, search=said.search, attention=said.attention)
    for reason in evaluation.unavailable:
        warn(reason)
    print(json.dumps(evaluation.to_dict()) if options.json else evaluation)
    return 0


class _Said(NamedTuple):
    """By the names of the pictures; what a model's captions were found with, and where their words looked."""

    captions: Mapping[Any, str]
    references: Mapping[Any, Collection[str]]
    search: str | None = None
    attention: Spread | None = None


def _captioned(options: argparse.Namespace) -> _Said:
    """What the model says of the pictures of --references, and what people said, by the paths; where words looked."""
    from tqdm import tqdm

    from captioning.caption import load
    from captioning.corpus import read_captions
    from captioning.results import check_distinct, write_results
    from s2s.views.attention_spread import measure_spread

    pictures, report = read_captions(options.references, options.images, splits=options.split, keep_duplicates=True)
    print(report, file=sys.stderr)
    if options.output:
        texts = options.references.rglob("*.txt") if options.references.is_dir() else [options.references]
        check_output(options.output, force=options.force, inputs=[*texts, *(picture.path for picture in pictures)])
        # Else it could not be read again.
        check_distinct(((picture.image_id, picture.path) for picture in pictures), options.references)
    captioner = load(options.model, options)
    captions: dict[str, str] = {}
    attentions: list[NDArray[np.float32]] = []
    references = {str(picture.path): picture.captions for picture in pictures}
    found = captioner.caption_stream(picture.path for picture in pictures)
    for each in tqdm(found, total=len(pictures), unit=" pictures", leave=False, disable=None):
        check(not each.problem, f"{each.name}: {each.problem}; a score is of all pictures, so mend it or take it out")
        captions[each.name] = each.text
        if each.attention is not None:
            attentions.append(each.attention.reshape(len(each.attention), -1))
    if options.output:
        write_results(options.output, [(each.image_id, captions[str(each.path)]) for each in pictures])
    search = f"beam {options.beam}, length penalty {options.length_penalty:g}, {captioner.searches_in}"
    return _Said(captions, references, search, measure_spread(attentions) if attentions else None)


def _parser() -> command.Parser:
    parser = command.Parser(
        prog="python -m captioning.evaluate",
        description="Score captions against references: BLEU-1 to BLEU-4, ROUGE-L, CIDEr-D, and, by Java, METEOR and "
        "SPICE, all times 100; with --model, how widely its attention looks, and how differently from word to word.",
    )
    add = parser.add_argument
    scored = parser.add_mutually_exclusive_group(required=True)
    scored.add_argument("--model", type=Path, metavar="DIR", help="caption the pictures of --references with it")
    scored.add_argument("--results", type=Path, metavar="FILE", help="captions as --output writes them: COCO's results")
    add(
        "--references",
        type=Path,
        required=True,
        metavar="SOURCE",
        help="what people said: captions_*.json, .csv, .tsv, .jsonl, or a folder; the pictures need not be there",
    )
    add("--split", action="append", default=[], metavar="NAME", help="of Karpathy's dataset_*.json; may be repeated")
    add("--human", action="store_true", help="score people too, each reference against the others")
    add("--java", action="store_true", help="METEOR and SPICE too: needs Java and pip install 's2s-attention[java]'")
    add("--images", type=Path, metavar="DIR", help="--model: the folder that names of pictures start from")
    add("--output", type=Path, metavar="FILE", help="keep the model's captions as COCO results")
    add("--force", action="store_true", help="replace an existing --output")
    add("--json", action="store_true", help="print the figures as JSON")
    command.add_search(parser)
    command.add_machine(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(evaluate)


if __name__ == "__main__":
    sys.exit(main())

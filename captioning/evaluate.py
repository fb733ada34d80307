"""Score captions against references: BLEU, ROUGE-L, CIDEr-D, METEOR, SPICE.

    s2s evaluate captioning --model RUN/best --references test.jsonl --human
    s2s evaluate captioning --results results.json --references captions_val2017.json --java

`captioning.metrics.scores` explains the scores and the row of human captions. For a model with attention, the report
also gives the entropy of the attention weights, and how much they change from word to word
(`s2s.views.attention_spread.Spread`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from s2s.cli import command
from s2s.cli.arguments import Parser, add_machine_options
from s2s.cli.progress_line import ProgressLine
from s2s.cli.search_options import add_search_options, search_in_words
from s2s.errors import check, counted, first_few, printable, warn
from s2s.files import check_output, check_readable
from s2s.text.languages import ENGLISH, is_language_code, unknown_code_message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from s2s.views.attention_spread import Spread


def evaluate(arguments: list[str]) -> int:
    """Print the scores of the captions that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.results:
        check_readable(options.results)
        check(options.images is None, "--images cannot be used with --results, which needs no pictures; leave it out")
    if options.output:
        check(options.model, "--output needs --model, whose captions it writes; leave it out")
        check_output(options.output, force=options.force)

    from captioning.metrics import scores

    scored = _caption_all(options) if options.model else _read(options)
    language = options.language or scored.language
    check(is_language_code(language), f"--language: {unknown_code_message(language)}")
    how = {"language": language, "human": options.human, "java": options.java}
    evaluation = scores.score_captions(scored.captions, scored.references, **how)
    evaluation = replace(evaluation, search=scored.search, attention=scored.attention, of=scored.of)
    for reason in evaluation.unavailable:
        warn(reason)
    print(json.dumps(evaluation.to_dict()) if options.json else evaluation)
    return 1 if scored.failed else 0


class _Scored(NamedTuple):
    """What to score: captions and references by the names of the pictures.

    `of` is how many pictures the references have, and `failed` how many of them could not be read. For a model also the
    options of its search, statistics of its attention weights, and its language.
    """

    captions: Mapping[Any, str]
    references: Mapping[Any, Collection[str]]
    of: int
    failed: int = 0
    search: str | None = None
    attention: Spread | None = None
    language: str = ENGLISH


def _read(options: argparse.Namespace) -> _Scored:
    """The captions of --results; with --subset, only those of pictures that have a caption and a reference."""
    from captioning.results import match_results, read_references, read_results

    references = read_references(options.references, options.split)
    captions = match_results(read_results(options.results), references, options.results)
    if not options.subset:
        return _Scored(captions, references, len(references))
    chosen = {picture: texts for picture, texts in references.items() if picture in captions and texts}
    check(
        chosen, f"{options.results}: none of its captions is of a picture in {options.references}; check the image_ids"
    )
    _tell_left_out(options.results, "no such picture in the references", captions.keys() - references.keys())
    silent = [picture for picture, texts in references.items() if not texts]
    _tell_left_out(options.references, "no reference", silent)
    return _Scored({picture: captions[picture] for picture in chosen}, chosen, len(references))


def _tell_left_out(source: Path, why: str, pictures: Collection[Any]) -> None:
    if pictures:
        names = first_few(sorted(map(str, pictures)))
        warn(f"{source}: left out {counted(len(pictures), 'picture')} ({names}): {why}")


def _caption_all(options: argparse.Namespace) -> _Scored:
    """Caption the pictures of --references with the model."""
    from captioning.caption import load, model_directory
    from captioning.corpus import read_captions
    from captioning.results import Result, check_distinct, write_results
    from s2s.views.attention_spread import measure_spread

    directory = model_directory(options.model)  # before the pictures are read, which takes longer
    pictures, report = read_captions(options.references, options.images, splits=options.split, keep_duplicates=True)
    print(printable(str(report)), file=sys.stderr)
    if options.output:
        texts = options.references.rglob("*.txt") if options.references.is_dir() else [options.references]
        check_output(options.output, force=options.force, inputs=[*texts, *(picture.path for picture in pictures)])
        # Two pictures with one name could not be told apart in the file.
        check_distinct(((picture.image_id, picture.path) for picture in pictures), options.references)
    captioner = load(directory, options)
    captions: dict[str, str] = {}
    attentions: list[NDArray[np.float32]] = []
    references = {str(picture.path): picture.captions for picture in pictures}
    found = captioner.caption_stream(picture.path for picture in pictures)
    progress = ProgressLine("pictures", len(pictures))
    for number, each in enumerate(found, start=1):
        progress.show(number)
        if each.problem:
            progress.clear()
            warn(f"left out: {each.name}: {each.problem}")
            continue
        captions[each.name] = each.text
        if each.attention is not None:
            attentions.append(each.attention.reshape(len(each.attention), -1))
    progress.clear()
    if options.output:
        read = [each for each in pictures if str(each.path) in captions]
        write_results(options.output, [Result(each.image_id, captions[str(each.path)]) for each in read])
    search = f"{search_in_words(captioner.options)}, {captioner.engine.precision}"
    total, failed = len(references), len(references) - len(captions)
    check(captions, f"{options.references}: none of {counted(total, 'picture')} could be read; see the warnings above")
    if failed:
        warn(f"{failed:,} of {counted(total, 'picture')} could not be read; the scores are those of the others")
    references = {name: texts for name, texts in references.items() if name in captions}
    spread = measure_spread(attentions) if attentions else None
    return _Scored(captions, references, total, failed, search, spread, captioner.engine.config.language)


def _parser() -> Parser:
    parser = Parser(
        description="Score captions against references: BLEU-1 to BLEU-4, ROUGE-L and CIDEr-D, with --java also METEOR "
        "and SPICE. All scores are multiplied by 100. With --model, also measure the attention weights of the model.",
    )
    add = parser.add_argument
    scored = parser.add_mutually_exclusive_group(required=True)
    scored.add_argument(
        "--model",
        type=Path,
        metavar="MODEL",
        help="caption the pictures of --references with this model: a model directory, or a bundled model (see `s2s "
        "models`)",
    )
    scored.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="score the captions in FILE, in COCO's results format, JSON Lines or CSV, as `caption` writes them",
    )
    add(
        "--references",
        type=Path,
        required=True,
        metavar="SOURCE",
        help="the reference captions: captions_*.json, dataset_*.json, .csv, .tsv, .jsonl, a folder and so on; "
        "docs/caption_formats.md lists the formats",
    )
    add(
        "--split",
        action="append",
        default=[],
        metavar="NAME",
        help="use this split of a data set with several, such as Karpathy's dataset_*.json; may be repeated",
    )
    add(
        "--subset",
        action="store_true",
        help="with --results, score the pictures that have a caption and a reference, and say how many of how many "
        "these are, and what was left out",
    )
    add(
        "--language",
        metavar="CODE",
        help="of the captions, such as de: what counts as a word and a stem depends on it (default: that of the model; "
        "with --results, en)",
    )
    add("--human", action="store_true", help="also score each reference against the others")
    add(
        "--java",
        action="store_true",
        help="also compute METEOR and SPICE; needs Java, and `pip install 's2s-attention[java]'`",
    )
    add(
        "--images",
        type=Path,
        metavar="DIR",
        help="the folder to which the names of pictures in --references are relative; only with --model",
    )
    add("--output", type=Path, metavar="FILE", help="write the model's captions to FILE, in COCO's results format")
    add("--force", action="store_true", help="overwrite an existing --output")
    add("--json", action="store_true", help="print the scores as JSON")
    add_search_options(parser)
    add_machine_options(parser)
    return parser


def main() -> int:
    """Entry point."""
    return command.run(evaluate)


if __name__ == "__main__":
    sys.exit(main())

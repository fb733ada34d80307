"""Score a tagger on tagged words: accuracy, macro F1, calibration error; for spans precision, recall and F1.

    s2s evaluate tagger --model RUN/best --data dev.tsv
    s2s evaluate tagger --model RUN/best --data dev.conllu --format conllu

The words are tagged exactly as by `s2s tag`. Spans are scored by seqeval, an extra: pip install 's2s-attention[spans]'.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain

from labelling import evaluation
from labelling.corpus import LabelledText, joined, read_tagged
from labelling.scores import accuracy
from labelling.spans import SpanScores, check_seqeval, span_scores
from labelling.tagger import Tagger, Tagging
from labelling.token_lines import Layout
from s2s.cli import command
from s2s.cli.arguments import Parser, positive
from s2s.errors import check
from s2s.text.tokens import UNK


def evaluate(arguments: list[str]) -> int:
    """Print the scores of the model that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    evaluation.check_files(options)
    layout = Layout(options.format, options.word_column, options.tag_column)
    check(layout.columns[0] != layout.columns[1], "--word-column and --tag-column are the same")
    tagger = Tagger.load(
        options.model,
        engine=options.engine,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
    )
    config = tagger.engine.assets.config
    scheme = options.scheme or config.written_scheme
    check(
        scheme == "none" or config.scheme != "none",
        f"--scheme {scheme}: this model has not learned spans; leave it out",
    )
    if scheme != "none":
        check_seqeval()
    text = joined([read_tagged(path, layout, scheme, config.scheme) for path in options.data])
    evaluation.check_labels(text, tagger.labels, options)
    found = tagger.tag(text.sentences)
    spans = span_scores(text.labels, [each.labels for each in found], config.scheme) if scheme != "none" else None
    truth, predicted = (list(chain.from_iterable(side)) for side in (text.labels, (each.labels for each in found)))
    figures = evaluation.Figures.of(truth, predicted, list(chain.from_iterable(each.probabilities for each in found)))
    unknown = _unknown_words(tagger, text, found)
    if options.confusion:
        title = f"{100 * figures.accuracy:.1f} % of {len(truth):,} words are right"
        evaluation.draw_confusion(truth, predicted, title, options.confusion)
    if options.json:
        others = {"unknown_words": unknown, "spans": asdict(spans) if spans else None}
        print(json.dumps(asdict(figures) | others, ensure_ascii=False))
    else:
        print("\n".join(_report(figures, unknown, spans)))
    return 0


def _report(figures: evaluation.Figures, unknown: dict[str, float], spans: SpanScores | None) -> list[str]:
    first, *others = figures.lines("words")
    lines = [first]
    if unknown["words"]:
        share = 100 * unknown["accuracy"]
        lines.append(f"accuracy {share:.2f} % of the {unknown['words']:,} words that are not in the vocabulary")
    return [*lines, *([f"spans: {spans}"] if spans else []), *others]


def _unknown_words(tagger: Tagger, text: LabelledText, found: Sequence[Tagging]) -> dict[str, float]:
    """How many words are not in the vocabulary, and the share of them whose tag is right."""
    pairs = [
        (true, label)
        for ids, own, each in zip(tagger.engine.assets.ids(text.sentences), text.labels, found)
        for word, true, label in zip(ids, own, each.labels)
        if word == UNK
    ]
    return {"words": len(pairs), "accuracy": accuracy(*zip(*pairs)) if pairs else 0.0}


def _parser() -> Parser:
    parser = Parser(
        description="Score a tagger on tagged words: accuracy, macro F1, calibration error, the scores of each tag, "
        "and for spans precision, recall and F1."
    )
    evaluation.add_options(parser, "tagger", "tagged words, one a line, and an empty line behind each sentence")
    add = parser.add_argument
    add("--format", choices=["columns", "conllu"], default="columns", help="format of the files (default: columns)")
    add("--word-column", type=positive, metavar="N", help="counted from 1 (default: 1, or 2 of CoNLL-U)")
    add("--tag-column", type=positive, metavar="N", help="default: 2, or 4 of CoNLL-U (UPOS)")
    add(
        "--scheme",
        choices=["none", "IOB1", "IOB2", "BIOES"],
        help="of the tags in the files (default: that of the files that the model was trained on)",
    )
    return parser


def main() -> int:
    """Entry point."""
    return command.run(evaluate)


if __name__ == "__main__":
    sys.exit(main())

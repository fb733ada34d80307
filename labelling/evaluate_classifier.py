"""Score a classifier on labelled sentences: accuracy, macro F1, calibration error, confusions.

    s2s evaluate classifier --model RUN/best --data test.tsv --confusion confusion.png

The sentences are classified exactly as by `s2s classify`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from labelling import evaluation
from labelling.classifier import Classifier
from labelling.corpus import joined, read_table
from s2s.cli import command
from s2s.cli.arguments import Parser, positive
from s2s.errors import check


def evaluate(arguments: list[str]) -> int:
    """Print the scores of the model that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    evaluation.check_files(options)
    columns = options.label_column, options.sentence_column
    check(columns[0] != columns[1], f"--label-column and --sentence-column are both {columns[0]}")
    classifier = Classifier.load(
        options.model,
        engine=options.engine,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
    )
    tokenise = classifier.engine.assets.config.tokenise
    text = joined([read_table(path, columns, tokenise=tokenise) for path in options.data])
    evaluation.check_labels(text, classifier.labels, options)
    found = [each for each in classifier.classify_words(text.sentences) if each]
    truth, predicted = [label for (label,) in text.labels], [each.label for each in found]
    figures = evaluation.Figures.of(truth, predicted, [each.probability for each in found])
    if options.confusion:
        title = f"{100 * figures.accuracy:.1f} % of {len(truth):,} sentences are right"
        evaluation.draw_confusion(truth, predicted, title, options.confusion)
    print(json.dumps(asdict(figures), ensure_ascii=False) if options.json else "\n".join(figures.lines("sentences")))
    return 0


def _parser() -> Parser:
    parser = Parser(
        description="Score a classifier on labelled sentences: accuracy, macro F1, calibration error, and the scores "
        "of each label."
    )
    evaluation.add_options(parser, "classifier", "labelled sentences, one a line: label, tab, sentence")
    add = parser.add_argument
    add("--label-column", type=positive, default=1, metavar="N", help="counted from 1 (default: 1)")
    add("--sentence-column", type=positive, default=2, metavar="N", help="counted from 1 (default: 2)")
    return parser


def main() -> int:
    """Entry point."""
    return command.run(evaluate)


if __name__ == "__main__":
    sys.exit(main())

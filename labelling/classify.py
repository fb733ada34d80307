"""Classify text, one sentence per line.

    s2s classify --model RUN/best FILE
    some program | s2s classify --model RUN/best

Line n of the output is the label of line n of the input, a tab, and the probability of the label. A blank line stays
blank. Input is read and classified as a stream. A line on standard error says how many labels are doubtful.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelling.classifier import Classification, Classifier
from labelling.command import add_options, check_files, line_writer, readers
from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.cli.doubts import report_file, summary
from s2s.errors import check, counted, warn
from s2s.models.label_configuration import AttentionReadingConfig, ClassifierHeadConfig
from s2s.views.attention_output import SUFFIXES, attention_file

if TYPE_CHECKING:
    from s2s.views.attention_view import AttentionView


def classify(arguments: list[str]) -> int:
    """Classify the files that the arguments name, or standard input; return the exit code."""
    options = _parser().parse_args(arguments)
    if options.attention:
        check(
            options.attention.suffix.lower() in SUFFIXES,
            f"--attention {options.attention}: the file name must end in {', '.join(SUFFIXES)}",
        )
    check_files(options, "output", "report", "attention")
    classifier = Classifier.load(
        options.model,
        engine=options.engine,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
    )
    if options.attention:
        _check_attention(classifier, options)
    doubtful = lines = 0
    with ExitStack() as stack:
        write = stack.enter_context(line_writer(options))
        report = stack.enter_context(report_file(options.report)) if options.report else None
        attention = stack.enter_context(attention_file(options.attention)) if options.attention else None
        for name, reader in readers(options):
            number = 1
            for window in reader.windows():
                found = classifier.classify(window)
                write(_line(each) for each in found)
                for line, each in enumerate(found, number):
                    if each and each.left_out:
                        warn(
                            f"{name}: line {line} is long; its last "
                            f"{counted(each.left_out, 'word was', 'words were')} not read"
                        )
                    if report:
                        report(_entry(name, line, window[line - number], each))
                    if attention and each:
                        attention(attention_view(each, f"{name}: line {line}"))
                number += len(window)
                doubtful += sum(each.doubtful for each in found if each)
            lines += number - 1
    if told := summary(doubtful, lines, "lines", "" if options.report else "; --report FILE says which and why"):
        print(told, file=sys.stderr)
    return 0


def attention_view(found: Classification, name: str) -> AttentionView:
    """The attention of a label to the words of its line, which is called `name`."""
    from math import log

    from s2s.views.attention_view import AttentionView, Words, round_weights

    return AttentionView(
        name,
        segments=(Words("sentence", found.words),),
        tokens=(found.label,),
        weights=None if found.attention is None else round_weights([found.attention]),
        text=found.label,
        score=log(max(found.probability, 1e-12)),
    )


def _line(found: Classification | None) -> str:
    return "\n" if found is None else f"{found.label}\t{found.probability:.4f}\n"


def _entry(name: str, line: int, sentence: str, found: Classification | None) -> dict[str, Any]:
    """The object of a line in the report."""
    rounded = {label: round(each, 4) for label, each in found.probabilities.items()} if found else {}
    return {
        "file": name,
        "line": line,
        "sentence": sentence,
        "label": found.label if found else None,
        "probability": round(found.probability, 4) if found else None,
        "probabilities": rounded,
        "doubtful": found.doubtful if found else False,
        "reasons": found.reasons if found else (),
    }


def _check_attention(classifier: Classifier, options: argparse.Namespace) -> None:
    head = classifier.engine.assets.config.head
    assert isinstance(head, ClassifierHeadConfig)
    check(
        isinstance(head.reading, AttentionReadingConfig),
        f"--attention {options.attention}: this classifier reads a sentence by its {head.reading.kind}; train one with "
        'head.reading = "attention"',
    )


def _parser() -> Parser:
    parser = Parser(
        description="Classify text, one sentence per line. Line n of the output is the label of line n of the input, a "
        "tab, and the probability of the label. A blank line stays blank. Files are in UTF-8."
    )
    add_options(parser, "classifier")
    parser.add_argument(
        "--attention",
        type=Path,
        metavar="FILE",
        help="also write the weight of each word: as data if FILE ends in .json, as a page if it ends in .html, as a "
        "picture of the first lines if it ends in .png; for classifiers that read by attention",
    )
    return parser


def main() -> int:
    """Entry point."""
    return command.run(classify)


if __name__ == "__main__":
    sys.exit(main())

"""Score an answerer: accuracy by kind of question, beside a blind network and the most frequent answers.

    s2s evaluate answerer --model RUN/best --data questions.jsonl

The questions are answered exactly as by `s2s answer`. An answer that never occurred in training counts as wrong; the
column "answer known" says how much could be right. The blind network was trained with the model, and reads the question
alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from s2s.cli import command
from s2s.cli.arguments import Parser, add_machine_options
from s2s.errors import check
from s2s.files import check_readable


def evaluate(arguments: list[str]) -> int:
    """Print the scores of the model that the arguments name; return the exit code."""
    options = _parser().parse_args(arguments)
    for path in options.data:
        if not path.is_dir():
            check_readable(path)

    from question_answering.answerer import Answerer
    from question_answering.corpus import Question, read_questions
    from question_answering.scores import score

    answerer = Answerer.load(
        options.model,
        engine=options.engine,
        device=options.device,
        precision=options.precision,
        threads=options.threads,
    )
    questions = list[Question]()
    for path in options.data:
        found, report = read_questions(path, options.images)
        print(report, file=sys.stderr)
        questions += found
    asked = [(each.picture, each.text) for each in questions]
    columns: dict[str, list[str]] = {"model": [], "blind": []}
    for each in answerer.answer_stream(asked, blind=True):
        check(not each.problem, f"{each.picture}: {each.problem}; all questions must be scored: repair or remove it")
        columns["model"].append(each.text)
        columns["blind"].append(each.blind or "")
    if answerer.engine.written is not None:
        columns["written"] = [each.text for each in answerer.answer_stream(asked, written=True)]
    figures = score(questions, columns, answerer.engine.frequent, answerer.answers)
    print(json.dumps(figures.to_dict(), ensure_ascii=False) if options.json else figures)
    return 0


def _parser() -> Parser:
    parser = Parser(
        description="Score an answerer: the share of questions that it answers as people did, by kind. Beside it stand "
        "a blind network, which was trained on the same questions without their pictures, and the most frequent answer "
        "of each kind. Where several people answered a question, it is VQA's soft accuracy."
    )
    add = parser.add_argument
    add(
        "--model",
        type=Path,
        metavar="MODEL",
        help="an answerer: a model directory, or a bundled model (see `s2s models`; default: the first bundled one)",
    )
    add(
        "--data",
        type=Path,
        nargs="+",
        action="extend",
        required=True,
        metavar="FILE",
        help="questions with their answers: .jsonl, .csv, .tsv, or the files of VQA, easy-VQA, DAQUAR or COCO-QA",
    )
    add(
        "--images",
        type=Path,
        metavar="DIR",
        help="the folder that names of pictures are relative to (default: that of FILE, or images in it)",
    )
    add("--json", action="store_true", help="print the figures as JSON")
    add_machine_options(parser, ["bfloat16", "float32"])
    return parser


def main() -> int:
    """Entry point."""
    return command.run(evaluate)


if __name__ == "__main__":
    sys.exit(main())

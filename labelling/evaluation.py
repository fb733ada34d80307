"""What the evaluations of classifiers and of taggers share: options, figures, the confusion picture."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labelling.corpus import LabelledText
from labelling.prepare import check_known
from labelling.scores import LabelScore, accuracy, confusion_matrix, label_scores
from s2s.cli.arguments import Parser, add_machine_options
from s2s.errors import check
from s2s.files import atomic_file, check_output, check_readable


@dataclass(frozen=True)
class Figures:
    """How well labels were found; shares are 0 to 1.

    Attributes:
        labels: how many were to be found
        accuracy: the share of them that is right
        macro_f1: the mean F1 of the different labels
        calibration_error: the expected calibration error (Guo et al., 2017, eq. 3), in ten ranges
        confidence: the mean probability of the labels that were chosen
        by_label: the scores of each label
    """

    labels: int
    accuracy: float
    macro_f1: float
    calibration_error: float
    confidence: float
    by_label: Sequence[LabelScore]

    @classmethod
    def of(cls, truth: Sequence[str], found: Sequence[str], probabilities: Sequence[float]) -> Figures:
        """The figures of labels, with the probabilities of those that were found."""
        import numpy as np

        from s2s.decoding.calibrating import expected_calibration_error

        confidences = np.array(probabilities)
        right = np.array([one == other for one, other in zip(truth, found)])
        scores = label_scores(truth, found)
        return cls(
            len(truth),
            accuracy(truth, found),
            sum(score.f1 for score in scores) / len(scores),
            expected_calibration_error(confidences, right),
            float(confidences.mean()),
            scores,
        )

    def lines(self, unit: str) -> Iterator[str]:
        """The figures as text; `unit` is what has a label, in the plural."""
        yield f"accuracy {100 * self.accuracy:.2f} % of {self.labels:,} {unit}"
        yield f"macro F1 {100 * self.macro_f1:.2f} %"
        yield (
            f"calibration error {100 * self.calibration_error:.2f} %, mean probability {100 * self.confidence:.2f} %"
        )
        width = max(len("label"), *(len(score.label) for score in self.by_label))
        yield f"\n{'label':{width}}  precision  recall      F1    count"
        for score in self.by_label:
            shares = f"{100 * score.precision:9.2f}  {100 * score.recall:6.2f}  {100 * score.f1:6.2f}"
            yield f"{score.label:{width}}  {shares}  {score.count:7,}"


def add_options(parser: Parser, model: str, data: str) -> None:
    """Add the options that both evaluations have.

    Args:
        parser: of the command
        model: what the model is called
        data: what the files of --data hold
    """
    add = parser.add_argument
    add(
        "--model",
        type=Path,
        metavar="MODEL",
        help=f"a {model}: a model directory, or a bundled model (see `s2s models`; default: the first bundled one)",
    )
    add("--data", type=Path, nargs="+", action="extend", required=True, metavar="FILE", help=data)
    add(
        "--unknown-labels",
        choices=["refuse", "count"],
        default="refuse",
        help="what to do about labels that the model does not know: refuse the file, or count them as errors (default: "
        "refuse)",
    )
    add("--confusion", type=Path, metavar="FILE.png", help="draw how often each label was taken for each other one")
    add("--force", action="store_true", help="overwrite the file of --confusion")
    add("--json", action="store_true", help="print the figures as JSON")
    add_machine_options(parser, ["bfloat16", "float32"])


def check_files(options: argparse.Namespace) -> None:
    """Check the files before anything is loaded."""
    for path in options.data:
        check_readable(path)
    if options.confusion:
        check(options.confusion.suffix.lower() == ".png", f"--confusion {options.confusion}: the name must end in .png")
        check_output(options.confusion, force=options.force, inputs=options.data)


def check_labels(text: LabelledText, known: Sequence[str], options: argparse.Namespace) -> None:
    """Raise a UserError at a label that the model does not know, unless such labels are to be counted as errors."""
    if options.unknown_labels == "refuse":
        check_known(text, known, "check the columns, or count such labels as errors with --unknown-labels count")


def draw_confusion(truth: Sequence[str], found: Sequence[str], title: str, path: Path) -> None:
    """Write the confusion picture."""
    from s2s.views.confusion import confusion_picture

    labels = sorted({*truth, *found})
    with atomic_file(path) as aside:
        confusion_picture(confusion_matrix(truth, found, labels), labels, title).save(aside, "PNG")

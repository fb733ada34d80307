"""How well the confidence of a translator tells good translations from bad ones, through `translate --report`.

    python -m tests.benchmarks.confidence --model en-de-multi30k --domain val.en val.de --test test.en test.de \
        --other news.en tatoeba.en
    python -m tests.benchmarks.confidence --test test.en test.de --test tatoeba.en tatoeba.de --test news.en news.de

`--test` is text that the calibration was not fitted on; several make a mixture. Printed for each, and for the mixture,
as JSON: Spearman's rank correlation of the confidence with sentence chrF, the expected calibration error, the share
called doubtful, and the area under the ROC curve of the confidence that tells bad translations (chrF below `--bad-
chrf`) from the others. `--domain` is text of the model's domain, such as the validation text, and `--other` text of
other domains, without references: printed is the area of domain against each other text, by the confidence and by the
score alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s2s.decoding.calibrating import expected_calibration_error
from tests.benchmarks.ranking import area, spearman
from translation.metrics import sentence_chrf


def reports(model: str, source: Path, folder: Path) -> list[dict[str, object]]:
    """What `translate --report` says of each line of a file."""
    report = folder / "report.jsonl"
    command = [sys.executable, "-m", "translation.translate", "--model", model, "--report", str(report), "--force"]
    subprocess.run([*command, str(source)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [json.loads(line) for line in report.read_text("utf-8").splitlines()]


def column(lines: Sequence[dict[str, object]], key: str) -> list[float]:
    """A figure of every line; a line without one, which was copied, is left out."""
    return [float(line[key]) for line in lines if line[key] is not None]  # type: ignore[arg-type]


@dataclass(frozen=True)
class Judged:
    """How sure the model was of lines, and how good their translations are."""

    confidence: NDArray[np.float64]
    chrf: NDArray[np.float64]
    doubtful: NDArray[np.bool_]

    @classmethod
    def of(cls, model: str, source: Path, reference: Path, folder: Path) -> Judged:
        """Translate and score a file. A line that was copied, and has no confidence, is left out."""
        references = reference.read_text("utf-8").removesuffix("\n").split("\n")
        lines = [pair for pair in zip(reports(model, source, folder), references, strict=True) if pair[0]["confidence"]]
        return cls(
            np.array([float(line["confidence"]) for line, _ in lines]),  # type: ignore[arg-type]
            np.array([sentence_chrf(str(line["translation"]), reference) for line, reference in lines]),
            np.array([bool(line["doubtful"]) for line, _ in lines]),
        )

    @classmethod
    def mixture(cls, parts: Sequence[Judged]) -> Judged:
        """All lines of several files."""
        names = ("confidence", "chrf", "doubtful")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def figures(self, least: float, bad: float) -> dict[str, float]:
        """See the module; `least` is the chrF of an acceptable translation, and below `bad` it is a bad one."""
        wrong = self.chrf < bad
        return {
            "lines": len(self.chrf),
            "Spearman with chrF": round(spearman(self.confidence, self.chrf), 4),
            "calibration error": round(expected_calibration_error(self.confidence, self.chrf >= least), 4),
            "doubtful": round(float(self.doubtful.mean()), 4),
            "bad": round(float(wrong.mean()), 4),
            "AUC of bad": round(area(self.confidence[~wrong], self.confidence[wrong]), 4),
        }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pair = {"type": Path, "nargs": 2, "metavar": ("SOURCE", "REFERENCE")}
    parser.add_argument("--model", default="en-de")
    parser.add_argument("--test", **pair, action="append", required=True)
    parser.add_argument("--domain", **pair)
    parser.add_argument("--other", type=Path, nargs="+", default=[])
    parser.add_argument("--least-chrf", type=float, default=35.0, help="of an acceptable translation")
    parser.add_argument("--bad-chrf", type=float, default=30.0, help="a translation below is bad")
    options = parser.parse_args()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tests = {files[0].name: Judged.of(options.model, files[0], files[1], folder) for files in options.test}
        domain = reports(options.model, options.domain[0], folder) if options.domain else []
        for other in options.other:
            lines = reports(options.model, other, folder)
            for key in ("confidence", "score"):
                figures[f"AUC {other.name}, {key}"] = round(area(column(domain, key), column(lines, key)), 4)
            figures[f"doubtful {other.name}"] = sum(bool(line["doubtful"]) for line in lines) / len(lines)
    if len(tests) > 1:
        tests["mixture"] = Judged.mixture(list(tests.values()))
    figures |= {name: judged.figures(options.least_chrf, options.bad_chrf) for name, judged in tests.items()}
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

"""How well the confidence of a translator tells good translations from bad ones, through `translate --report`.

    python -m tests.benchmarks.confidence --model en-de --domain val.en val.de --test test.en test.de \
        --other news.en tatoeba.en

`--domain` is text of the model's domain, such as the validation text that the calibration was fitted on, and `--test`
more of it that was not; `--other` is text of other domains, without references. Printed, as JSON: the area under the
ROC curve of domain against each other text, by the confidence and by the score alone; and on `--test` Spearman's rank
correlation of the confidence with sentence chrF, the expected calibration error, and the share called doubtful.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from s2s.decoding.calibrating import expected_calibration_error
from tests.benchmarks.ranking import area, spearman


def reports(model: str, source: Path, folder: Path) -> list[dict[str, object]]:
    """What `translate --report` says of each line of a file."""
    report = folder / "report.jsonl"
    command = [sys.executable, "-m", "translation.translate", "--model", model, "--report", str(report), "--force"]
    subprocess.run([*command, str(source)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return [json.loads(line) for line in report.read_text("utf-8").splitlines()]


def column(lines: Sequence[dict[str, object]], key: str) -> list[float]:
    """A figure of every line; a line without one, which was copied, is left out."""
    return [float(line[key]) for line in lines if line[key] is not None]  # type: ignore[arg-type]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="en-de")
    parser.add_argument("--domain", type=Path, nargs=2, required=True, metavar=("SOURCE", "REFERENCE"))
    parser.add_argument("--test", type=Path, nargs=2, required=True, metavar=("SOURCE", "REFERENCE"))
    parser.add_argument("--other", type=Path, nargs="+", required=True)
    parser.add_argument("--least-chrf", type=float, default=35.0, help="of an acceptable translation")
    options = parser.parse_args()
    from sacrebleu.metrics.chrf import CHRF

    with tempfile.TemporaryDirectory() as folder:
        domain = reports(options.model, options.domain[0], Path(folder))
        others = {path.name: reports(options.model, path, Path(folder)) for path in options.other}
        test = reports(options.model, options.test[0], Path(folder))
    figures: dict[str, object] = {}
    for name, lines in others.items():
        for key in ("confidence", "score"):
            figures[f"AUC {name}, {key}"] = round(area(column(domain, key), column(lines, key)), 4)
        figures[f"doubtful {name}"] = sum(bool(line["doubtful"]) for line in lines) / len(lines)
    references = options.test[1].read_text("utf-8").splitlines()
    chrf = np.array([CHRF().sentence_score(str(a["translation"]), [b]).score for a, b in zip(test, references)])
    confidences = np.array(column(test, "confidence"))
    figures["Spearman with chrF"] = round(spearman(confidences, chrf), 4)
    figures["calibration error"] = round(expected_calibration_error(confidences, chrf >= options.least_chrf), 4)
    figures["doubtful"] = sum(bool(line["doubtful"]) for line in test) / len(test)
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

"""How well the confidence of captions tells: figures from reports of `caption --report`.

    caption test/ --report test.jsonl; caption others/ --report others.jsonl
    python -m tests.benchmarks.caption_confidence test.jsonl --references captions.csv --others others.jsonl

The first report is of pictures like those of the training, with references; the others are of pictures that should be
told from them. `python -m tests.benchmarks.odd_pictures FOLDER` draws charts, pages, windows, icons and sketches.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from captioning.calibration import ACCEPTABLE
from captioning.metrics.cider import CiderD
from captioning.metrics.ptb import tokenise
from captioning.results import image_id, read_references
from s2s.decoding.calibrating import expected_calibration_error
from s2s.text.lines import read_lines
from tests.benchmarks.ranking import area, spearman

_CHANCE = 200  # draws


def quality(report: list[dict[str, Any]], references: Path) -> NDArray[np.float64]:
    """CIDEr-D of each caption, 0 to 1000, with the idf of these pictures."""
    known = read_references(references)
    words = [[tokenise(text) for text in known[image_id(Path(each["path"]))]] for each in report]
    score = CiderD([list(filter(None, of_picture)) for of_picture in words]).score
    return np.array([100 * score(i, tokenise(each["caption"])) for i, each in enumerate(report)])


def in_domain(report: list[dict[str, Any]], references: Path) -> dict[str, float]:
    """Calibration and ranking of captions whose quality is known."""
    confidence, scores = _column(report, "confidence"), quality(report, references)
    order, half = np.argsort(confidence, kind="stable"), len(report) // 2
    acceptable = scores >= ACCEPTABLE
    drawn = np.random.default_rng(1).random((_CHANCE, len(report))) < confidence  # what a perfect confidence would meet
    chance = [expected_calibration_error(confidence, labels) for labels in drawn]
    return {
        "pictures": len(report),
        "CIDEr-D": float(scores.mean()),
        "CIDEr-D of the sure half": float(scores[order[half:]].mean()),
        "CIDEr-D of the other half": float(scores[order[:half]].mean()),
        "Spearman with CIDEr-D": spearman(confidence, scores),
        "the same of the score alone": spearman(_column(report, "score"), scores),
        "calibration error": expected_calibration_error(confidence, acceptable),
        "calibration error of a perfect confidence": float(np.mean(chance)),
        "doubtful share": float(np.mean([each["doubtful"] for each in report])),
    }


def against(report: list[dict[str, Any]], other: list[dict[str, Any]]) -> dict[str, float]:
    """How well pictures of another kind are told."""
    return {
        "pictures": len(other),
        "AUC": area(_column(report, "confidence"), _column(other, "confidence")),
        "AUC of the score alone": area(_column(report, "score"), _column(other, "score")),
        "doubtful share": float(np.mean([each["doubtful"] for each in other])),
    }


def _column(report: list[dict[str, Any]], key: str) -> NDArray[np.float64]:
    return np.array([each[key] for each in report], dtype=np.float64)


def _read(path: Path) -> list[dict[str, Any]]:
    return [entry for line in read_lines(path) if "problem" not in (entry := json.loads(line))]


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--references", type=Path, required=True)
    parser.add_argument("--others", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    report = _read(options.report)
    figures = {options.report.name: in_domain(report, options.references)}
    figures |= {path.name: against(report, _read(path)) for path in options.others}
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()

"""Calibration: fit the confidence of a translation model on validation text, and store it in the model directory.

A translation is acceptable if its sentence chrF against the reference is at least `ACCEPTABLE`. Each line is translated
twice, as it is and spoiled (translation/spoiling.py), with the search that a user of `translate` gets. The training of
a model does this as its last step.
"""

from __future__ import annotations

from pathlib import Path

from s2s.decoding.calibrating import Fit, fit
from s2s.decoding.confidence import FILE
from s2s.errors import UserError, warn
from s2s.storage.model_directory import write_asset
from translation.corpus import ParallelText
from translation.metrics import sentence_chrf
from translation.spoiling import spoiled
from translation.translator import Translator

ACCEPTABLE = 35.0  # of the bundled model's validation lines 94 % are; of news and everyday sentences 3 % and 10 %
MEANING = f"sentence chrF of at least {ACCEPTABLE:g}"
DOUBTFUL_SHARE = 0.3  # of those lines that are not acceptable: warnings on ordinary text are soon ignored
MOST_LINES = 2000  # more make the fit hardly better, but take longer
_WINDOW, _SEED = 500, 1


def calibrate_model(directory: Path, text: ParallelText, *, device: str = "auto") -> Fit:
    """Fit the confidence of the model in `directory` on `text`, which it was not trained on, and store it there.

    Raises:
        UserError: the model cannot be loaded or written, or nothing can be learned from the text.
    """
    found = fit_confidence(Translator.load(directory, device=device), text)
    write_asset(directory, FILE, found.calibration.to_json())
    return found


def calibrate_trained(directory: Path, text: ParallelText, device: str) -> None:
    """Calibrate a model at the end of its training, unless it is calibrated already; a failure is only a warning."""
    if (directory / FILE).exists():  # the training had ended before
        return
    try:
        calibrate_model(directory, text, device=device)
    except UserError as error:
        warn(f"{directory}: its confidence was not calibrated, which `translate --report` needs: {error}")


def fit_confidence(translator: Translator, text: ParallelText) -> Fit:
    """Fit the confidence of a translator on `text`; on `MOST_LINES` lines, evenly spaced, if it has more."""
    step = -(-len(text) // MOST_LINES)
    sources, references = text.source[::step], text.target[::step]
    odd = spoiled(sources, _SEED)
    features, acceptable, ordinary, groups = [], list[bool](), list[bool](), list[int]()
    for lines, as_it_is in ((sources, True), (odd, False)):
        for start in range(0, len(lines), _WINDOW):
            window = translator.with_features(lines[start : start + _WINDOW])
            for number, (translation, its_features) in enumerate(window, start):
                if its_features is not None:
                    features.append(its_features)
                    acceptable.append(sentence_chrf(translation.text, references[number]) >= ACCEPTABLE)
                    ordinary.append(as_it_is)
                    groups.append(number)
    bad = [not good for good, usual in zip(acceptable, ordinary) if usual]
    most = DOUBTFUL_SHARE * sum(bad) / max(len(bad), 1)
    return fit(features, acceptable, meaning=MEANING, ordinary=ordinary, groups=groups, most_doubtful=most)

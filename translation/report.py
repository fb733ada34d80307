"""The report of `translate`: an object for each input line, and what is done about doubtful translations.

    translate --report report.jsonl --unsure mark FILE

A line of the report, which is JSON:

    file          as it was given, or "standard input"
    line          its number in the file, from 1
    source        the line
    translation   of the model, whatever --unsure writes in its place
    score         mean log-probability of a token (with another --length-penalty, the score of the search); null for a
                  blank line and for one that was copied without asking the model
    confidence    the probability that the translation is acceptable, 0 to 1; null where the score is null, and if the
                  confidence of the model is not calibrated
    doubtful      whether the confidence is below the threshold of the calibration; null if it is not calibrated
    reasons       what lowers the confidence, in words, the most important first; also a term or prefix that is missing
    spans         the protected spans of the source: text, kind, start and end (offsets in code points), and whether the
                  span is kept: stands in the translation unchanged
    terms         those of --glossary and --keep in the source: source, target, and whether the translation holds it
                  (written)
    pieces        the start and end of each piece that the line was cut into: its sentences, and parts of long ones
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from s2s.cli import doubts
from s2s.cli.doubts import MARK, NOT_CALIBRATED
from s2s.decoding.results import Translation
from s2s.text.spans import find_spans

Unsure = Literal["keep", "mark", "source"]
UNSURE: tuple[Unsure, ...] = ("keep", "mark", "source")

Entry = dict[str, Any]


def entry(translation: Translation, source: str, file: str, line: int, *, calibrated: bool) -> Entry:
    """The object of one line; see the docstring of the module."""
    asked = bool(translation.tokens)  # otherwise the line is blank or was copied
    reasons = list(translation.reasons) if calibrated or not asked else [NOT_CALIBRATED]
    reasons += [] if translation.prefix_kept else ["does not begin with its prefix"]
    missing = (term for term in translation.terms if not term.written)
    return {
        "file": file,
        "line": line,
        "source": source,
        "translation": translation.text,
        "score": round(translation.score, 4) if asked else None,
        "confidence": None if translation.confidence is None else round(translation.confidence, 4),
        "doubtful": translation.doubtful if calibrated else None,
        "reasons": reasons + [f"{term.source} should be {term.target}, which is missing" for term in missing],
        "spans": _spans(source, translation.text),
        "terms": [vars(term) for term in translation.terms],
        "pieces": [list(place) for place in translation.places],
    }


def _spans(source: str, translation: str) -> list[Entry]:
    texts = Counter(translation[span.start : span.end] for span in find_spans(translation))
    found = []
    for span in find_spans(source):
        text = source[span.start : span.end]
        texts[text] -= 1
        found.append({"text": text, "kind": span.kind, "start": span.start, "end": span.end, "kept": texts[text] >= 0})
    return found


@dataclass
class Doubts:
    """Decides what is written for each line, and counts the doubtful ones.

    Attributes:
        unsure: what is written for a doubtful line: its translation ("keep"), its translation after `MARK` ("mark"), or
            its source ("source")
        doubtful: how many lines were
    """

    unsure: Unsure = "keep"
    doubtful: int = 0

    def written(self, translation: Translation, source: str) -> str:
        """The line that is written for a translation."""
        if not translation.doubtful:
            return translation.text
        self.doubtful += 1
        if self.unsure == "mark":
            return MARK + translation.text
        return source if self.unsure == "source" else translation.text

    def summary(self, lines: int, advice: str) -> str:
        """A line that says how many of all lines are doubtful; empty if none is. `advice` is what to do next."""
        done = {"keep": "", "mark": f", marked {MARK.strip()}", "source": ", written as in the source"}[self.unsure]
        return doubts.summary(self.doubtful, lines, "lines", done + advice)


@dataclass
class TermCount:
    """Counts the terms of a glossary, and those that are missing in the translations.

    Attributes:
        terms: in the sources
        missing: in the translations
        lines: that lack a term
    """

    terms: int = 0
    missing: int = 0
    lines: int = 0

    def add(self, translation: Translation) -> None:
        """Count those of a line."""
        missing = sum(not term.written for term in translation.terms)
        self.terms += len(translation.terms)
        self.missing += missing
        self.lines += missing > 0

    def summary(self, advice: str) -> str:
        """A line that says how many terms are missing; empty if none is. `advice` is what to do next."""
        if not self.missing:
            return ""
        lines = f"{self.lines:,} line{'s' * (self.lines != 1)}"
        terms = f"{self.missing:,} of {self.terms:,} terms {'is' if self.missing == 1 else 'are'}"
        return f"{terms} missing in the translations, in {lines}{advice}"

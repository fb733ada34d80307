"""The report of `translate`: an object for each input line, and what is done about doubtful translations.

    translate --report report.jsonl --unsure mark FILE

A line of the report, which is JSON:

    file          as it was given, or "standard input"
    line          its number in the file, from 1
    source        the line
    translation   of the model, whatever --unsure writes in its place
    score         mean log-probability of a token (with another --length-penalty, the score of the search); null for a
                  blank line, for one that was copied without asking the model, and for one of a document whose tags got
                  lost, so that the texts between them were translated one by one
    confidence    the probability that the translation is acceptable, 0 to 1; 0 for a line whose words were copied, and
                  else null where the score is null, and if the confidence of the model is not calibrated
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
from typing import Any, Literal

from s2s.cli import doubts
from s2s.cli.doubts import MARK, NOT_CALIBRATED
from s2s.decoding.results import Translation
from s2s.text.spans import find_spans

Unsure = Literal["keep", "mark", "source"]
UNSURE: tuple[Unsure, ...] = ("keep", "mark", "source")

ReportEntry = dict[str, Any]


def entry(translation: Translation, source: str, file: str, line: int, *, calibrated: bool) -> ReportEntry:
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


def _spans(source: str, translation: str) -> list[ReportEntry]:
    texts = Counter(translation[span.start : span.end] for span in find_spans(translation))
    found = []
    for span in find_spans(source):
        text = source[span.start : span.end]
        texts[text] -= 1
        found.append({"text": text, "kind": span.kind, "start": span.start, "end": span.end, "kept": texts[text] >= 0})
    return found


def written_line(translation: Translation, source: str, unsure: Unsure) -> str:
    """The line that is written for a translation: itself, itself behind `MARK`, or its source, if it is doubtful."""
    if not translation.doubtful or unsure == "keep":
        return translation.text
    return MARK + translation.text if unsure == "mark" else source


def doubtful_lines(doubtful: int, lines: int, unsure: Unsure, advice: str) -> str:
    """A line that says how many of all lines are doubtful; empty if none is. `advice` is what to do next."""
    done = {"keep": "", "mark": f", marked {MARK.strip()}", "source": ", written as in the source"}[unsure]
    return doubts.summary(doubtful, lines, "lines", done + advice)

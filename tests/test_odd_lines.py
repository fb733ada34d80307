"""The generator of odd lines, and that every protected span in its lines is found."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

from s2s.text.spans import KINDS, find_spans
from tests.odd_lines import OddLine, doubled_spans, missing_spans, odd_lines

LINES = 5_000


def protected(text: str) -> list[str]:
    """The parts of the text that are covered by spans, neighbours together."""
    parts, end = [""], 0
    for span in find_spans(text):
        found = text[span.start : span.end]
        parts[-1:] = [parts[-1] + found] if span.start == end else [parts[-1], found]
        end = span.end
    return parts


def test_every_span_of_odd_lines_is_found() -> None:
    lost = []
    for line in odd_lines(LINES):
        parts = protected(line.text)
        for span, times in Counter(line.spans).items():
            if sum(part.count(span) for part in parts) < times:
                lost.append((span, line.text))
    assert lost == []


def test_odd_lines_hold_spans_of_every_kind_in_every_place() -> None:
    kinds, places, glued = set[str](), set[str](), 0
    for line in odd_lines(LINES):
        spans = find_spans(line.text)
        kinds |= {span.kind for span in spans}
        places |= {"start" for span in spans if span.start == 0} | {"end" for s in spans if s.end == len(line.text)}
        glued += any(a.end == b.start for a, b in pairwise(spans))
    assert kinds == {kind.name for kind in KINDS}
    assert places == {"start", "end"}
    assert glued > LINES / 20


def test_a_seed_gives_the_same_lines_and_another_one_others() -> None:
    assert list(odd_lines(50)) == list(islice(odd_lines(100), 50))
    assert [line.text for line in odd_lines(50)] != [line.text for line in odd_lines(50, seed=2)]


def test_what_is_missing_or_doubled() -> None:
    line = OddLine("description", "5 men, 5 dogs and 北京 <b>", ["5", "5", "<b>"], ["北京"])
    assert missing_spans(line, "5 Männer, 5 Hunde und 北京 <b>") == []
    assert missing_spans(line, "5 Männer, Hunde und") == ["5", "<b>", "北京"]
    assert doubled_spans(line, "5 Männer, 5 Hunde <b> <b>") == ["<b>"]

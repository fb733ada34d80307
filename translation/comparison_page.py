"""The page of a comparison: one file, which needs no other file and no network."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from pathlib import Path

from s2s.views.web_page import fill_template
from translation.comparison import Comparison, Group, letter, sections
from translation.metrics import Score, Significance

_TEMPLATE = Path(__file__).parent / "data" / "comparison.html"
SYSTEMS = 6  # at most: the page has so many colours


def comparison_page(comparison: Comparison, title: str, count: int) -> str:
    """The HTML of a comparison.

    Args:
        comparison: of two systems or more
        title: of the page
        count: how many sentences are shown in each direction
    """
    members = comparison.most_different(count)
    lines = len(comparison.references[0])
    systems = (f"<li>{_letter(i)} {html.escape(name)}</li>" for i, name in enumerate(comparison.names))
    groups = (_groups(caption, of) for caption, of in sections(comparison))
    signatures = (
        f'<p class="signature">{score.name}: {html.escape(score.signature)}</p>' for score in comparison.scores[0]
    )
    return fill_template(
        _TEMPLATE,
        title,
        systems="\n".join(systems),
        scores=_scores(comparison.scores, comparison.tests),
        signatures="\n".join(signatures),
        groups="\n".join(groups),
        selection=_selection(comparison, len(members), lines),
        orders=_orders(len(comparison.systems)),
        sentences="\n".join(_sentence(comparison, i) for i in members),
        footer=f"{lines:,} sentences, {_references(comparison)}. chrF and BLEU of a sentence are sacreBLEU's.",
    )


def _references(comparison: Comparison) -> str:
    count = len(comparison.references)
    return "1 reference" if count == 1 else f"{count} references"


def _letter(system: int) -> str:
    name = letter(system)
    return f'<span class="letter {name.lower()}">{name}</span>'


def _scores(scores: Sequence[Sequence[Score]], tests: Sequence[Sequence[Significance]]) -> str:
    """A row for each system, a column for each score."""
    heads = "".join(f'<th scope="col" class="number">{html.escape(score.name)}</th>' for score in scores[0])
    rows = [f'<tr><th scope="col">system</th>{heads}</tr>']
    for system, own in enumerate(scores):
        cells = (
            f'<td class="number">{score.value:.2f}{_test(tests[system - 1][i]) if system else ""}</td>'
            for i, score in enumerate(own)
        )
        rows.append(f'<tr><th scope="row">{_letter(system)}</th>{"".join(cells)}</tr>')
    seed = tests[0][0].signature.partition("seed:")[2].partition("|")[0]
    caption = f"differences from A, with p-values of the paired bootstrap (1,000 samples, seed {seed})"
    return f"<table><caption>{caption}</caption>{''.join(rows)}</table>"


def _test(test: Significance) -> str:
    verdict = "significant" if test.p_value < 0.05 else "not significant"
    return f"<br><small>{_signed(test.difference, 2)}, p = {test.p_value:.4f}, {verdict}</small>"


def _signed(value: float, digits: int = 1) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def _groups(caption: str, groups: Sequence[Group]) -> str:
    title, _, counted = caption.partition(" (")
    rows = "".join(
        f'<tr><th scope="row">{group.label}<br><small>{group.count:,}</small></th>'
        f"<td>{''.join(_bar(system, value) for system, value in enumerate(group.values))}</td></tr>"
        for group in groups
    )
    counted = counted.removesuffix(")")
    return (
        f"<section><h2>{title}</h2>"
        f'<table class="groups"><caption>below each range: {counted}</caption>{rows}</table></section>'
    )


def _bar(system: int, value: float) -> str:
    name = letter(system)
    return (
        f'<div class="bar {name.lower()}">{_letter(system)}<i style="--value:{value:.2f}"></i><b>{value:.1f}</b></div>'
    )


def _selection(comparison: Comparison, shown: int, lines: int) -> str:
    if not shown:
        return "No sentence has another chrF in one system than in another."
    return f"The {shown:,} of {lines:,} sentences whose chrF differs most from that of A."


def _orders(systems: int) -> str:
    """The options of the order of sentences; their values are names of data of each."""
    options = [("difference", "largest difference first")]
    for system in range(1, systems):
        name = letter(system)
        options += [(f"gain{name}", f"{name} better than A first"), (f"loss{name}", f"A better than {name} first")]
    options += [("before", "as in the file")]
    return "".join(f'<option value="{value}">{label}</option>' for value, label in options)


def _sentence(comparison: Comparison, line: int) -> str:
    values = [of[line] for of in comparison.sentence_chrfs]
    changes = {letter(system): values[system] - values[0] for system in range(1, len(values))}
    data = {"difference": max(map(abs, changes.values())), "before": -line}
    for name, change in changes.items():
        data |= {f"gain-{name.lower()}": change, f"loss-{name.lower()}": -change}
    told = ", ".join(f"{name} − A <b>{_signed(change)}</b>" for name, change in changes.items())
    attributes = " ".join(f'data-{name}="{value:.2f}"' for name, value in data.items())
    return (
        f'<article tabindex="-1" {attributes}><h3><b>line {line + 1:,}</b> · chrF {told}</h3>'
        f"<dl>{''.join(_texts(comparison, line, values))}</dl></article>"
    )


def _texts(comparison: Comparison, line: int, values: Sequence[float]) -> Iterator[str]:
    if comparison.source is not None:
        yield f'<dt>source</dt><dd dir="auto">{html.escape(comparison.source[line])}</dd>'
    for number, stream in enumerate(comparison.references, 1):
        name = "reference" if len(comparison.references) == 1 else f"reference {number}"
        yield f'<dt>{name}</dt><dd dir="auto">{html.escape(stream[line])}</dd>'
    for system, (chrf, bleu) in enumerate(zip(values, comparison.sentence_bleus(line))):
        text = "".join(
            f'<mark class="{"right" if part.right else "wrong"}">{html.escape(part.text)}</mark>'
            if part.differs
            else html.escape(part.text)
            for part in comparison.parts(system, line)
        )
        scores = f"<small>chrF {chrf:.1f}, BLEU {bleu:.1f}</small>"
        yield f'<dt>{_letter(system)}</dt><dd dir="auto">{text or "<span class=quiet>(blank)</span>"}{scores}</dd>'

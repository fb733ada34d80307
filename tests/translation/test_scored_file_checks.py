"""Files that are no plain text are told before their scores are believed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from translation.metrics import bleu, chrf, lower_tokenised_bleu
from translation.scored_file_checks import signs_of_chance, signs_of_other_formats

PLAIN = ["Ein Mann spielt Gitarre.", "", "Zwei Hunde, die rennen: 3.5 || 4 ...", "Er sagt: „Ja!“", "Ça va ?", "f ."]


@pytest.mark.parametrize(
    ("lines", "sign"),
    [
        (PLAIN, None),
        ([], None),
        ([f"{i} ||| {line} ||| -0.5" for i, line in enumerate(PLAIN)], "looks like an n-best list"),
        (
            ["Ein M@@ ann spielt Gitar@@ re ."],
            "looks like subwords (`@@ ` or `▁` in 1 of 1 lines), and the scores mean",
        ),
        (["▁Ein ▁Mann"], "looks like subwords"),
        (
            ["Ein Mann spielt Gitarre .", "Zwei Hunde , die rennen", "Ja"],
            "looks tokenised (a space before punctuation in 2",
        ),
    ],
)
def test_formats_are_recognised(lines: Sequence[str], sign: str | None) -> None:
    signs = list(signs_of_other_formats(Path("x.de"), lines))
    assert signs == [] if sign is None else signs[0].startswith(f"x.de: {sign}")


def test_a_bleu_without_four_words_in_a_row_is_told() -> None:
    assert list(signs_of_chance(bleu(["Ein Mann"], [["Ein Mann"]], "de")))
    assert list(signs_of_chance(lower_tokenised_bleu(["Ein Mann isst am Tag."], [["Ein Hund isst am Tor."]], "de")))
    assert not list(signs_of_chance(bleu(["Ein Mann isst am Tag."], [["Ein Mann isst am Tor."]], "de")))
    assert not list(signs_of_chance(chrf(["Ein Mann"], [["Ein Mann"]])))

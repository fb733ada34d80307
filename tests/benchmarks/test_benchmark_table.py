"""Tables of measurements, and what toolkits' figures are made of."""

from __future__ import annotations

from tests.benchmarks.table import aligned, number, ratio, tables
from tests.benchmarks.toolkit import fitted, speed

SPEED = {"both": 2000.0, "target": 1000.0, "pairs": 100.0, "megabytes": 500.0}
FLOOR = {"float32": 0.5, "bfloat16": 0.1, "read float32": 2e-3, "read bfloat16": 1e-3, "sentences": 80, "target": 10}


def row(lines: list[str], name: str) -> list[str]:
    """The cells of the line that begins so."""
    (line,) = (line for line in lines if line.startswith(name))
    return line.split("  ")[0:1] + [cell.strip() for cell in line[len(name) :].split("  ") if cell.strip()]


def test_columns_stand_below_each_other() -> None:
    lines = list(aligned(["name", "figure"], [["a", "1"], ["longer", "1,000"]]))
    assert lines == ["name    figure", "------  ------", "a            1", "longer   1,000"]


def test_what_is_missing_is_a_dash() -> None:
    assert number(None) == ratio(None, 2.0) == ratio(2.0, None) == "-"


def test_training_is_told_beside_the_peers_and_the_floor() -> None:
    fast = {"both": 12000.0, "target": 6000.0, "pairs": 600.0, "megabytes": 1500.0}
    lines = list(tables({"training/ours": fast, "training/JoeyNMT": SPEED, "floor/ours": FLOOR}))
    assert row(lines, "ours") == ["ours", "12,000", "6,000", "600", "6.00 x", "-", "375%", "75%", "1,500"]
    # A second of 1,000 target tokens is 1.25 batches of 80 sentences of 10, of half a second each at least.
    assert row(lines, "JoeyNMT")[6] == "62%"


def test_minutes_are_compared_at_what_joeynmt_reaches() -> None:
    peer = {"minutes": 100.0, "BLEU": 33.4, "to 33": 80.0, "megabytes": 900.0}
    own = {"minutes": 20.0, "BLEU": 36.1, "to 33": 10.0, "to 36": 18.0, "megabytes": 800.0}
    lines = list(tables({"fit/ours": own, "fit/JoeyNMT": peer}))
    assert "minutes to 33 BLEU" in lines[1]
    assert row(lines, "ours")[1:3] == ["10.0", "0.12 x"]


def test_decoding_has_ratios_of_the_same_width_and_batch() -> None:
    def decoded(rate: float) -> dict[str, float]:
        return {"rate": rate, "lc-tok": 35.0, "BLEU": 34.5, "words": 11.0, "megabytes": 400.0}

    found = {f"decoding/{name}/beam 5, batch {batch}": decoded(rate) for name, batch, rate in [
        ("ours", 128, 800.0), ("JoeyNMT", 128, 50.0), ("ours", 1, 30.0), ("JoeyNMT", 1, 10.0),
    ]}  # fmt: skip
    lines = [line for line in tables(found) if line.startswith("beam")]
    assert [line.split()[3] + line.split()[4] for line in lines] == ["1ours", "1JoeyNMT", "128ours", "128JoeyNMT"]
    assert [line.split()[7] for line in lines] == ["3.00", "1.00", "16.00", "1.00"]


def test_the_first_translation_is_told_with_what_was_asked_for() -> None:
    lines = list(tables({"start/import torch": {"seconds": 2.0}, "start/ours": {"seconds": 2.4}}))
    assert row(lines, "ours") == ["ours", "2.40", "1.20 x"]
    assert lines[-1].endswith("2.70 s")


def test_levels_are_dated_by_the_first_validation_that_reaches_them() -> None:
    found = fitted([(1.0, 1.5), (2.0, 3.2), (3.0, 2.9), (4.0, 4.0)])
    assert found == {"BLEU": 4.0, "to 1": 1.0, "to 2": 2.0, "to 3": 2.0, "to 4": 4.0}


def test_speed_follows_from_the_targets_tokens() -> None:
    found = speed(100.0, {"pairs": 29_000, "source": 15.0, "target": 10.0})
    assert found == {"pairs": 10.0, "target": 100.0, "both": 250.0}

"""Measurements as tables: medians, ratios to the peers, shares of the floor. Pure text: nothing is measured here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tests.benchmarks.record import Figures

Medians = Mapping[str, Figures]  # by keys such as `training/JoeyNMT`
_NONE = "-"
_LEVEL = 35  # BLEU that training is to reach


def tables(found: Medians) -> Iterator[str]:
    """All that was measured, line by line."""
    sections = {
        "machine": _machine,
        "training": _training,
        "fit": _fit,
        "decoding": _decoding,
        "start": _start,
        "captions": _captions,
    }
    for name, section in sections.items():
        if rows := _of(found, name):
            yield from ("", *section(rows, found))


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, the others to the right, as wide as they must be."""
    widths = [max(map(len, column)) for column in zip(header, *rows)]
    for row in (header, ["-" * width for width in widths], *rows):
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths))
        yield "  ".join([first.strip().ljust(widths[0]), *rest]).rstrip()


def number(value: float | None, digits: int = 0) -> str:
    """With thousands separated; a dash where there is none."""
    return _NONE if value is None else f"{value:,.{digits}f}"


def ratio(value: float | None, other: float | None) -> str:
    """Such as `5.2 x`; a dash where one is missing."""
    return _NONE if not value or not other else f"{value / other:.2f} x"


def share(value: float | None) -> str:
    """As per cent."""
    return _NONE if value is None else f"{value:.0%}"


def memory(figures: Figures) -> str:
    """Megabytes at most, and those of a GPU."""
    on_gpu = figures.get("GPU megabytes")
    return number(figures["megabytes"]) + ("" if on_gpu is None else f", GPU {number(on_gpu)}")


def _of(found: Medians, section: str) -> Medians:
    """The measurements of a section, by the rest of their keys."""
    return {key.partition("/")[2]: figures for key, figures in found.items() if key.partition("/")[0] == section}


def _machine(rows: Medians, found: Medians) -> Iterator[str]:
    (figures,) = rows.values()
    products = ", ".join(f"{figures[name]:,.0f} in {name}" for name in ("float32", "bfloat16"))
    yield f"Matrix products, 1024 x 512 x 8000, GFLOP/s: {products}"
    reading = ", ".join(f"{value:,.0f} of {key[5:]}" for key, value in figures.items() if key.startswith("read "))
    yield f"Reading again and again, GB/s: {reading}"


def _training(rows: Medians, found: Medians) -> Iterator[str]:
    header = ["Training, tokens a second", "both sides", "target", "pairs/s", "x JoeyNMT", "x OpenNMT-py"]
    header += ["of float32 floor", "of bfloat16 floor", "peak MB"]
    floors, peers = _of(found, "floor"), [rows.get(name, {}).get("both") for name in ("JoeyNMT", "OpenNMT-py")]
    table = []
    for name, figures in rows.items():
        floor = floors.get(name) or floors.get("ours")  # all but the recipe that ships have one architecture
        shares = [_share(figures["target"], floor, dtype) for dtype in ("float32", "bfloat16")]
        speeds = [number(figures[key]) for key in ("both", "target", "pairs")]
        table.append([name, *speeds, *(ratio(figures["both"], peer) for peer in peers), *shares, memory(figures)])
    yield from aligned(header, table)


def _share(target: float, floor: Figures | None, dtype: str) -> str:
    """Of the floor: the products of so many target tokens in a second, each at the rate of its own shape."""
    return share(target * floor[dtype] / (floor["sentences"] * floor["target"]) if floor else None)


def _fit(rows: Medians, found: Medians) -> Iterator[str]:
    peer = rows.get("JoeyNMT", {}).get("BLEU", float(_LEVEL))
    level = min(_LEVEL, int(peer))
    reached = {name: figures.get(f"to {level}") for name, figures in rows.items()}
    header = [
        "Training to the end",
        f"minutes to {level} BLEU",
        "of JoeyNMT's",
        "minutes in all",
        "validation BLEU",
        "peak MB",
    ]
    table = []
    for name, figures in rows.items():
        cells = [number(reached[name], 1), ratio(reached[name], reached.get("JoeyNMT")), number(figures["minutes"], 1)]
        table.append([name, *cells, number(figures.get("BLEU"), 1), memory(figures)])
    yield from aligned(header, table)
    yield "Validation BLEU is sacreBLEU's, cased, of greedy search."


def _decoding(rows: Medians, found: Medians) -> Iterator[str]:
    header = ["Decoding", "toolkit", "sentences/s", "ms/sentence", "x JoeyNMT", "x OpenNMT-py"]
    header += ["lc-tok", "sacreBLEU", "words/sentence", "peak MB"]
    table = []
    for key, figures in rows.items():
        name, _, how = key.partition("/")
        peers = [rows.get(f"{peer}/{how}", {}).get("rate") for peer in ("JoeyNMT", "OpenNMT-py")]
        cells = [
            number(figures["rate"], 1),
            number(1000 / figures["rate"], 1),
            *(ratio(figures["rate"], p) for p in peers),
        ]
        scores = [number(figures.get(score), 2) for score in ("lc-tok", "BLEU")]
        table.append([how, name, *cells, *scores, number(figures.get("words"), 1), memory(figures)])
    yield from aligned(header, sorted(table, key=lambda row: [row[0].split()[0], int(row[0].split()[-1])]))
    for name, floor in _of(found, "floor").items():
        times = ", ".join(f"{1000 * floor[f'read {dtype}']:.2f} ms in {dtype}" for dtype in ("float32", "bfloat16"))
        yield f"Floor at batch 1, greedy, {name}: reading the weights of a sentence's steps takes {times}."


def _start(rows: Medians, found: Medians) -> Iterator[str]:
    torch = rows.get("import torch", {}).get("seconds")
    limit = None if torch is None else 1.2 * torch + 0.3
    table = [[name, number(row["seconds"], 2), ratio(row["seconds"], torch)] for name, row in rows.items()]
    yield from aligned(["First translation of a fresh process", "seconds", "x import torch"], table)
    yield f"Asked for: 1.2 x import torch + 0.3 s = {number(limit, 2)} s"


def _captions(rows: Medians, found: Medians) -> Iterator[str]:
    header = [
        "Captions from pixels",
        "captions/s",
        "CNN ms",
        "of float32 floor",
        "of bfloat16 floor",
        "decoder ms",
        "peak MB",
    ]
    table = []
    for name, figures in rows.items():
        shares = [share(figures[dtype] / figures["CNN"]) for dtype in ("float32", "bfloat16")]
        rate = number(1 / (figures["CNN"] + figures["decoder"]), 1)
        times = [number(1000 * figures[part], 1) for part in ("CNN", "decoder")]
        table.append([name, rate, times[0], *shares, times[1], memory(figures)])
    yield from aligned(header, table)

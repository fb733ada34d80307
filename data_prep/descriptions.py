"""Text in one language from several files, to be trained on: nothing twice, and nothing that is evaluated on."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from s2s.files import atomic_file, check_output
from s2s.text.lines import read_lines

SHOWN = 3  # places that a report shows for each reason


@dataclass
class DescriptionReport:
    """What was dropped, by reason: places such as `train.1.de:17`."""

    kept: int = 0
    dropped: dict[str, list[str]] = field(default_factory=lambda: {"blank": [], "evaluated on": [], "double": []})

    def __str__(self) -> str:
        total = self.kept + sum(map(len, self.dropped.values()))
        return f"kept {self.kept:,} of {total:,} lines: {', '.join(map(self._told, self.dropped))}"

    def _told(self, reason: str) -> str:
        places = self.dropped[reason]
        more = ", ..." if len(places) > SHOWN else ""
        return f"{reason} {len(places):,}" + (f" ({', '.join(places[:SHOWN])}{more})" if places else "")


def write_descriptions(
    path: Path, parts: Sequence[Path], held_out: Iterable[Path], *, force: bool = False
) -> DescriptionReport:
    """Write the lines of `parts` to `path`, one file after the other, without edge spaces.

    Lines that differ in case, edge spaces or Unicode composition alone count as the same. Of doubles the first stays.
    A `path` that holds exactly this already is left alone; another one is a UserError, unless `force` replaces it.
    """
    report = DescriptionReport()
    evaluated = {_key(line) for file in held_out for line in read_lines(file)}
    text = "".join(f"{line}\n" for line in _kept(parts, evaluated, report)).encode()
    if not (path.is_file() and path.read_bytes() == text):
        check_output(path, force=force)
        with atomic_file(path) as aside:
            aside.write_bytes(text)
    return report


def _kept(parts: Iterable[Path], evaluated: set[str], report: DescriptionReport) -> Iterator[str]:
    seen: set[str] = set()
    for part in parts:
        for number, line in enumerate(read_lines(part), 1):
            key = _key(line)
            if not key:
                reason = "blank"
            elif key in evaluated:
                reason = "evaluated on"
            elif key in seen:
                reason = "double"
            else:
                seen.add(key)
                report.kept += 1
                yield line.strip()
                continue
            report.dropped[reason].append(f"{part.name}:{number}")


def _key(line: str) -> str:
    """Equal for lines that say the same."""
    return unicodedata.normalize("NFC", line.strip().casefold())

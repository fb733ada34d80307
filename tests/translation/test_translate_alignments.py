"""`translate --alignments`: a line of links for each line, of the words that white space separates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from s2s.cli import command
from translation.translate import translate

Translate = Callable[..., tuple[int, str, str]]
LINES = ["A man  sleeps.", "", "42 17", "Two dogs play. Two women run!", "<b>Two dogs</b> play 😀."]


@pytest.mark.parametrize("engine", ["onnx", "torch"])
def test_links_are_between_words_of_the_line_and_of_the_output(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, links = tmp_path / "text.en", tmp_path / "links"
    source.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    arguments = ["--model", "en-de", "--engine", engine, "--alignments", str(links), str(source)]
    assert command.run(translate, arguments) == 0
    outputs, found = capsys.readouterr().out.split("\n")[:-1], links.read_text().split("\n")[:-1]
    assert len(found) == len(LINES)
    assert found[:4] == ["0-0 1-1 2-2", "", "0-0 1-1", "0-0 1-1 2-2 3-3 4-4 5-5"]
    for line, output, of in zip(LINES, outputs, found):
        for link in of.split():
            i, j = map(int, link.split("-"))
            assert i < len(line.split())
            assert j < len(output.split())
    words = dict(link.split("-") for link in found[4].split())
    assert outputs[4].split()[int(words["1"])].startswith("Hunde")


def test_what_cannot_go_together_is_an_error_and_nothing_is_written(run: Translate, tmp_path: Path) -> None:
    links, taken, text = tmp_path / "links", tmp_path / "taken", tmp_path / "text"
    for path in (taken, text):
        path.write_text("A man\n")
    for arguments, message in [
        (
            (text, "--alignments", links, "--unsure", "mark"),
            "--unsure mark writes other words than --alignments counts",
        ),
        ((text, "--alignments", taken), f"{taken}: already exists"),
        ((text, "--alignments", links, "--output", links), f"--alignments {links}: this is the file of --output too"),
    ]:
        code, _, errors = run(*arguments)
        assert (code, errors.count("\n")) == (2, 1)
        assert errors.startswith(f"error: {message}")
        assert not links.exists()

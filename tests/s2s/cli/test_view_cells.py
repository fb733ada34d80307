"""`s2s view cells`: a page for each kind of model that reads text; mistakes, each in one line."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import captioning_fixtures
import pytest
from labelling_fixtures import classifier, tagger
from language_fixtures import LINES, tiny_language_model

from s2s.cli import command
from s2s.cli.view_cells import view_cells
from s2s.models.label_configuration import LastReadingConfig

View = Callable[..., tuple[int, str, str]]


@pytest.fixture(name="view")
def run_view(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> View:
    """Run the command in this process, in a folder with a language model `lm`: exit code, output, errors."""
    monkeypatch.setattr("sys.argv", ["s2s view cells"])
    monkeypatch.chdir(tmp_path)
    tiny_language_model().save(tmp_path / "lm", {})

    def _run(*arguments: str | Path) -> tuple[int, str, str]:
        code = command.run(view_cells, [*map(str, arguments), "--device", "cpu"])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def texts_of(page: Path) -> list[dict[str, Any]]:
    found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return json.loads(found[1])["texts"]


def test_a_text_of_a_language_model(view: View, tmp_path: Path) -> None:
    text = "\n".join(LINES) + "\n"
    Path("a.txt.gz").write_bytes(gzip.compress(text.encode()))
    assert view("lm", "a.txt.gz") == (0, "cells.html\n", "")
    (stored,) = texts_of(tmp_path / "cells.html")
    assert "".join(stored["pieces"]) == text
    assert [layer["dim"] for layer in stored["layers"]] == [8, 8]
    assert "position in the line" in [ranking["name"] for ranking in stored["rankings"]]
    assert view("lm", "a.txt.gz")[2].startswith("error: cells.html: already exists; ")
    assert view("lm", "a.txt.gz", "--force", "--layers", "2")[0] == 0
    assert len(texts_of(tmp_path / "cells.html")[0]["layers"]) == 1


def test_the_beginning_of_a_long_text_and_unknown_characters_are_told(view: View, tmp_path: Path) -> None:
    Path("a.txt").write_text(f"é {LINES[0]}\n{LINES[2]}\n" * 3)
    code, _, errors = view("lm", "a.txt", "--length", "100", "--output", "b.html")
    assert code == 0
    assert errors.splitlines() == [
        "warning: a.txt: only the beginning is shown, up to 100 characters; --length shows more",
        "warning: a.txt: 1 of 87 tokens are unknown to the model, and are underlined with a wave: é",
    ]
    (stored,) = texts_of(tmp_path / "b.html")
    assert "".join(stored["pieces"]) == f"é {LINES[0]}\n{LINES[2]}\n"
    assert view("lm", "a.txt", "--length", "5", "--output", "c.html")[0] == 0
    assert "".join(texts_of(tmp_path / "c.html")[0]["pieces"]) == "é A m"


def test_a_translator_shows_its_encoder_and_its_decoder(view: View, tiny_model: Path, tmp_path: Path) -> None:
    Path("a.en").write_text("A man\n\nTwo dogs\n")
    assert view(tiny_model, "a.en") == (0, "cells.html\n", "")
    encoder, decoder = texts_of(tmp_path / "cells.html")
    assert (encoder["name"], decoder["name"]) == ("encoder: the source", "decoder: the model's own translation")
    assert "".join(encoder["pieces"]) == "A manTwo dogs"
    Path("a.de").write_text("A hat\n\nA snow\n")
    assert view(tiny_model, "a.en", "--target", "a.de", "--force")[0] == 0
    assert "".join(texts_of(tmp_path / "cells.html")[1]["pieces"]) == "A hatA snow"


def test_a_classifier_and_a_tagger_show_their_encoders(view: View, tmp_path: Path) -> None:
    classifier(LastReadingConfig(), tokenise=True).save(tmp_path / "classifier", {})
    tagger(spelling=True).save(tmp_path / "tagger", {})
    Path("a.txt").write_text("A dog sleeps.\n\nThe film isn't (very) good.\n")
    for name, pieces, unknown in [
        ("classifier", "A dog sleeps .The film is n't ( very ) good .", "5 of 13 tokens are unknown"),
        ("tagger", "A dog sleeps.The film isn't (very) good.", "4 of 8 tokens are unknown"),
    ]:
        code, output, errors = view(name, "a.txt", "--output", f"{name}.html")
        assert (code, output) == (0, f"{name}.html\n")
        assert errors.startswith(f"warning: a.txt: {unknown} to the model")
        (stored,) = texts_of(tmp_path / f"{name}.html")
        assert ("".join(stored["pieces"]), stored["name"]) == (pieces, "encoder")
        assert [layer["name"] for layer in stored["layers"]] == ["layer 1, left to right", "layer 1, right to left"]
        assert "position in the line" in [ranking["name"] for ranking in stored["rankings"]]


def test_mistakes_are_told_and_nothing_is_written(view: View, tiny_model: Path, tmp_path: Path) -> None:
    captioning_fixtures.model().save(tmp_path / "captioner", {})
    tagger().save(tmp_path / "tagger", {})
    for name, text in {"a.txt": "A man\n", "empty.txt": "", "blank.txt": "\n \n", "two.txt": "A man\nTwo\n"}.items():
        Path(name).write_text(text)
    Path("latin.txt").write_bytes(b"caf\xe9\n")
    before = sorted(tmp_path.iterdir())
    for arguments, message in [
        (["none", "a.txt"], "none: no such directory, and no bundled model has this name"),
        (["lm", "none.txt"], "none.txt: no such file"),
        (["lm", "empty.txt"], "empty.txt: is empty; name a file with text"),
        (["lm", "blank.txt"], "blank.txt: is empty; name a file with text"),
        (["lm", "latin.txt"], "latin.txt: line 1, byte 3: not UTF-8"),
        (["lm", "a.txt", "--output", "a.png"], "--output a.png: the file name must end in .html"),
        (["lm", "a.txt", "--output", "no/a.html"], "no/a.html: its folder"),
        (["lm", "a.txt", "--target", "a.txt"], "--target: a language model reads one text"),
        (["tagger", "a.txt", "--target", "a.txt"], "--target: a classifier or tagger writes no text; leave --target"),
        (["lm", "a.txt", "--layers", "3"], "--layers 3: the model has 2; choose from 1 to 2"),
        (["lm", "a.txt", "--layers", "x"], "argument --layers: 'x' is not a list of numbers from 1"),
        (["lm", "a.txt", "--length", "0"], "argument --length: '0' is not a whole number from 1"),
        (["captioner", "a.txt"], "captioner: models of kind 'captioning' cannot be shown so"),
        ([tiny_model, "two.txt", "--target", "a.txt"], "a.txt has fewer lines than two.txt; line n of both"),
        ([tiny_model, "a.txt", "--target", "two.txt"], "two.txt has more lines than a.txt; line n of both"),
    ]:
        code, output, errors = view(*arguments)
        assert (code, output, errors.count("\n")) == (2, "", 1), errors
        assert errors.startswith(f"error: {message}"), errors
        assert sorted(tmp_path.iterdir()) == before

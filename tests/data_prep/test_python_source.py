"""The source code of the standard library as text: every module once, none in both files."""

from __future__ import annotations

from pathlib import Path

import pytest

from data_prep.python_source import modules, python_source
from s2s.cli import command

HEAD = "# module: "


def test_the_library_of_this_python(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(python_source, ["--output", str(tmp_path / "new")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / "new" / name) for name in ("train.txt", "validation.txt")
    ]
    names = {
        part: [line[len(HEAD) :] for line in (tmp_path / "new" / part).read_text().split("\n") if line.startswith(HEAD)]
        for part in ("train.txt", "validation.txt")
    }
    everything = [*names["train.txt"], *names["validation.txt"]]
    assert len(set(everything)) == len(everything) > 100
    assert {"argparse", "asyncio.events"} <= {*everything}
    assert 0 < len(names["validation.txt"]) < len(names["train.txt"]) / 5
    assert not any(name.startswith("test.") for name in everything)
    assert command.run(python_source, ["--output", str(tmp_path / "new")]) == 2
    assert "already exists" in capsys.readouterr().err


def test_order_and_encodings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "package" / "test").mkdir(parents=True)
    (tmp_path / "package" / "test" / "left_out.py").touch()
    (tmp_path / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nname = '\xe9'\x0c\n\n\n")
    (tmp_path / "package" / "broken.py").write_bytes(b"\xff\n")
    (tmp_path / "package" / "one.py").write_text("x = 1")
    found = {module.name: module.text for module in modules(tmp_path)}
    assert found["latin"] == "# module: latin\n# -*- coding: latin-1 -*-\nname = 'é'\n\n"
    assert found["package.one"] == "# module: package.one\nx = 1\n\n"
    assert {*found} == {"latin", "package.one"}
    assert "broken.py: its encoding cannot be read; skipped" in capsys.readouterr().err

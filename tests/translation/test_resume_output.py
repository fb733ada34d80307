"""An interrupted `--output` leaves a part file, from which `--resume-output` goes on."""

from __future__ import annotations

import errno
import gzip
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from s2s.decoding.results import Sentence, Translation, WrittenTerm
from translation.part_file import PartOutput
from translation.translator import Translator

Translate = Callable[..., tuple[int, str, str]]


class Loud:
    """A translator that writes capitals, and is interrupted before it translates a line again that has `stop` in it.

    A line with "odd" in it is doubtful, long and lacks a term.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.places: list[tuple[int, ...]] = []
        self.stop: str | None = None
        self.failure: BaseException = KeyboardInterrupt()

    def translate(
        self,
        lines: Sequence[str],
        places: Sequence[tuple[int, ...]],
        prefixes: Sequence[str] | None,
        pictures: Sequence[object] | None,
    ) -> list[Translation]:
        assert pictures is None
        if self.stop is not None and any(self.stop in line for line in lines):
            raise self.failure
        self.seen += lines
        self.places += places
        return [self._translation(*pair) for pair in zip(lines, prefixes or [""] * len(lines), strict=True)]

    def _translation(self, line: str, prefix: str) -> Translation:
        kept, best = line.upper().startswith(prefix), (Sentence(line.upper(), 0.0, (line,)),)
        if "odd" not in line:
            return Translation(best, prefix_kept=kept)
        terms = (WrittenTerm("odd", "seltsam", written=False),)
        return Translation(best, doubtful=True, is_long=True, pieces=2, terms=terms, prefix_kept=kept)


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch) -> Loud:
    loud = Loud()
    monkeypatch.setattr(Translator, "translate", lambda _self, lines, **how: loud.translate(lines, **how))
    monkeypatch.setattr(PartOutput, "window", 2)
    return loud


def write(path: Path, count: int) -> Path:
    path.write_text("".join(f"line {i}.\n" for i in range(count)))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", ["text", "gz", "html"])
def test_an_interrupted_output_is_gone_on_with(run: Translate, loud: Loud, tmp_path: Path, kind: str) -> None:
    source, output = tmp_path / "a.html", tmp_path / ("b.gz" if kind == "gz" else "b.de")
    if kind != "html":
        source = write(tmp_path / "a.en", 7)
    else:
        source.write_text("".join(f"<p>line {i}.</p>\n" for i in range(7)))
    whole = run(source)[1]
    loud.seen, loud.stop = [], "line 5"
    code, written, errors = run("--output", output, source)
    assert (code, written) == (130, "")
    told = (
        f"warning: {output}.part keeps what is done, 4 lines; the same command with --resume-output goes on from there"
    )
    assert errors == f"{told}\ninterrupted\n"
    assert names(tmp_path) == sorted([source.name, f"{output.name}.part", f"{output.name}.part.json"])
    code, _, errors = run("--output", output, source)
    assert (code, errors) == (
        2,
        f"error: {output}.part: an interrupted command has left this; go on with --resume-output, or start over with "
        "--force\n",
    )
    loud.stop, loud.seen = None, []
    assert run("--output", output, "--resume-output", source) == (0, "", "")
    assert loud.seen == ["line 4.", "line 5.", "line 6."]
    content = output.read_bytes()
    assert (gzip.decompress(content) if kind == "gz" else content).decode() == whole
    assert names(tmp_path) == sorted([source.name, output.name])


def test_what_was_written_and_not_counted_is_written_again(run: Translate, loud: Loud, tmp_path: Path) -> None:
    """A kill between the lines and their count: they are cut off."""
    source, output, part = write(tmp_path / "a.en", 7), tmp_path / "b.de", tmp_path / "b.de.part"
    loud.stop = "line 5"
    run("--output", output, source)
    with part.open("a") as file:
        file.write("LINE 4.\nLI")
    loud.stop = None
    assert run("--output", output, "--resume-output", source)[0] == 0
    assert output.read_text() == "".join(f"LINE {i}.\n" for i in range(7))


def test_n_best_and_several_files_go_on(run: Translate, loud: Loud, tmp_path: Path) -> None:
    files = [write(tmp_path / "a.en", 3), write(tmp_path / "b.en", 6)]
    whole = run("--n-best", "2", *files)[1]
    loud.stop = "line 5"
    assert run("--n-best", "2", "--output", tmp_path / "c", *files)[0] == 130
    loud.stop = None
    assert run("--n-best", "2", "--output", tmp_path / "c", "--resume-output", *files)[0] == 0
    assert (tmp_path / "c").read_text() == whole


def test_a_folder_goes_on_with_the_files_that_are_missing(run: Translate, loud: Loud, tmp_path: Path) -> None:
    files = [write(tmp_path / "a.en", 3), write(tmp_path / "b.en", 6), write(tmp_path / "c.en", 2)]
    loud.stop, folder = "line 5", tmp_path / "out"
    code, _, errors = run("--output", f"{folder}/", *files)
    assert (code, errors.splitlines()[1]) == (
        130,
        "warning: 1 of 3 files is done; the same command with --resume-output goes on",
    )
    loud.stop, loud.seen = None, []
    assert run("--output", f"{folder}/", "--resume-output", *files) == (0, "", "")
    assert loud.seen == ["line 4.", "line 5.", "line 0.", "line 1."]
    assert [(folder / path.name).read_text() for path in files] == [path.read_text().upper() for path in files]
    assert names(folder) == ["a.en", "b.en", "c.en"]


@pytest.mark.parametrize(
    ("content", "options", "complaint"),
    [
        (
            "line 0.\nline X.\n" + "x\n" * 5,
            [],
            "the first 4 lines of the input are no longer those that were translated",
        ),
        ("line 0.\n", [], "4 lines were translated, and the input has only 1 now"),
        (None, ["--beam", "2"], "was begun by another command, with another value of: --beam"),
        (
            None,
            ["--report", "r.jsonl"],
            "--resume-output: the lines that are done are not translated again, and --report",
        ),
    ],
)
def test_what_has_changed_is_noticed(
    run: Translate, loud: Loud, tmp_path: Path, content: str | None, options: list[str], complaint: str
) -> None:
    source, output = write(tmp_path / "a.en", 7), tmp_path / "b.de"
    loud.stop = "line 5"
    run("--output", output, source)
    part = (tmp_path / "b.de.part").read_bytes()
    if content is not None:
        source.write_text(content)
    loud.stop = None
    code, written, errors = run("--output", output, "--resume-output", *options, source)
    assert (code, written) == (2, "")
    assert complaint in errors.splitlines()[-1]
    assert (tmp_path / "b.de.part").read_bytes() == part
    assert not output.exists()


def test_a_damaged_part_file_is_told(run: Translate, loud: Loud, tmp_path: Path) -> None:
    source, output = write(tmp_path / "a.en", 7), tmp_path / "b.de"
    loud.stop = "line 5"
    run("--output", output, source)
    loud.stop = None
    (tmp_path / "b.de.part").write_bytes(b"LINE")
    code, _, errors = run("--output", output, "--resume-output", source)
    assert (code, errors.count("\n")) == (2, 1)
    assert "b.de.part: is damaged: 32 bytes were written, and fewer are there" in errors
    (tmp_path / "b.de.part.json").write_text("{")
    code, _, errors = run("--output", output, "--resume-output", source)
    assert (code, "b.de.part.json: is damaged" in errors) == (2, True)
    (tmp_path / "b.de.part.json").unlink()
    code, _, errors = run("--output", output, "--resume-output", source)
    assert (code, "b.de.part: is of no interrupted command" in errors) == (2, True)
    assert run("--output", output, "--force", source)[0] == 0
    assert names(tmp_path) == ["a.en", "b.de"]


def test_an_interruption_before_the_first_line_leaves_nothing(run: Translate, loud: Loud, tmp_path: Path) -> None:
    source, loud.stop = write(tmp_path / "a.en", 1), "line"
    assert run("--output", tmp_path / "b.de", source) == (130, "", "interrupted\n")
    assert names(tmp_path) == ["a.en"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_not_filled_by_a_part_file(run: Translate, loud: Loud, tmp_path: Path, number: int) -> None:
    loud.stop, loud.failure = "line 5", OSError(number, os.strerror(number), str(tmp_path))
    assert run("--output", tmp_path / "b.de", write(tmp_path / "a.en", 7))[0] == 2
    assert names(tmp_path) == ["a.en"]


def test_any_other_failure_of_a_file_keeps_the_part_file(run: Translate, loud: Loud, tmp_path: Path) -> None:
    source, output = write(tmp_path / "a.en", 7), tmp_path / "b.de"
    loud.stop, loud.failure = "line 5", OSError(errno.EIO, os.strerror(errno.EIO), str(source))
    code, _, errors = run("--output", output, source)
    assert code != 0
    assert f"{output}.part keeps what is done, 4 lines" in errors
    loud.stop = None
    assert run("--output", output, "--resume-output", source)[0] == 0
    assert output.read_text() == source.read_text().upper()


def test_what_was_wrong_before_the_interruption_is_told_at_the_end(run: Translate, loud: Loud, tmp_path: Path) -> None:
    source, output, prefixes = tmp_path / "a.en", tmp_path / "b.de", tmp_path / "p.de"
    source.write_text("an odd line 0.\n" + "".join(f"line {i}.\n" for i in range(1, 7)))
    prefixes.write_text("X\n" + "LINE\n" * 6)
    whole = run("--prefix-file", prefixes, source)
    assert whole[0] == 1
    loud.stop = "line 5"
    assert run("--prefix-file", prefixes, "--output", output, source)[0] == 130
    loud.stop, loud.places = None, []
    code, _, errors = run("--prefix-file", prefixes, "--output", output, "--resume-output", source)
    assert code == 1
    assert output.read_text() == whole[1]
    assert loud.places == [(4,), (5,), (6,)]
    assert errors.splitlines() == [
        "warning: 1 translation does not begin with its prefix in all",
        "warning: 1 line was cut into pieces in all",
        "1 of 1 terms is missing in the translations, in 1 line; --report FILE says which and why",
        "1 of 7 lines is doubtful; --report FILE says which and why",
    ]


def test_a_part_file_that_is_being_written_is_left_alone(run: Translate, loud: Loud, tmp_path: Path) -> None:
    source, output = write(tmp_path / "a.en", 7), tmp_path / "b.de"
    first = PartOutput(output, {}, resume=False)
    first.write(["a"], ["A"])
    code, _, errors = run("--output", output, "--force", source)
    assert (code, errors) == (2, f"error: {output}.part: another process is writing it; wait for it to end\n")
    first.forget()


def test_resuming_what_was_never_begun_begins_it(run: Translate, loud: Loud, tmp_path: Path) -> None:
    source, output = write(tmp_path / "a.en", 3), tmp_path / "b.de"
    assert run("--output", output, "--resume-output", source)[0] == 0
    assert output.read_text() == source.read_text().upper()
    code, _, errors = run("--output", output, "--resume-output", source)
    assert (code, "already exists" in errors) == (2, True)
    code, _, errors = run("--resume-output", source)
    assert (code, errors) == (2, "error: --resume-output: name the file that is gone on with by --output\n")

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from data_prep.parallel import parallel
from s2s.cli import command

ENGLISH = ["A dog.", "", "A cat.", "A dog.", "Two\u2028birds\xa0fly.", "A boy."]
GERMAN = ["Ein Hund.", "Nichts.", "Eine Katze.", "Ein Hund.", "Zwei Vögel fliegen.", "Ein Junge."]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    for language, lines in (("en", ENGLISH), ("de", GERMAN)):
        (folder / f"a.{language}").write_bytes("".join(f"{line}\n" for line in lines).encode())
    return folder


def run(corpus: Path, *arguments: str, source: str = "a.en", target: str = "a.de") -> int:
    paths = ("--source", str(corpus / source), "--target", str(corpus / target), "--output", str(corpus / "out"))
    return command.run(parallel, [*paths, "--prefix", "train", *arguments])


def lines(path: Path) -> list[str]:
    return path.read_bytes().decode().removesuffix("\n").split("\n")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_clean_pairs_are_written_and_the_report_goes_to_standard_error(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(corpus) == 0
    printed = capsys.readouterr()
    assert names(corpus / "out") == ["train.de", "train.en"]
    assert lines(corpus / "out/train.en") == [ENGLISH[i] for i in (0, 2, 4, 5)]
    assert lines(corpus / "out/train.de") == [GERMAN[i] for i in (0, 2, 4, 5)]
    assert printed.out.split() == [str(corpus / "out" / name) for name in ("train.en", "train.de")]
    assert printed.err == "kept 4 of 6 pairs: blank 1 (line 2), too long 0, ratio 0, duplicate 1 (line 4)\n"


def test_the_limits_are_options(corpus: Path) -> None:
    assert run(corpus, "--keep-duplicates", "--max-characters", "11", "--max-ratio", "1.7") == 0
    assert lines(corpus / "out/train.en") == ["A dog.", "A dog.", "A boy."]


def test_held_out_pairs_get_files_of_their_own(corpus: Path) -> None:
    assert run(corpus, "--hold-out", "2", "--hold-out-name", "dev", "--seed", "3") == 0
    assert names(corpus / "out") == ["dev.de", "dev.en", "train.de", "train.en"]
    for language, original in (("en", ENGLISH), ("de", GERMAN)):
        rest, held = (lines(corpus / f"out/{name}.{language}") for name in ("train", "dev"))
        assert len(held) == 2
        assert sorted(rest + held) == sorted(original[i] for i in (0, 2, 4, 5))


def test_suffixes_that_name_no_languages_need_options(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, language in (("one.txt", "en"), ("two.txt", "de")):
        (corpus / f"a.{language}").rename(corpus / name)
    assert run(corpus, source="one.txt", target="two.txt") == 2
    assert "give --source-language and --target-language" in capsys.readouterr().err
    languages = ("--source-language", "en", "--target-language", "de")
    assert run(corpus, *languages, source="one.txt", target="two.txt") == 0
    assert names(corpus / "out") == ["train.de", "train.en"]


def test_one_file_as_both_sides_is_told_and_entities_are_turned_into_characters(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (corpus / "a.de").write_text("A &amp; B\n")
    assert run(corpus, "--unescape-entities", "--source-language", "en", source="a.de") == 0
    assert f"warning: {corpus / 'a.de'}: is the file of both sides" in capsys.readouterr().err
    assert lines(corpus / "out/train.en") == ["A & B"]


def test_compressed_text_is_read_and_its_language_is_that_before_gz(corpus: Path) -> None:
    for language in ("en", "de"):
        (corpus / f"b.{language}.gz").write_bytes(gzip.compress((corpus / f"a.{language}").read_bytes()))
    assert run(corpus, source="b.en.gz", target="b.de.gz") == 0
    assert lines(corpus / "out/train.en") == [ENGLISH[i] for i in (0, 2, 4, 5)]


def test_existing_files_are_replaced_only_by_force_and_never_by_half(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (corpus / "out").mkdir()
    (corpus / "out/train.de").write_text("mine")
    assert run(corpus) == 2
    assert "already exists" in capsys.readouterr().err
    assert names(corpus / "out") == ["train.de"]
    assert lines(corpus / "out/train.de") == ["mine"]
    assert run(corpus, "--force") == 0
    assert lines(corpus / "out/train.de")[0] == "Ein Hund."


def test_a_failure_while_writing_leaves_no_file_at_all(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", **options: str) -> object:
        if "w" in mode and path.suffix == ".de":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, mode, **options)  # pyright: ignore[reportArgumentType, reportCallIssue]

    monkeypatch.setattr(Path, "open", full)
    assert run(corpus) == 2
    assert names(corpus / "out") == []


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_the_raw_files_are_never_overwritten(
    corpus: Path, capsys: pytest.CaptureFixture[str], force: list[str]
) -> None:
    before = (corpus / "a.de").read_bytes()
    assert run(corpus, "--prefix", "a", "--output", str(corpus), *force) == 2
    assert "is an input" in capsys.readouterr().err
    assert (corpus / "a.de").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-characters", "1"], "all pairs were dropped"),
        (["--max-ratio", "0"], "max_ratio"),
        (["--hold-out", "4"], "cannot hold out 4 of 4 pairs"),
        (["--hold-out", "1", "--hold-out-name", "train"], "choose two different names"),
        (["--prefix", "../train"], "is not the name of a file"),
        (["--source", "missing.en"], "missing.en: no such file"),
    ],
)
def test_mistakes_are_told_and_write_nothing(
    corpus: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(corpus, *arguments) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ")
    assert message in error
    assert not list(corpus.glob("out/*"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("A dog.\n".encode("utf-16-be") * 6, "line 1, byte 0: looks like UTF-16BE, not UTF-8"),
        (b"A dog.\n" * 5 + b"A\0dog.\n", "line 6, byte 36: a NUL byte"),
        (b"%PDF-1.7\n" * 6, "is a PDF document, not text"),
    ],
)
def test_what_is_no_text_is_told(corpus: Path, data: bytes, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    (corpus / "a.en").write_bytes(data)
    assert run(corpus) == 2
    assert message in capsys.readouterr().err
    assert not list(corpus.glob("out/*"))


def test_files_that_differ_in_length_are_an_error_with_both_counts(
    corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (corpus / "a.de").open("a") as file:
        file.write("\n")
    assert run(corpus) == 2
    error = capsys.readouterr().err
    assert f"{corpus}/a.en has 6 lines but {corpus}/a.de has 7" in error
    assert not list(corpus.glob("out/*"))


def test_a_table_is_read_like_two_files(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, languages = corpus / "a.tsv.gz", ("--source-language", "en", "--target-language", "de")
    table.write_bytes(
        gzip.compress("".join(f"{i}\t{de}\t{en}\n" for i, (en, de) in enumerate(zip(ENGLISH, GERMAN))).encode())
    )
    arguments = ["--tsv", str(table), "--columns", "3", "2", "--output", str(corpus / "out"), "--prefix", "train"]
    assert command.run(parallel, arguments) == 2
    assert "a.tsv.gz: the names do not tell two different languages; give --source-language" in capsys.readouterr().err
    assert command.run(parallel, [*arguments, *languages]) == 0
    assert lines(corpus / "out/train.en") == [ENGLISH[i] for i in (0, 2, 4, 5)]
    assert lines(corpus / "out/train.de") == [GERMAN[i] for i in (0, 2, 4, 5)]
    assert command.run(parallel, [*arguments, "--source", str(corpus / "a.en"), *languages]) == 2
    assert "either two files with --source and --target, or one file with --tsv" in capsys.readouterr().err
    table.write_bytes(gzip.compress(b"1\tein\tone\n2\tzwei\n"))
    assert command.run(parallel, [*arguments, *languages, "--force"]) == 2
    assert "a.tsv.gz: line 2 has 2 of 3 columns; put a tab between source and target" in capsys.readouterr().err

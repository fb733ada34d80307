"""The command `s2s tag`: a tag for each word, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from labelling_fixtures import tagger
from light_fixtures import S2S, run_light
from test_token_lines import CONLLU

from labelling.evaluate_tagger import evaluate
from labelling.tag import tag
from s2s.cli import command
from serving.export import export

Run = Callable[..., tuple[int, str, str]]
LABELS = ("O", "B-X", "I-X", "E-X", "S-X")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger of random weights that learned BIOES of files in IOB2."""
    directory = tmp_path_factory.mktemp("models") / "tagger"
    tagger(labels=LABELS, spelling=True, scheme="BIOES", written_scheme="IOB2").save(directory, {})
    return directory


@pytest.fixture
def run(model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("sys.argv", ["s2s tag"])

    def _run(*arguments: str | Path, program: Callable[[list[str]], int] = tag) -> tuple[int, str, str]:
        code = command.run(program, ["--model", str(model), *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_each_word_has_its_tag_and_a_blank_line_stays_blank(run: Run, tmp_path: Path) -> None:
    lines = ["the dog runs", "", "a/b  and/or\tx", " ", "x " * 1000]
    code, output, _ = run(written(tmp_path / "text", "\n".join(lines)), "--report", tmp_path / "r.jsonl")
    assert code == 0
    assert output.count("\n") == len(lines)
    for line, tagged in zip(lines, output.split("\n")):
        pairs = [word.rsplit("/", 1) for word in tagged.split()]
        assert [word for word, _ in pairs] == line.split()
        assert {tag for _, tag in pairs} <= {"O", "B-X", "I-X"}
    entries = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [entry["line"] for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[2]["words"] == ["a/b", "and/or", "x"]


def test_an_endless_sentence_is_read_in_pieces(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its words has a tag, also where a span runs from one piece to the next."""
    monkeypatch.setattr("labelling.tagger.LONGEST", 4)
    line = "the dog runs is a very good film not bad"
    output = run(written(tmp_path / "long", line))[1]
    assert " ".join(word.rsplit("/")[0] for word in output.split()) == line


def test_a_word_has_the_same_tag_in_every_format(run: Run, tmp_path: Path) -> None:
    sentences = ["the dog runs", "a very good film"]
    expected = [word.rsplit("/", 1)[1] for word in run(written(tmp_path / "a", "\n".join(sentences)))[1].split()]
    columns = "\n\n".join(line.replace(" ", "\n") for line in sentences)
    output = run(written(tmp_path / "b", columns), "--format", "columns")[1]
    assert [line.split("\t")[1] for line in output.split("\n") if line] == expected


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_all_but_the_tags_stays_byte_for_byte(end: str, run: Run, tmp_path: Path) -> None:
    """Comments, ranges, line ends, a byte order mark, characters that are not normalised, spaces that part words."""
    conllu = CONLLU.replace("gone", "e\u0301")
    for content, options, column in [
        ("\ufeff" + conllu, ["conllu"], 3),
        (conllu, ["conllu", "--tag-column", "5"], 4),
        ("\n\nthe  D\na\u0301 x  y\n \n\ndog O\n", ["columns"], 1),
        ("x\tthe\tz\nx\te\u0301\tz\n", ["columns", "--word-column", "2", "--tag-column", "3"], 2),
    ]:
        data = content.replace("\n", end or "\n").removesuffix(end and "\n" and end if end else "\n").encode()
        target = tmp_path / "out"
        code, _, errors = run(written(tmp_path / "in", data), "--format", *options, "--output", target, "--force")
        assert code == 0, errors
        before, after = data.decode().split("\n"), target.read_bytes().decode().split("\n")
        assert len(before) == len(after)
        changed = 0
        for one, other in zip(before, after):
            if one == other:
                continue
            changed += 1
            separator = "\t" if "\t" in one else None
            ones, others = one.rstrip("\r").split(separator), other.rstrip("\r").split(separator)
            assert others[column] in ("O", "B-X", "I-X")
            assert [*ones[:column], *ones[column + 1 :]] == [*others[:column], *others[column + 1 :]]
            assert one.endswith("\r") == other.endswith("\r")
            assert other.replace(others[column], ones[column], 1) == one or others[column] in one
        assert changed
        again = tmp_path / "again"
        assert run(target, "--format", *options, "--output", again, "--force")[0] == 0
        assert again.read_bytes() == target.read_bytes()


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("1\tA\n", ["--format", "conllu"], "in: line 1 has 2 of 10 columns, which CoNLL-U parts by tabs"),
        ("a\tb\nc\n", ["--format", "columns", "--tag-column", "3"], "in: line 2 has 1 of 2 columns"),
        ("a\n", ["--tag-column", "3"], "--tag-column: plain text has no columns; say --format columns"),
        ("a\n", ["--format", "columns", "--tag-column", "1"], "--word-column and --tag-column are both 1"),
        ("a\n", ["--format", "conllu", "--tag-column", "11"], "--tag-column 11: CoNLL-U has 10 columns"),
        ("a\n", ["--format", "iob"], "argument --format: invalid choice: 'iob'"),
    ],
)
def test_what_is_wrong_is_told(content: str, options: list[str], message: str, run: Run, tmp_path: Path) -> None:
    target = tmp_path / "out"
    code, _, errors = run(written(tmp_path / "in", content), *options, "--output", target)
    assert code == 2
    assert message in errors
    assert errors.count("\n") == 1
    assert not target.exists()


def test_the_light_form_gives_the_same_without_torch(run: Run, model: Path, tmp_path: Path) -> None:
    text = written(tmp_path / "text", "the dog runs\n\nis a very BAD unknown1 film\n")
    expected = run(text, "--precision", "float32")[1]
    assert command.run(export, [str(model), "--output", str(tmp_path / "light"), "--precision", "float32"]) == 0
    done = run_light(S2S, "tag", "--model", tmp_path / "light", text)
    assert (done.returncode, done.stdout) == (0, expected)
    data = written(tmp_path / "data", "the\tO\n")
    done = run_light(S2S, "evaluate", "tagger", "--model", tmp_path / "light", "--data", data)
    assert done.returncode == 2
    assert done.stderr.startswith("error: s2s evaluate tagger needs seqeval, which is not installed; run: pip install")


# ------------------------------------------------------------------------------------------------------ evaluation


def test_words_and_spans_are_scored(run: Run, tmp_path: Path) -> None:
    """Of a text that the model itself tagged, all is right; with one span left out, its recall falls."""
    text = written(tmp_path / "text", "the\ndog\nruns\n\na\nvery\ngood\nfilm\n\nnot\nbad\n")
    data = tmp_path / "data"
    assert run(text, "--format", "columns", "--output", data)[0] == 0
    figures = json.loads(run("--data", data, "--json", program=evaluate)[1])
    assert (figures["accuracy"], figures["labels"]) == (1, 9)
    assert figures["spans"]["spans"] > 0
    assert (figures["spans"]["f1"], figures["spans"]["precision"], figures["spans"]["recall"]) == (1, 1, 1)
    lines = data.read_text().split("\n")
    first = next(i for i, line in enumerate(lines) if line.endswith("B-X"))
    last = next((i for i in range(first + 1, len(lines)) if not lines[i].endswith("I-X")), len(lines))
    for i in range(first, last):
        lines[i] = lines[i].split("\t")[0] + "\tO"
    written(tmp_path / "less", "\n".join(lines))
    found = json.loads(run("--data", tmp_path / "less", "--json", program=evaluate)[1])
    spans = figures["spans"]["spans"]
    assert found["spans"]["spans"] == spans - 1
    assert found["spans"]["recall"] == 1
    assert found["spans"]["precision"] == pytest.approx((spans - 1) / spans)
    assert "spans: F1 " in run("--data", tmp_path / "less", program=evaluate)[1]


def test_tags_that_training_never_saw_are_refused_or_count_as_errors(run: Run, tmp_path: Path) -> None:
    data = written(tmp_path / "data", "the\tO\ndog\tB-NEW\n")
    code, _, errors = run("--data", data, program=evaluate)
    assert code == 2
    assert errors.startswith(f"error: {data}: line 2: the label 'S-NEW' does not occur in the training text")
    assert run("--data", data, "--unknown-labels", "count", program=evaluate)[0] == 0
    assert "cannot stand behind O in IOB2" in run("--data", written(data, "a\tO\nb\tI-X\n"), program=evaluate)[2]

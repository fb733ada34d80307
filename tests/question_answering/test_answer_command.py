"""The commands `s2s answer` and `s2s evaluate answerer`: what they print, and what they do with wrong inputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from answering_fixtures import draw_pictures, model

from question_answering.answer import answer
from question_answering.evaluate import evaluate
from s2s.cli import command
from s2s.views.attention_file import read_attention_file

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of random weights, pictures, and a file of questions, some of which cannot be answered."""
    folder = tmp_path_factory.mktemp("answers")
    model().save(folder / "model", {})
    model(decoder=False).save(folder / "chooses", {})
    draw_pictures(folder / "images")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    rows = [
        {"image": "images/red-blue.png", "question": "What colour is on the left?", "answer": "red", "kind": "left"},
        {"image": "broken.jpg", "question": "What?", "answer": "red"},
        {"image": "missing.jpg", "question": "What?", "answer": "red"},
        {"image": "images/red-blue.png", "question": " ", "answer": "red"},
        {"image": "images/blue-red.png", "question": "what " * 1000, "answer": "purple"},
    ]
    (folder / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "good.jsonl").write_text("".join(json.dumps(rows[i]) + "\n" for i in (0, 4)))
    return folder


@pytest.fixture
def run(world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("sys.argv", ["s2s answer"])

    def _run(
        *arguments: str | Path, program: Callable[[list[str]], int] = answer, name: str = "model"
    ) -> tuple[int, str, str]:
        code = command.run(program, ["--model", str(world / name), *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


def test_the_likeliest_answers_to_one_question(run: Run, world: Path) -> None:
    code, out, err = run(world / "images" / "red-blue.png", "What colour is on the left?", "--top", "3")
    assert (code, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    assert len(rows) == 3
    probabilities = [float(row[1]) for row in rows]
    assert probabilities == sorted(probabilities, reverse=True)
    _, out, _ = run(world / "images" / "red-blue.png", "What colour is on the left?")
    assert sum(float(line.split("\t")[1]) for line in out.splitlines()) == pytest.approx(1, abs=1e-3)


def test_a_file_gives_a_line_per_question_and_reports_the_others(run: Run, world: Path) -> None:
    code, out, err = run("--file", world / "q.jsonl")
    assert code == 1
    rows = [line.split("\t") for line in out.splitlines()]
    assert [row[0] for row in rows] == [str(world / "images" / name) for name in ("red-blue.png", "blue-red.png")]
    assert [len(row) for row in rows] == [4, 4]
    assert "line 2 of q.jsonl: " in err
    assert "broken.jpg: is a JPEG with a broken header" in err
    assert f"line 3 of q.jsonl: {world / 'missing.jpg'}: does not exist" in err
    assert "line 4 of q.jsonl: the question is empty" in err
    assert "line 5 of q.jsonl: the question is long; its last 744 words were not read" in err
    assert "3 of 5 questions failed" in err


def test_a_file_without_questions_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").touch()
    code, out, err = run("--file", tmp_path / "none.jsonl")
    assert (code, out) == (0, "")
    assert "none.jsonl: has no questions" in err


def test_an_answer_does_not_depend_on_its_batch(run: Run, world: Path) -> None:
    same = [run("--file", world / "good.jsonl", "--batch", batch, "--precision", "float32")[1] for batch in ("1", "2")]
    assert same[0] == same[1]


def test_written_answers_have_probabilities(run: Run, world: Path) -> None:
    code, out, _ = run(world / "images" / "red-blue.png", "What?", "--written", "--top", "4")
    assert code == 0
    probabilities = [float(line.split("\t")[1]) for line in out.splitlines()]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < sum(probabilities) <= 1
    code, _, err = run(world / "images" / "red-blue.png", "What?", "--written", name="chooses")
    assert (code, "has no decoder" in err) == (2, True)


def test_a_page_shows_where_each_hop_looked(run: Run, world: Path, tmp_path: Path) -> None:
    code, _, err = run("--file", world / "good.jsonl", "--attention", tmp_path / "pages")
    assert code == 0, err
    view, _ = read_attention_file(tmp_path / "pages" / "attention.json")
    assert view.tokens == ("question", "hop 1", "hop 2")
    cells, words = view.segment_weights()
    assert [sum(row) for row in cells] == pytest.approx([0, 1, 1], abs=1e-3)
    assert [sum(row) for row in words] == pytest.approx([1, 0, 0], abs=1e-3)
    page = (tmp_path / "pages" / "index.html").read_text()
    assert "What colour is on the left?" in page
    assert page.count("<img ") >= 2
    code, _, err = run("--file", world / "good.jsonl", "--attention", tmp_path / "pages")
    assert (code, "is not empty" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a photograph and a question are missing"),
        (["bus.jpg"], "bus.jpg: a question is missing"),
        (["bus.jpg", " "], "the question is empty"),
        (["bus.jpg", "What?", "--file", "q.jsonl"], "leave out bus.jpg"),
        (["--file", "nothing.jsonl"], "no such file"),
        (["bus.jpg", "What?", "--images", "folder"], "--images belongs to --file"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], message: str, run: Run) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert message in err
    assert err.count("\n") == 1


def test_a_photograph_that_cannot_be_read_is_reported(run: Run, world: Path) -> None:
    code, out, err = run(world / "broken.jpg", "What?")
    assert (code, out) == (1, "")
    assert "broken.jpg: is a JPEG with a broken header" in err


def test_the_output_is_never_overwritten_silently(run: Run, world: Path, tmp_path: Path) -> None:
    target = tmp_path / "answers.tsv"
    assert run("--file", world / "good.jsonl", "--output", target)[0] == 0
    assert len(target.read_text().splitlines()) == 2
    code, _, err = run("--file", world / "good.jsonl", "--output", target)
    assert (code, "already exists" in err) == (2, True)


def test_an_output_stays_where_nothing_was_answered(run: Run, world: Path, tmp_path: Path) -> None:
    target = tmp_path / "answers.tsv"
    target.write_text("precious\n")
    code, _, err = run(world / "broken.jpg", "What?", "--output", target, "--force")
    assert code == 1
    assert target.read_text() == "precious\n"
    assert f"{target}: was not written, as no question was answered" in err
    assert [*tmp_path.glob(".aside-*")] == []


def test_evaluation_stands_beside_a_blind_network(run: Run, world: Path) -> None:
    code, out, _ = run("--data", world / "good.jsonl", "--json", program=evaluate)
    assert code == 0
    figures = json.loads(out)
    assert list(figures["kinds"]) == ["left", "other", "all"]
    assert figures["kinds"]["other"]["known"] == 0  # "purple" never occurred in training: it counts as wrong
    assert set(figures["kinds"]["all"]) == {"questions", "model", "blind", "frequent", "written", "known"}
    code, out, _ = run("--data", world / "good.jsonl", program=evaluate, name="chooses")
    assert out.split("\n")[0].split()[-4:] == ["most", "frequent", "answer", "known"]


def test_evaluation_needs_every_picture(run: Run, world: Path) -> None:
    code, _, err = run("--data", world / "q.jsonl", program=evaluate)
    assert (code, "repair or remove it" in err) == (2, True)

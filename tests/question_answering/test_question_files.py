"""Every format of questions is read, and what is wrong with a file is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from answering_fixtures import draw_pictures

from question_answering.corpus import LONGEST, normalised, read_questions
from question_answering.question_files import read_entries
from s2s.errors import UserError


def entries(path: Path, text: str) -> list[tuple[tuple[str, ...], str, tuple[str, ...], str]]:
    path.write_text(text)
    return [(each.images, each.question, each.answers, each.kind) for each in read_entries(path)]


def test_tables(tmp_path: Path) -> None:
    rows = [(("a.png",), "what, then?", ("red",), "colour")]
    assert entries(tmp_path / "q.csv", 'image,question,answer,kind\na.png,"what, then?",red,colour\n\n') == rows
    assert entries(tmp_path / "q.tsv", "kind\tanswer\tquestion\timage\ncolour\tred\twhat, then?\ta.png\n") == rows


def test_objects(tmp_path: Path) -> None:
    lines = [
        {"image": "a.png", "question": "what?", "answer": "red", "kind": "colour"},
        {"image": "a.png", "question": "what?", "answers": ["red", "blue", "red"]},
        {"image": "a.png", "question": "what?"},
    ]
    found = entries(tmp_path / "q.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    assert [each[2:] for each in found] == [(("red",), "colour"), (("red", "blue", "red"), ""), ((), "")]


def test_easy_vqa(tmp_path: Path) -> None:
    rows = [
        ["what color is the shape?", "blue", 3],
        ["is there a circle?", "no", 4],
        ["what is in the image?", "circle", 4],
    ]
    found = entries(tmp_path / "questions.json", json.dumps(rows))
    assert [(each[0][0], each[3]) for each in found] == [
        ("images/3.png", "colour"),
        ("images/4.png", "yes/no"),
        ("images/4.png", "shape"),
    ]


def vqa(folder: Path, answered: int = 2) -> Path:
    asked = [{"image_id": 42, "question": f"what {i}?", "question_id": 420 + i} for i in range(2)]
    answers = [
        {
            "question_id": 420 + i,
            "answer_type": "other",
            "answers": [{"answer": each} for each in ["red"] * 9 + ["blue"]],
        }
        for i in range(answered)
    ]
    questions = folder / "v2_OpenEnded_mscoco_val2014_questions.json"
    questions.write_text(json.dumps({"data_subtype": "val2014", "questions": asked}))
    (folder / "v2_mscoco_val2014_annotations.json").write_text(json.dumps({"annotations": answers}))
    return questions


def test_vqa_with_ten_answers(tmp_path: Path) -> None:
    first, _ = read_entries(vqa(tmp_path))
    assert first.images[0] == "COCO_val2014_000000000042.jpg"
    assert first.answers == ("red",) * 9 + ("blue",)
    assert first.kind == "other"
    with pytest.raises(UserError, match="has no answers to question 421"):
        list(read_entries(vqa(tmp_path, answered=1)))
    (tmp_path / "v2_mscoco_val2014_annotations.json").unlink()
    assert [each.answers for each in read_entries(vqa(tmp_path, answered=0))] == [(), ()]


def test_daquar(tmp_path: Path) -> None:
    text = "what is on the desk in the image12 ?\nlamp\nhow many chairs are in image3?\n2\n"
    found = entries(tmp_path / "qa.txt", text)
    assert [each[0] for each in found] == [("image12.png",), ("image3.png",)]
    assert [each[1] for each in found] == ["what is on the desk ?", "how many chairs are?"]
    with pytest.raises(UserError, match="the last has no answer"):
        entries(tmp_path / "qa.txt", text + "what is in image4?\n")
    with pytest.raises(UserError, match="line 1: names no picture"):
        entries(tmp_path / "qa.txt", "what is it?\nlamp\n")


def test_coco_qa_as_published(tmp_path: Path) -> None:
    for name, line in (("questions", "what is it"), ("answers", "dog"), ("img_ids", "42"), ("types", "0")):
        (tmp_path / f"{name}.txt").write_text(f"{line}\n" * 2)
    first, _ = read_entries(tmp_path)
    assert first.images == ("COCO_train2014_000000000042.jpg", "COCO_val2014_000000000042.jpg")
    assert first.kind == "object"
    (tmp_path / "answers.txt").write_text("dog\n")
    with pytest.raises(UserError, match=r"different numbers of lines \(questions.txt 2, answers.txt 1"):
        list(read_entries(tmp_path))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.csv", "picture,question\na,b\n", "line 1: the header must be image,question,answer"),
        ("q.csv", "", "is empty"),
        ("q.csv", "image,question\na,b,c\n", "line 2: 3 columns instead of 2; put quotes"),
        ("q.csv", 'image,question\na,"b\n', "line 2"),
        ("q.jsonl", "{\n", "line 1: not valid JSON"),
        ("q.jsonl", '{"image": "a.png"}\n', "line 1: needs 'question', a text"),
        ("q.jsonl", '{"image": 7, "question": "what?"}\n', "line 1: needs 'image', a text"),
        ("q.jsonl", '{"image": "a", "question": "b", "reply": "c"}\n', "has reply; known are"),
        ("q.jsonl", '{"image": "a", "question": "b", "answer": "c", "answers": []}\n', "keep one of them"),
        ("q.jsonl", '{"image": "a", "question": "b", "answer": 3}\n', "'answer' must be a text"),
        ("q.json", "{}", "is neither VQA's"),
        ("q.json", '[["a", "b"]]', "question 1: must be a list of a question"),
        ("q.xml", "", "its suffix must be"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(name: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        entries(tmp_path / name, text)
    assert str(tmp_path / name) in str(error.value)
    assert message in str(error.value)


def test_what_is_of_no_use_is_reported(tmp_path: Path) -> None:
    draw_pictures(tmp_path / "images")
    rows = [
        ("red-blue.png", "What?", " Dark  RED. "),
        ("none.png", "What?", "red"),
        ("red-blue.png", " ", "red"),
        ("red-blue.png", "What?", " "),
        ("red-blue.png", "what " * 1000, "red"),
    ]
    path = tmp_path / "q.tsv"
    path.write_text("image\tquestion\tanswer\n" + "".join("\t".join(row) + "\n" for row in rows))
    found, report = read_questions(path)
    assert [len(each.words) for each in found] == [2, LONGEST]
    assert found[0].answer == "dark red"
    assert "kept 2 of 5 questions: missing image 1 (line 3 of q.tsv), empty question 1 (line 4 of q.tsv)" in report
    assert "no answer 1 (line 5 of q.tsv)" in report
    assert f"of more than {LONGEST} words, read in part 1 (line 6 of q.tsv)" in report


def test_answers_are_compared_without_case_spaces_and_full_stop() -> None:
    assert normalised("  Two\tDogs .") == "two dogs"
    assert normalised("Ａ") != "a"  # NFC keeps what only looks alike

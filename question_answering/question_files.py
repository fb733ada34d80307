"""The formats in which questions about pictures are kept, read into entries.

| source | looks like |
|---|---|
| `.csv` | a header `image,question,answer`, then a row per question; quotes around what has commas in it |
| `.tsv` | the same with tabs, and no quotes |
| `.jsonl` | an object a line: `{"image": "bus.jpg", "question": "...", "answer": "red"}` or `"answers": ["red", ...]` |
| `.json` | VQA's `*_questions.json`, annotations beside it; or easy-VQA's `questions.json`, `images/` beside it |
| `.txt` | DAQUAR: a line with a question that names its picture (`... in the image3 ?`), then a line with the answer |
| a folder | COCO-QA as published: `questions.txt`, `answers.txt`, `img_ids.txt` and `types.txt` |

A table or an object may also have a `kind`, by which accuracy is reported. An answer may be missing where questions are
only to be answered. All else must be as it should: a wrong header, a column too many, broken JSON or files whose counts
differ are a UserError that names the line.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2s.errors import UserError, check, counted, first_few
from s2s.files import check_readable
from s2s.text.lines import read_lines

_COLUMNS, _OPTIONAL = ("image", "question"), ("answer", "kind")
_COCO_QA_KINDS = ("object", "number", "colour", "place")
_COLOURS = re.compile(r"\bcolou?r\b", re.I)
_DAQUAR_IMAGE = re.compile(r"\bimage\d+\b")


@dataclass(frozen=True)
class Entry:
    """What a source asks at one place.

    Attributes:
        images: names that the picture may have, the likeliest first
        question: as it is written
        answers: of one person or several; none if the source has no answers
        kind: of the question; empty if the source has no kinds
        where: such as `line 17 of mine.csv`
    """

    images: tuple[str, ...]
    question: str
    answers: tuple[str, ...]
    kind: str
    where: str


def read_entries(source: Path) -> Iterator[Entry]:
    """The entries of a file or folder, told by its suffix.

    Raises:
        UserError: it cannot be read, or is not in its format.
    """
    if source.is_dir():
        return _coco_qa(source)
    check_readable(source)
    readers = {".csv": _csv, ".tsv": _tsv, ".jsonl": _jsonl, ".json": _json, ".txt": _daquar}
    suffix = source.suffix.lower()
    check(suffix in readers, f"{source}: its suffix must be {', '.join(readers)}, or it must be a folder of COCO-QA")
    return readers[suffix](source)


def _csv(source: Path) -> Iterator[Entry]:
    # strict: else a quote that is never closed would swallow the rest of the file without a message
    return _rows(csv.reader((f"{line}\n" for line in read_lines(source)), strict=True), source, ",")


def _tsv(source: Path) -> Iterator[Entry]:
    lines = (f"{line}\n" for line in read_lines(source))
    return _rows(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True), source, "<TAB>")


def _rows(reader: Any, source: Path, mark: str) -> Iterator[Entry]:
    wanted = f"the header must be {mark.join((*_COLUMNS, 'answer'))}, perhaps with a column kind"
    header: list[str] = []
    while True:
        number = reader.line_num + 1  # a row may go over several lines: this is its first
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise UserError(f"{source}: line {number}: {error}; correct this row") from error
        if row is None:
            break
        if not header:
            header = [name.strip() for name in row]
            known = set(header) <= {*_COLUMNS, *_OPTIONAL} and set(_COLUMNS) <= set(header)
            check(known and len(set(header)) == len(header), f"{source}: line {number}: {wanted}")
        elif row:  # an empty line is no row
            check(
                len(row) == len(header),
                f"{source}: line {number}: {counted(len(row), 'column')} instead of {len(header)}"
                + ("; put quotes around a question with commas in it" if mark == "," else ""),
            )
            fields = dict(zip(header, row))
            answers = (fields["answer"],) if "answer" in fields else ()
            where = f"line {number} of {source.name}"
            yield Entry((fields["image"],), fields["question"], answers, fields.get("kind", ""), where)
    check(header, f"{source}: is empty; {wanted}")


def _jsonl(source: Path) -> Iterator[Entry]:
    for number, line in enumerate(read_lines(source), start=1):
        if not line.strip():
            continue
        where = f"{source}: line {number}"
        record = _parsed(line, where)
        image, question = _field(record, "image", str, where), _field(record, "question", str, where)
        unknown = set(record) - {*_COLUMNS, *_OPTIONAL, "answers"}
        check(
            not unknown, f"{where}: has {first_few(sorted(unknown))}; known are image, question, answer, answers, kind"
        )
        check(not {"answer", "answers"} <= set(record), f"{where}: has 'answer' and 'answers'; keep one of them")
        answers = record.get("answers", [record["answer"]] if "answer" in record else [])
        check(
            isinstance(answers, list) and all(isinstance(answer, str) for answer in answers),
            f"{where}: 'answer' must be a text, 'answers' a list of texts",
        )
        kind = _field(record, "kind", str, where) if "kind" in record else ""
        yield Entry((image,), question, tuple(answers), kind, f"line {number} of {source.name}")


def _json(source: Path) -> Iterator[Entry]:
    content = _parsed("\n".join(read_lines(source)), str(source))
    if isinstance(content, list):
        return _easy_vqa(content, source)
    known = isinstance(content, dict) and isinstance(content.get("questions"), list)
    check(known, f"{source}: is neither VQA's *_questions.json nor easy-VQA's questions.json")
    return _vqa(content, source)


def _easy_vqa(content: list[Any], source: Path) -> Iterator[Entry]:
    """easy-VQA (Zhou, 2019): a list of [question, answer, number of the picture]."""
    for number, row in enumerate(content, start=1):
        where = f"{source}: question {number}"
        three = isinstance(row, list) and len(row) == 3 and isinstance(row[0], str) and isinstance(row[1], str)
        check(three, f"{where}: must be a list of a question, an answer and the number of a picture")
        question, answer, picture = row
        kind = "yes/no" if answer in ("yes", "no") else "colour" if _COLOURS.search(question) else "shape"
        yield Entry((f"images/{picture}.png",), question, (answer,), kind, f"question {number} of {source.name}")


def _vqa(content: Mapping[str, Any], source: Path) -> Iterator[Entry]:
    """VQA v1 and v2 (Antol et al., 2015; Goyal et al., 2017); the answers of ten people lie in another file."""
    path = annotations_of(source)
    answered = _annotations(path) if path.is_file() else {}
    subset = content.get("data_subtype", "")
    for number, record in enumerate(content["questions"], start=1):
        where = f"{source}: question {number}"
        question, key = _field(record, "question", str, where), _field(record, "question_id", int, where)
        picture = _field(record, "image_id", int, where)
        check(not answered or key in answered, f"{path}: has no answers to question {key} of {source.name}")
        answers, kind = answered.get(key, ((), ""))
        names = (f"COCO_{subset}_{picture:012d}.jpg", f"{picture:012d}.jpg")
        yield Entry(names, question, answers, kind, f"question {key} of {source.name}")
    asked, count = len(content["questions"]), len(answered)
    check(
        count in (0, asked), f"{source} has {asked:,} questions, and {path} answers to {count:,}: name files that match"
    )


def annotations_of(questions: Path) -> Path:
    """The file of VQA's annotations that belongs to a file of questions: they differ in parts of their names."""
    name = re.sub(r"(OpenEnded|MultipleChoice)_", "", questions.name)
    return questions.with_name(name.replace("questions", "annotations"))


def _annotations(path: Path) -> dict[int, tuple[tuple[str, ...], str]]:
    """The answers and the kind of each question, by its number."""
    content = _parsed("\n".join(read_lines(path)), str(path))
    found: dict[int, tuple[tuple[str, ...], str]] = {}
    for number, record in enumerate(_field(content, "annotations", list, str(path)), start=1):
        where = f"{path}: annotation {number}"
        answers = tuple(_field(each, "answer", str, where) for each in _field(record, "answers", list, where))
        found[_field(record, "question_id", int, where)] = answers, _field(record, "answer_type", str, where)
    return found


def _daquar(source: Path) -> Iterator[Entry]:
    """DAQUAR (Malinowski & Fritz, 2014): a question and its answer take two lines."""
    lines = [(number, line) for number, line in enumerate(read_lines(source), start=1) if line.strip()]
    check(
        len(lines) % 2 == 0,
        f"{source}: has {counted(len(lines), 'line')}, but a question and its answer take two; the last has no answer",
    )
    for (number, question), (_, answer) in zip(lines[::2], lines[1::2]):
        names = _DAQUAR_IMAGE.findall(question)
        check(names, f"{source}: line {number}: names no picture, such as image3")
        asked = re.sub(rf"\s*(?:\b(?:in|on|of)\s+)?(?:the\s+)?\b{names[-1]}\b", "", question)
        yield Entry((f"{names[-1]}.png",), asked, (answer,), "", f"line {number} of {source.name}")


def _coco_qa(folder: Path) -> Iterator[Entry]:
    """COCO-QA (Ren et al., 2015): four files with a line per question."""
    files = [folder / f"{name}.txt" for name in ("questions", "answers", "img_ids", "types")]
    for path in files:
        check(path.is_file(), f"{folder}: has no {path.name}; a folder must be COCO-QA as published")
    columns = [list(read_lines(path)) for path in files]
    counts = ", ".join(f"{path.name} {len(column):,}" for path, column in zip(files, columns))
    check(len(set(map(len, columns))) == 1, f"{folder}: its files have different numbers of lines ({counts})")
    for number, (question, answer, picture, kind) in enumerate(zip(*columns), start=1):
        where = f"{folder}: line {number}"
        check(picture.strip().isdecimal(), f"{where}: {picture!r} in img_ids.txt is no number")
        check(kind.strip() in ("0", "1", "2", "3"), f"{where}: {kind!r} in types.txt is not 0, 1, 2 or 3")
        names = tuple(f"COCO_{part}2014_{int(picture):012d}.jpg" for part in ("train", "val"))
        yield Entry(names, question, (answer,), _COCO_QA_KINDS[int(kind)], f"line {number} of {folder.name}")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not valid JSON: {error}") from error


_KINDS = {str: "a text", list: "a list", int: "a whole number"}


def _field(record: Any, key: str, kind: Any, where: str) -> Any:
    """The value of `key` in a record that must be an object and have it."""
    value = record.get(key) if isinstance(record, dict) else None
    check(isinstance(value, kind), f"{where}: needs {key!r}, {_KINDS[kind]}")
    return value

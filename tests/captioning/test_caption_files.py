from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from captioning.caption_files import read_entries, read_json
from captioning.caption_records import Entry
from s2s.errors import UserError

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def read(source: Path, *splits: str) -> list[Entry]:
    return list(read_entries(source, splits))


def coco(**changes: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 3, "file_name": "b.jpg"}],
        "annotations": [
            {"id": 1, "image_id": 3, "caption": "one"},
            {"id": 2, "image_id": 7, "caption": "two"},
            {"id": 3, "image_id": 3, "caption": "three"},
        ],
    } | changes


def karpathy(*images: tuple[str, str]) -> dict[str, Any]:
    sentences = [{"raw": "A dog.", "tokens": ["a", "dog"]}, {"raw": "A cat.", "tokens": ["a", "cat"]}]
    return {"images": [{"split": split, "filename": name, "sentences": sentences} for split, name in images]}


# Tables


def test_a_table_may_have_its_columns_either_way_and_quoted_captions(write: Write) -> None:
    text = '\ufeffcaption,image\r\n"a dog, ""Rex""\nsits",a.jpg\r\n\r\ntwo,b.jpg'
    assert read(write("x.CSV", text)) == [
        Entry("a.jpg", ('a dog, "Rex"\nsits',), "line 2 of x.CSV"),
        Entry("b.jpg", ("two",), "line 5 of x.CSV"),
    ]


def test_tabs_need_no_quotes(write: Write) -> None:
    text = 'image\tcaption\na.jpg\t"Stop", it says\nb.jpg\tan open " quote\n'
    assert [entry.captions for entry in read(write("x.tsv", text))] == [('"Stop", it says',), ('an open " quote',)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"x\.csv: is empty; its first line must be image,caption"),
        ("a.jpg,a dog\n", r"x\.csv: line 1: the header must be image,caption"),
        ("url,caption\nhttp://x/a.jpg,a dog\n", "line 1: the header must be .*; it is 'url,caption'"),
        ("image,label\na.jpg,3\n", "line 1: the header must be .*; it is 'image,label'"),
        ("image\na.jpg\n", "line 1: the header must be"),
        ('image,caption\na.jpg,one\na.jpg,"a dog", a cat\n', "line 3: 3 columns instead of 2; put quotes"),
        ("caption,image\na dog, a cat,a.jpg\n", "line 2: 3 columns instead of 2; put quotes"),
        ("image,caption,split\na.jpg,a dog,train\nb.jpg,a cat,test\n", "holds the splits test, train"),
        ("image,caption\n\na.jpg\n", "line 3: 1 column instead of 2"),
        ('image,caption\na.jpg,"a dog\nb.jpg,two\nc.jpg,three\n', "line 2: unexpected end of data"),
        ('image,caption\na.jpg,"a" dog\n', "line 2: .*expected after"),
        (b"image,caption\na.jpg,\xff\n", r"x\.csv: line 2, byte 20: not UTF-8: FF"),
        ("image,caption\na.jpg," + "x" * 200_000, "line 2: field larger"),
    ],
)
def test_a_wrong_table_is_an_error_that_names_the_line(write: Write, text: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(write("x.csv", text))


def test_a_tab_in_a_caption_is_a_column_too_many(write: Write) -> None:
    with pytest.raises(UserError, match=r"line 2: 3 columns instead of 2$"):
        read(write("x.tsv", "image\tcaption\na.jpg\ta\tdog\n"))


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(texts, texts), max_size=5))
def test_what_a_csv_writer_wrote_is_read(write: Write, rows: list[tuple[str, str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([("image", "caption"), *rows])
    found = [(entry.image, entry.captions[0]) for entry in read(write("x.csv", buffer.getvalue()))]
    normal = unicodedata.normalize("NFC", buffer.getvalue())
    assert found == [tuple(row) for row in csv.reader(io.StringIO(normal, newline=""), skipinitialspace=True)][1:]


# An object a line


def test_objects_have_one_caption_or_several(write: Write) -> None:
    text = '{"image": "a.jpg", "caption": "one"}\n\n{"captions": ["two", "three"], "image": "b.jpg"}'
    assert read(write("x.jsonl", text)) == [
        Entry("a.jpg", ("one",), "line 1 of x.jsonl"),
        Entry("b.jpg", ("two", "three"), "line 3 of x.jsonl"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"image": "a.jpg", "caption": "one"', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('["a.jpg", "one"]', "needs an object such as"),
        ('{"image": 7, "caption": "one"}', "needs 'image', a text"),
        ('{"picture": "a.jpg", "caption": "one"}', "needs 'image' or 'file_name', .*; it has picture, caption"),
        ('{"image": "a.jpg", "width": 7}', "needs 'caption' or 'text', .*; it has image, width"),
        ('{"image": "a.jpg", "caption": "one", "captions": []}', "needs either"),
        ('{"image": "a.jpg", "caption": 3}', "'caption' must be a text or a list of texts"),
        ('{"image": "a.jpg", "captions": ["one", {}]}', "'captions' must be a text or a list of texts"),
    ],
)
def test_a_wrong_object_is_an_error_that_names_the_line(write: Write, line: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"x\.jsonl: line 2: .*{message}"):
        read(write("x.jsonl", f'{{"image": "a.jpg", "caption": "one"}}\n{line}\n'))


# JSON of the well-known data sets


@pytest.mark.oldest
def test_the_annotations_of_coco_are_joined_with_its_images(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert read(write("x.json", json.dumps(coco()))) == [
        Entry("a.jpg", ("two",), "image id 7 of x.json"),
        Entry("b.jpg", ("one", "three"), "image id 3 of x.json"),
    ]
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_an_image_without_annotation_and_an_annotation_without_image_are_kept_for_the_report(write: Write) -> None:
    annotations = [{"id": 1, "image_id": 5, "caption": "one"}]
    entries = read(write("x.json", json.dumps(coco(annotations=annotations))))
    assert [(entry.image, entry.captions) for entry in entries] == [("a.jpg", ()), ("b.jpg", ()), ("5", ("one",))]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ([], "is an empty list; must be a list of objects"),
        (7, "must be a list of objects with image and caption, .*; it is neither a list nor"),
        ({"a": {"b": 1}}, "'a': needs 'caption' or 'tags'; it has b"),
        ({"version": 1, "data": []}, "must be a list of objects .*; it is an object with version, data"),
        ({"annotations": []}, "has no images"),
        ({"images": {}}, "needs 'images', a list"),
        ([{"image": "a.jpg", "caption": "one"}, {"image": "b.jpg"}], "entry 2: needs 'caption' or 'text'"),
        ({"images": []}, "has no images"),
        (coco(images=[{"id": 1}]), "image 1: needs 'file_name', a text"),
        (coco(images=[{"file_name": "a.jpg"}]), "image 1: needs 'id', a number or a text"),
        (coco(images=coco()["images"] * 2), "image 3: its id 7 has been given"),
        (coco(images=[*coco()["images"], {"id": "007", "file_name": "c.jpg"}]), "image 3: its id 7 has been given"),
        (coco(images=[*coco()["images"], {"id": 9, "file_name": "./a.jpg"}]), "image 3: its file_name .* the id 7 too"),
        (coco(annotations=[{"id": 1, "image_id": 7, "segmentation": []}]), "annotation 1: needs 'caption', a text"),
        (coco(annotations=[{"id": 1, "image_id": [7], "caption": "one"}]), "annotation 1: needs 'image_id'"),
        (coco(annotations={}), "needs 'annotations', a list"),
        ({"images": [{"split": "train", "filename": "a.jpg"}]}, "image 1: needs 'sentences', a list"),
        ({"images": [{"filename": "a.jpg", "sentences": []}]}, "image 1: needs 'split', a text"),
        ({"images": [{"split": "a", "filename": "b", "sentences": ["c"]}]}, "image 1: a sentence: needs 'raw', a text"),
    ],
)
def test_wrong_json_is_an_error_that_names_the_place(write: Write, dataset: Any, message: str) -> None:
    with pytest.raises(UserError, match=rf"x\.json.*{message}"):
        read(write("x.json", json.dumps(dataset)))


def test_broken_json_is_an_error_that_names_the_line(write: Write) -> None:
    with pytest.raises(UserError, match=r"x\.json: not valid JSON: .*line 2 column 2"):
        read(write("x.json", '{"images":\n ]}'))
    with pytest.raises(UserError, match=r"x\.json: has several values, as JSON Lines has: rename it to x\.jsonl$"):
        read(write("x.json", '{"image": "a.jpg", "caption": "one"}\n{"image": "b.jpg", "caption": "two"}'))


def test_karpathy_files_give_the_splits_that_are_asked_for(write: Write) -> None:
    dataset = karpathy(("train", "a.jpg"), ("val", "b.jpg"), ("restval", "c.jpg"))
    dataset["images"][2]["filepath"] = "val2014"
    source = write("dataset_x.json", json.dumps(dataset))
    assert read(source, "train", "restval") == [
        Entry("a.jpg", ("A dog.", "A cat."), "image 1 of dataset_x.json"),
        Entry("val2014/c.jpg", ("A dog.", "A cat."), "image 3 of dataset_x.json"),
    ]
    assert list(read_json(source)) == ["train", "val", "restval"]


@pytest.mark.parametrize(
    ("splits", "message"),
    [((), r"holds the splits train, val; .*s2s prepare coco"), (("test",), "has no split test; it has train, val")],
)
def test_a_split_must_be_chosen_and_be_there(write: Write, splits: tuple[str, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read(write("x.json", json.dumps(karpathy(("train", "a.jpg"), ("val", "b.jpg")))), *splits)


def test_other_formats_have_no_splits(write: Write, tmp_path: Path) -> None:
    for source in (write("x.json", json.dumps(coco())), write("x.csv", "image,caption\na.jpg,one\n"), tmp_path):
        with pytest.raises(UserError, match="no splits to choose train from"):
            read(source, "train")


# As people have them

ROWS = [("a.jpg", "A dog, a cat."), ("b c.jpg", "Two men.")]
TABLES = {
    "hf_metadata.csv": 'file_name,text\na.jpg,"A dog, a cat."\nb c.jpg,Two men.\n',
    "pandas_index.csv": ',image,caption\n0,a.jpg,"A dog, a cat."\n1,b c.jpg,Two men.\n',
    "extra_split.csv": 'image,caption,split,width\na.jpg,"A dog, a cat.",train,640\nb c.jpg,Two men.,train,480\n',
    "upper.csv": 'Image,Caption\na.jpg,"A dog, a cat."\nb c.jpg,Two men.\n',
    "spaced.csv": 'Image Name , Caption\na.jpg, "A dog, a cat."\nb c.jpg, Two men.\n',
    "semicolon.csv": "image;caption\na.jpg;A dog, a cat.\nb c.jpg;Two men.\n",
    "tabs.csv": "image\tcaption\na.jpg\tA dog, a cat.\nb c.jpg\tTwo men.\n",
    "flickr30k.csv": "image_name| comment_number| comment\na.jpg| 0| A dog, a cat.\nb c.jpg| 4   Two men.\n",
    "captions.txt": "image,caption\na.jpg,A dog, a cat.\nb c.jpg,Two men.\n",
    "Flickr8k.token.txt": "a.jpg#0\tA dog, a cat.\nb c.jpg#1\tTwo men.\n",
    "results.token": "a.jpg#0\tA dog, a cat.\nb c.jpg#1\tTwo men.\n",
    "utf8_bom.csv": '\ufeffimage,caption\na.jpg,"A dog, a cat."\nb c.jpg,Two men.\n',
}
OBJECTS = {
    "metadata.jsonl": [{"file_name": name, "text": text} for name, text in ROWS],
    "extra.jsonl": [{"image": name, "caption": text, "width": 640} for name, text in ROWS],
    "listed.jsonl": [{"image": name, "caption": [text]} for name, text in ROWS],
    "blip.json": [{"image": name, "caption": [text], "image_id": i} for i, (name, text) in enumerate(ROWS)],
    "clip.json": [{"filename": name, "captions": [text]} for name, text in ROWS],
    "sentences.json": [{"filename": name, "sentences": [{"raw": text}]} for name, text in ROWS],
    "kohya_meta.json": {name: {"caption": text, "tags": "1girl", "train_resolution": [1, 2]} for name, text in ROWS},
    "tags.json": {name: {"tags": text} for name, text in ROWS},
    "named.json": dict(ROWS),
    "lists.json": {name: [text] for name, text in ROWS},
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_read_as_people_have_them(write: Write, name: str) -> None:
    assert [(entry.image, entry.captions) for entry in read(write(name, TABLES[name]))] == [(n, (t,)) for n, t in ROWS]


@pytest.mark.parametrize("name", OBJECTS)
def test_objects_are_read_as_people_have_them(write: Write, name: str) -> None:
    found: Any = OBJECTS[name]
    text = "\n".join(map(json.dumps, found)) if name.endswith("l") else json.dumps(found)
    assert [(entry.image, entry.captions) for entry in read(write(name, text))] == [(n, (t,)) for n, t in ROWS]


def test_a_row_of_flickr30k_without_a_caption_is_left_to_the_report(write: Write) -> None:
    text = "image_name| comment_number| comment\na.jpg| 0| A dog.\na.jpg| 4\n"
    assert [entry.captions for entry in read(write("x.csv", text))] == [("A dog.",), ("",)]


def test_the_splits_of_a_table_can_be_chosen(write: Write) -> None:
    source = write("x.csv", "image,caption,split\na.jpg,one,train\nb.jpg,two,test\n")
    assert [entry.image for entry in read(source, "test")] == ["b.jpg"]


@pytest.mark.parametrize("change", [str, "{:012d}".format])
@pytest.mark.parametrize("changed", ["images", "annotations", "every second annotation"])
def test_ids_of_coco_may_be_texts_and_of_mixed_types(write: Write, change: Callable[[int], Any], changed: str) -> None:
    data = coco()
    records = data["images"] if changed == "images" else data["annotations"]
    for record in records[:: 2 if "second" in changed else 1]:
        name = "id" if changed == "images" else "image_id"
        record[name] = change(record[name])
    for number, annotation in enumerate(data["annotations"]):
        annotation["id"] = str(number // 2)  # not read
    expected = {"a.jpg": ("two",), "b.jpg": ("one", "three")}
    assert {entry.image: entry.captions for entry in read(write("x.json", json.dumps(data)))} == expected


def test_annotations_may_come_without_images_and_without_ids_of_their_own(write: Write) -> None:
    annotations = [{"image_id": 7, "caption": "one"}, {"image_id": "7", "caption": "two"}]
    [entry] = read(write("x.json", json.dumps({"annotations": annotations})))
    assert (entry.captions, entry.image_id) == (("one", "two"), 7)
    assert [entry.image_id for entry in read(write("y.json", json.dumps(annotations)))] == [7, 7]


# Folders


def test_a_folder_holds_pictures_and_texts_of_the_same_name(write: Write, tmp_path: Path) -> None:
    for name in ("b.jpg", "sub/a.PNG", "lonely.webp", "._b.jpg", ".cache/c.jpg", "notes.md"):
        write(name, b"")
    (tmp_path / "folder.jpg").mkdir()
    write("b.txt", "one\ntwo\n")
    write("sub/a.txt", "three")
    write("orphan.txt", "four")
    assert read(tmp_path) == [
        Entry("b.jpg", ("one",), "line 1 of b.txt"),
        Entry("b.jpg", ("two",), "line 2 of b.txt"),
        Entry("lonely.webp", (), "lonely.webp"),
        Entry("sub/a.PNG", ("three",), "line 1 of sub/a.txt"),
        Entry("orphan", ("four",), "line 1 of orphan.txt"),
    ]


def test_a_side_file_may_have_the_whole_name_of_its_picture(write: Write, tmp_path: Path) -> None:
    """As `caption --sidecars` writes it where dog.png stands beside dog.jpg."""
    for name in ("dog.jpg", "dog.png", "cat.jpg", "cat.png", "cow.jpg"):
        write(name, b"")
    texts = {"dog.jpg.txt": "one", "dog.png.caption": "two", "cat.jpg.txt": "three", "cat.txt": "four"}
    for name, text in {**texts, "cow.jpg.txt": "five", "cow.txt": "six", "dog.gif.txt": "seven"}.items():
        write(name, text)
    assert {entry.image: (entry.captions, entry.where) for entry in read(tmp_path)} == {
        "cat.jpg": (("three",), "line 1 of cat.jpg.txt"),
        "cat.png": (("four",), "line 1 of cat.txt"),
        "cow.jpg": (("five",), "line 1 of cow.jpg.txt"),
        "dog.jpg": (("one",), "line 1 of dog.jpg.txt"),
        "dog.png": (("two",), "line 1 of dog.png.caption"),
        "cow": (("six",), "line 1 of cow.txt"),  # reported as a text without a picture
        "dog.gif": (("seven",), "line 1 of dog.gif.txt"),
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.jsonl", '{"image": "a.jpg", "caption": null}\n{"image": "b.jpg", "captions": [null]}\n'),
        ("x.json", '{"a.jpg": null, "b.jpg": {"caption": null}}'),
        (
            "y.json",
            json.dumps(
                {
                    "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
                    "annotations": [{"image_id": 1, "caption": None}, {"image_id": 2, "caption": None}],
                }
            ),
        ),
    ],
)
def test_null_is_an_empty_caption_that_is_left_to_the_report(name: str, content: str, write: Write) -> None:
    assert [(entry.image, entry.captions) for entry in read(write(name, content))] == [
        ("a.jpg", ("",)),
        ("b.jpg", ("",)),
    ]


def test_a_suffix_that_tells_nothing(write: Write) -> None:
    with pytest.raises(UserError, match=r"x\.doc: its suffix must be \.csv, \.tsv, \.txt, .* or \.json"):
        read(write("x.doc", "image,caption\n"))


def test_a_caption_file_counts_where_there_is_no_text_file(write: Write, tmp_path: Path) -> None:
    for name, text in {"a.jfif": "", "a.caption": "one", "b.jpe": "", "b.caption": "two", "b.txt": "three"}.items():
        write(name, text)
    assert [(entry.image, entry.captions) for entry in read(tmp_path)] == [("a.jfif", ("one",)), ("b.jpe", ("three",))]

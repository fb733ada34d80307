"""`caption`: which files its arguments mean; what it prints, keeps and counts of each."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from captioning.caption import DEFAULT, MODELS, caption, model_directory
from captioning.configuration import KIND
from captioning.inputs import Input, expanded
from captioning.result_files import FORMATS, ResultFile
from captioning.run import Run
from s2s.decoding.results import Caption, Sentence
from s2s.errors import UserError
from s2s.storage.bundled import bundled_models
from s2s.vision.images import read_image

CAPTIONING = Path(__file__).parents[2] / "captioning"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with files at two depths, hidden ones among them."""
    for name in ("b.jpg", "a.png", "sub/c.jpg", ".hidden/d.jpg", "sub/.e.jpg", "[1].jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "lost.jpg").symlink_to("nowhere.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (".", ["[1].jpg", "a.png", "b.jpg", "lost.jpg", "sub/c.jpg"]),  # the broken link will be told
        ("sub", ["sub/c.jpg"]),
        (".hidden", [".hidden/d.jpg"]),
        ("b.jpg", ["b.jpg"]),
        ("*.png", ["a.png"]),
        ("**/*.jpg", ["[1].jpg", "b.jpg", "lost.jpg", "sub/c.jpg"]),
        ("[1].jpg", ["[1].jpg"]),  # a file, and no pattern
        ("*.gif", ["*.gif"]),
        ("missing.jpg", ["missing.jpg"]),
        ("x" * 5000, ["x" * 5000]),
    ],
)
def test_an_argument_means_files_in_a_stable_order(name: str, found: list[str], folder: Path) -> None:
    assert list(expanded(name)) == [Path(each) for each in found]


def test_all_files_among_the_examples_are_photographs_of_which_the_terms_are_told() -> None:
    """Whoever captions that folder has no warning of a text, and no caption of a drawing."""
    terms = (CAPTIONING / "EXAMPLES.md").read_text(encoding="utf-8")
    for path in expanded(str(CAPTIONING / "examples")):
        assert min(read_image(path).size) > 200
        assert f"| `{path.name}` |" in terms


def test_a_folder_without_pictures_is_told_as_it_is(tmp_path: Path) -> None:
    assert list(expanded(str(tmp_path))) == [tmp_path]


def picture(name: str) -> Input:
    return Input(name, Path(name), name)


def test_every_caption_is_a_line_and_every_failure_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["a\tb\n\x1b.jpg", "broken.jpg", "COCO_val2014_000000000042.jpg"]
    path = tmp_path / "r.json"
    with closing(ResultFile(path, FORMATS["json"])) as file:
        run = Run(3, [file], dict(zip(names, [names[0], names[1], 42])))
        run.take(picture(names[0]), Caption((Sentence("a dog", -1.0),)))
        run.take(picture(names[1]), Caption((), problem="is empty (0 bytes)"))
        run.take(picture(names[2]), Caption((Sentence("a cat", -1.0),)))
        assert run.report() == 1
        assert [entry["image_id"] for entry in json.loads(path.read_text())] == [names[0], 42]
    printed = capsys.readouterr()
    assert printed.out == "a\\tb\\n\\x1b.jpg\ta dog\nCOCO_val2014_000000000042.jpg\ta cat\n"
    assert "warning: broken.jpg: is empty (0 bytes)\n" in printed.err
    assert "1 of 3 pictures failed" in printed.err


def test_the_n_best_captions_are_lines_with_their_scores(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(1, n_best=True, mark=True)
    run.take(picture("a.jpg"), Caption((Sentence("a dog", -1.0), Sentence("a cat", -1.25)), doubtful=True))
    assert capsys.readouterr().out == "a.jpg\t[?] a dog\t-1.0000\na.jpg\ta cat\t-1.2500\n"


def test_a_picture_is_never_replaced_by_what_is_said_of_it(tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.write_bytes(b"precious")
    for paths in (["a.jpg"], ["b.jpg", "."]):
        with pytest.raises(UserError, match=r"a\.jpg: is an input and would be overwritten"):
            caption([*(str(tmp_path / path) for path in paths), "--json", str(picture), "--force"])
    assert picture.read_bytes() == b"precious"


def test_a_page_that_cannot_be_drawn_costs_no_caption(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run(1, draw=lambda *_: "does not exist; check the path")
    run.take(picture("a.jpg"), Caption((Sentence("a dog", -1.0),), "a.jpg"))
    assert run.report() == 1
    assert "a.jpg\ta dog" in capsys.readouterr().out
    assert run.captioned == 1


def test_no_folder_in_a_folder_is_passed_over_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", ".hidden"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").touch()
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    entries = os.scandir

    def guarded(path: Any) -> Any:
        if Path(path).name == "b":  # as permissions would have it, which do not bind root
            raise PermissionError(13, "Permission denied", str(path))
        return entries(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert list(expanded(str(tmp_path))) == [tmp_path / "a" / "x.png", tmp_path / "b"]  # the link leads to all of it


def test_models_are_found_by_their_names_among_the_bundled_ones(tmp_path: Path) -> None:
    assert model_directory(Path("flickr8k")) == MODELS / "flickr8k"
    assert [model.name for model in bundled_models(KIND)] == ["everyday", "flickr8k"]
    assert model_directory(tmp_path) == tmp_path
    with pytest.raises(UserError, match=r"xyz: no such directory, .*; the bundled models are everyday, flickr8k$"):
        model_directory(Path("xyz"))


def test_a_folder_called_like_the_default_model_is_not_taken_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as the data set that is being captioned."""
    (tmp_path / DEFAULT.name).mkdir()
    monkeypatch.chdir(tmp_path)
    loaded: list[Path] = []

    def load(directory: Path, *_: Any, **__: Any) -> None:
        loaded.append(directory)
        raise UserError("seen")

    monkeypatch.setattr("captioning.caption.load", load)
    with pytest.raises(UserError, match="seen"):
        caption([DEFAULT.name])
    assert loaded == [DEFAULT]

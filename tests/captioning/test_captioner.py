"""The captioner: one result per picture and in order, whatever is wrong with the others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import captioning_fixtures as world
import numpy as np
import pytest
from PIL import Image

from captioning import captioner as captioning_module
from captioning.captioner import Captioner
from s2s.decoding.results import Caption
from s2s.decoding.search import BeamOptions
from s2s.errors import UserError
from s2s.vision.images import Preprocessing, read_image

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Pictures of each colour, every third file broken."""
    found = []
    for number, colour in enumerate([*world.COLOURS] * 3):
        path = tmp_path / f"{number}.png"
        if number % 3 == 2:
            path.write_bytes(b"no picture")
        else:
            Image.new("RGB", (8 + number, 12), world.COLOURS[colour]).save(path)
        found.append(path)
    return found


def captioner(width: int = 3, batch: int = 32) -> Captioner:
    model = world.model()
    model.network.eval()
    return Captioner(model.engine("float32"), BeamOptions(width, n_best=width), batch=batch)


@pytest.mark.parametrize("batch", [1, 2, 5, 32])
def test_each_file_has_its_answer_in_order_whatever_the_batch(batch: int, paths: list[Path]) -> None:
    found = captioner(batch=batch).caption(paths)
    assert [each.name for each in found] == [str(path) for path in paths]
    alone = captioner()
    for number, (path, each) in enumerate(zip(paths, found)):
        if number % 3 == 2:
            assert each == Caption((), str(path), problem="is text, not a picture")
            assert (each.text, each.score, each.tokens, each.attention) == ("", -inf, (), None)
        else:
            assert not each.problem
            [expected] = alone.describe([Preprocessing(world.SIZE).apply(read_image(path))])
            assert [sentence.text for sentence in each.n_best] == [sentence.text for sentence in expected]
            assert (each.text, each.score) == (each.n_best[0].text, each.n_best[0].score)


def test_a_picture_of_one_colour_is_doubtful_and_says_why(tmp_path: Path) -> None:
    flat = np.full((9, 12, 3), 77, np.uint8)
    photograph = world.photograph((9, 12), (0, 0, 255))
    one, other = captioner().caption([flat, photograph])
    assert (one.doubtful, one.reasons[0]) == (True, "the picture is one colour, so that there is nothing to describe")
    assert one.text  # it is captioned all the same
    assert (other.doubtful, other.reasons) == (False, ())


def test_pictures_in_memory_are_captioned_as_those_in_files(paths: list[Path]) -> None:
    """`tests/s2s/vision/test_images.py` tries images of every mode."""
    files = [path for number, path in enumerate(paths) if number % 3 < 2]
    images = [Image.open(path) for path in files]
    arrays = [np.asarray(image) for image in images]
    expected = captioner().caption(files)
    for pictures in (map(str, files), images, arrays, (image.convert("RGBA") for image in images)):
        found = captioner().caption(pictures)
        assert [each.text for each in found] == [each.text for each in expected]
        assert [each.score for each in found] == pytest.approx([each.score for each in expected], abs=1e-4)
    assert [each.name for each in captioner().caption([files[0], images[0], arrays[0]])] == [
        str(files[0]),
        "picture 2",
        "picture 3",
    ]


def test_the_content_of_a_file_is_captioned_as_the_file(paths: list[Path]) -> None:
    of_files = captioner().caption(paths)
    of_contents = captioner().caption([path.read_bytes() for path in paths])
    assert [each.name for each in of_contents] == [f"picture {number}" for number in range(1, len(paths) + 1)]
    assert [replace(each, name="") for each in of_contents] == [replace(each, name="") for each in of_files]


def test_one_image_twice_is_captioned_twice(paths: list[Path]) -> None:
    with Image.open(paths[0]) as image:
        one, other = captioner().caption([image, image])
    assert [each.text for each in one.n_best] == [each.text for each in other.n_best] != []
    scores = [[each.score for each in of.n_best] for of in (one, other)]
    assert scores[0] == pytest.approx(scores[1], abs=1e-5)  # a row of a batch may differ in the last bits


def test_a_broken_image_in_memory_has_a_problem_and_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    broken, fine = captioner().caption([Image.open(path), Image.new("L", (9, 9))])
    assert broken.problem.startswith("is broken or cut off: ")
    assert fine.text


@pytest.mark.parametrize(
    ("pictures", "problem"),
    [
        ("a.png", "caption takes a list of pictures, not str: put the picture into a list, such as [path]"),
        (Path("a.png"), "caption takes a list of pictures, not PosixPath: put the picture into a list, such as [path]"),
        (None, "caption takes a list of pictures, not NoneType: put the picture into a list, such as [path]"),
        (
            np.zeros((8, 8, 3), np.uint8),
            "caption takes a list of pictures, not ndarray: put the picture into a list, such as [path]",
        ),
        (
            [Image.new("L", (9, 9)), None],
            "picture 2 is of type NoneType: give a path, bytes, a PIL image or a NumPy array",
        ),
        ([memoryview(b"")], "picture 1 is of type memoryview: give a path, bytes, a PIL image or a NumPy array"),
        (
            [np.zeros((8, 8, 5))],
            "picture 1: is an array of float64 8 x 8 x 5; "
            "it must be of numbers, (height, width) or (height, width, 1 to 4)",
        ),
    ],
)
def test_what_is_not_a_list_of_pictures_is_refused(pictures: Any, problem: str) -> None:
    with pytest.raises(UserError) as caught:
        captioner().caption(pictures)
    assert str(caught.value) == problem


def test_files_are_read_no_further_ahead_than_two_batches(paths: list[Path]) -> None:
    taken: list[Path] = []

    def remembered() -> Iterator[Path]:
        for path in paths:
            taken.append(path)
            yield path

    found = captioner(batch=2).caption_stream(remembered())
    next(found)
    assert len(taken) == 4
    assert len(list(found)) == len(paths) - 1


def test_nothing_to_caption_is_nothing() -> None:
    assert captioner().caption([]) == []


def test_attention_lies_on_the_cells_a_row_a_token(paths: list[Path]) -> None:
    for each in captioner().caption(paths)[0].n_best:
        assert isinstance(each.attention, np.ndarray)
        assert each.attention.dtype == np.float32
        assert each.attention.shape == (len(each.tokens), world.CELLS, world.CELLS)
        np.testing.assert_allclose(each.attention.sum((1, 2)), np.ones(len(each.tokens)), rtol=1e-5)
        assert "<unk>" not in each.tokens


def test_one_hypothesis_wide_is_greedy_and_the_captions_come_best_first(paths: list[Path]) -> None:
    [greedy] = captioner(width=1).caption(paths[:1])[0].n_best
    scores = [sentence.score for sentence in captioner(width=4).caption(paths[:1])[0].n_best]
    assert scores == sorted(scores, reverse=True)
    assert greedy.text


def test_the_extent_is_what_the_photograph_fills(tmp_path: Path) -> None:
    Image.new("RGB", (40, 10)).save(tmp_path / "wide.png")
    model = world.model()
    model.network.eval()
    padded = replace(model, config=replace(model.config, preprocessing=Preprocessing(world.SIZE, "pad")))
    [found] = Captioner(padded.engine("float32")).caption([tmp_path / "wide.png"])
    assert found.extent == (0.25, 1.0)
    assert found.attention is not None
    assert found.attention[:, 1].sum() == 0  # the lower row of cells is padding


def test_a_name_stands_for_a_bundled_model_and_no_name_for_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    engine = world.model().engine()
    monkeypatch.setattr(captioning_module, "_torch_engine", lambda path, *_: asked.append(path) or engine)
    assert Captioner.load(engine="torch").options == BeamOptions(minimum_length=1)  # those of the command
    assert Captioner.load("flickr8k", BeamOptions(2), engine="torch").options == BeamOptions(2)
    assert asked == [captioning_module.MODELS / "everyday", captioning_module.MODELS / "flickr8k"]
    with pytest.raises(UserError, match=r"coco: no such directory, and no bundled model has this name; .* flickr8k"):
        Captioner.load("coco")


def test_importing_the_package_imports_no_torch_and_the_captioner_is_there_when_asked_for() -> None:
    program = (
        "import sys, captioning; assert 'Captioner' in dir(captioning); assert not hasattr(captioning, 'nothing')\n"
        "print('torch' in sys.modules, end=' ')\n"
        "from captioning import Captioner; from captioning.captioner import Captioner as same\n"
        "print(Captioner is same)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False True\n"

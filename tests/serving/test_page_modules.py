"""What the page computes by itself: the pixels that a CNN sees, light on a photograph, words and their weights."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from s2s.views.attention_view import Grid, Photograph
from s2s.views.light import heat_map, peak_position
from s2s.vision.images import Preprocessing, convert_image, read_image

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page

Modules = Callable[[str], "Page"]

_READ = """async ([content, preprocessing]) => {
  const file = await (await fetch("data:application/octet-stream;base64," + content)).blob();
  const {pixels, width, height} = exports.preprocess(await exports.readPicture(file), preprocessing);
  return {pixels: [...pixels], width, height};
}"""


def gradient(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Smooth colours with some noise."""
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(0).integers(0, 40, (height, width))
    planes = [255 * x / width, 255 * y / height, 128 + 60 * np.sin(x / 9 + y / 7), 255 * x / width]
    pixels = np.stack([np.clip(plane + noise, 0, 255) for plane in planes[: len(mode)]], axis=2)
    return Image.fromarray(pixels.astype(np.uint8), mode)


def content(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The content of an image file."""
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def read(modules: Modules, data: bytes, **preprocessing: Any) -> tuple[np.ndarray, int, int]:
    """The pixels (3, size, size) that the page's captioner would see, and the part that the picture fills."""
    found = modules("worker/pixels.js").evaluate(_READ, [base64.b64encode(data).decode(), preprocessing])
    size = preprocessing["size"]
    return np.array(found["pixels"], np.uint8).reshape(3, size, size), found["width"], found["height"]


@pytest.mark.parametrize("fit", ["stretch", "pad"])
@pytest.mark.parametrize(("width", "height"), [(300, 200), (97, 333), (64, 64), (20, 31), (1, 5)])
def test_the_pixels_are_those_of_python(modules: Modules, width: int, height: int, fit: str) -> None:
    image = gradient(width, height)
    expected = Preprocessing(64, fit).apply(image)  # type: ignore[arg-type]
    pixels, *filled = read(modules, content(image, "PNG"), size=64, fit=fit)
    assert filled == [expected.width, expected.height]
    np.testing.assert_array_equal(pixels, np.asarray(expected.pixels))


def test_transparency_lies_over_white(modules: Modules) -> None:
    image = gradient(90, 70, "RGBA")
    expected = Preprocessing(32).apply(convert_image(image, "picture"))
    pixels, *_ = read(modules, content(image, "PNG"), size=32, fit="stretch")
    assert np.abs(pixels.astype(int) - np.asarray(expected.pixels)).max() <= 2  # a canvas multiplies by alpha first


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_upright(modules: Modules, tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = content(gradient(120, 80), "JPEG", quality=95, exif=exif)
    (path := tmp_path / "turned.jpg").write_bytes(data)
    expected = np.asarray(Preprocessing(32).apply(read_image(path)).pixels)
    pixels, *_ = read(modules, data, size=32, fit="stretch")
    assert np.abs(pixels.astype(int) - expected).max() <= 3  # decoders of JPEG may round differently


def test_a_large_jpeg_is_shrunk_before_it_is_resampled(modules: Modules, tmp_path: Path) -> None:
    data = content(gradient(4200, 2100), "JPEG", quality=90)
    (path := tmp_path / "large.jpg").write_bytes(data)
    expected = np.asarray(Preprocessing(64).apply(read_image(path)).pixels)
    pixels, *_ = read(modules, data, size=64, fit="stretch")
    difference = np.abs(pixels.astype(int) - expected)
    assert difference.max() <= 4
    assert difference.mean() <= 0.6


@pytest.mark.parametrize(
    ("rows", "columns", "extent"), [(7, 7, (1.0, 1.0)), (5, 3, (0.5, 1.0)), (2, 6, (1.0, 0.4)), (1, 1, (1.0, 1.0))]
)
def test_light_is_that_of_the_other_pages(
    modules: Modules,
    rows: int,
    columns: int,
    extent: tuple[float, float],
) -> None:
    weights = np.random.default_rng(1).dirichlet(np.full(rows * columns, 0.3)).tolist()
    box = (0.0, 0.0, 64 / extent[1], 48 / extent[0])
    grid = Grid("photograph", rows, columns, Photograph("p", 64, 48, box))
    page = modules("../../s2s/views/data/light.js")
    arguments = [weights, rows, columns, extent]
    script = "([w, r, c, e]) => [...exports.heatMap(w, exports.gridOf(r, c, e), 64, 48)]"
    found = np.array(page.evaluate(script, arguments)).reshape(48, 64)
    np.testing.assert_allclose(found, heat_map(weights, grid, 64, 48), atol=1e-5)
    peak = page.evaluate("([w, r, c, e]) => exports.peakPosition(w, exports.gridOf(r, c, e))", arguments)
    assert peak == pytest.approx(peak_position(weights, grid))


@pytest.mark.parametrize(
    ("tokens", "text", "expected"),
    [
        (["Two", " dog", "s", " play", ".", "</s>"], "Two dogs play.", ["Two", "dog", "s", "play", ".", None]),
        (["a", " man", " \ue000", " today", "</s>"], "a man bob@x.org today", ["a", "man", "bob@x.org", "today", None]),
        (["ein", " mann"], "EIN MANN", ["EIN", "MANN"]),
        (["<unk>", " runs"], "Zlatan runs", ["Zlatan", "runs"]),
        (["a", "man"], "a man", ["a", "man"]),
        (["x"], "", [None]),
    ],
)
def test_tokens_are_found_in_the_text(
    modules: Modules,
    tokens: list[str],
    text: str,
    expected: list[str | None],
) -> None:
    places = modules("ui/words.js").evaluate("([tokens, text]) => exports.placeTokens(tokens, text)", [tokens, text])
    assert [place and text[place[0] : place[1]] for place in places] == expected


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ('He said: "go, now!"', "en", ["He", "said", ":", '"', "go", ",", "now", '!"']),
        ("l'homme est-il là ?", "fr", ["l'homme", "est-il", "là", "?"]),
        ("see https://x.org/a?b=1.", "en", ["see", "https://x.org/a?b=1", "."]),
        ("一个男人在睡觉", "zh", None),
        ("  ", "en", []),
    ],
)
def test_words(modules: Modules, text: str, language: str, expected: list[str] | None) -> None:
    places = modules("ui/words.js").evaluate("([text, language]) => exports.wordsOf(text, language)", [text, language])
    words = [text[start:end] for start, end in places]
    if expected is None:
        assert "".join(words) == text
        assert len(words) > 1
    else:
        assert words == expected


def test_weights_of_words(modules: Modules) -> None:
    """A word of the output has the mean of its tokens, a word of the input the sum."""
    page = modules("ui/words.js")
    weights = page.evaluate(
        """() => exports.wordWeights([[.2, .3, .5], [.6, .4, 0]], [[0, 2], [2, 4]], [[0, 4]],
             [[0, 1], [1, 3], null], [[0, 3]])"""
    )
    assert weights == [[pytest.approx((0.5 + 1.0) / 2)]]


def test_what_an_alternative_changes(modules: Modules) -> None:
    page = modules("ui/words.js")
    script = "([a, b]) => [...exports.changedWords(a, b, 'en')]"
    assert page.evaluate(script, ["the black dog runs", "a black dog is running"]) == [0, 3]
    assert page.evaluate(script, ["same", "same"]) == []

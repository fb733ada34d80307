from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from s2s.errors import UserError
from s2s.vision import images
from s2s.vision.images import ImageError, Preprocessing, convert_image, decode_image, read_image

Turn = Image.Transpose
UPRIGHT = {  # EXIF orientation -> how a scene is turned before it is stored with it
    1: None,
    2: Turn.FLIP_LEFT_RIGHT,
    3: Turn.ROTATE_180,
    4: Turn.FLIP_TOP_BOTTOM,
    5: Turn.TRANSPOSE,
    6: Turn.ROTATE_90,
    7: Turn.TRANSVERSE,
    8: Turn.ROTATE_270,
}
NOISE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def scene() -> Image.Image:
    """Four quarters of different colours, 48 x 32: no turn leaves it as it is, and JPEG hardly changes it."""
    picture = Image.new("RGB", (48, 32), "black")
    for colour, corner in (("red", (0, 0)), ("lime", (24, 0)), ("blue", (0, 16))):
        picture.paste(colour, (*corner, corner[0] + 24, corner[1] + 16))
    return picture


def encoded(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def stored(folder: Path, data: bytes, name: str = "picture.jpg") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG made by hand, for what Pillow does not write; `extra` are chunks before the pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    parts = (struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def floats(levels: list[float]) -> np.ndarray:
    return np.array(levels, dtype=np.float32)


def integers(levels: list[int]) -> np.ndarray:
    return np.array(levels, dtype=np.int32)


def pixel(image: Image.Image, x: int = 0, y: int = 0) -> tuple[int, ...]:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return found


def difference(one: Image.Image, other: Image.Image) -> float:
    assert one.size == other.size
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).mean())


def reason(path: Path) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    assert "\n" not in str(caught.value)
    return caught.value.reason


# pytest takes away the filter that the module sets; a test below runs without pytest
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")

# Sound files


@pytest.mark.oldest
@pytest.mark.parametrize(
    "format",
    [
        *("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "MPO"),
        *("DDS", "PCX", "SGI", "TGA"),
    ],
)
def test_each_format_is_read_whatever_its_name(tmp_path: Path, format: str) -> None:
    for name in ("picture", "picture.txt", "picture.gif", "Bild\udcff ü.PNG"):
        image = read_image(stored(tmp_path, encoded(scene(), format), name))
        assert image.mode == "RGB"
        assert difference(image, scene()) < 6


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize(
    ("format", "options"),
    [("JPEG", {}), ("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})],
)
def test_a_photograph_is_upright_however_the_camera_was_held(
    tmp_path: Path, orientation: int, format: str, options: dict
) -> None:
    turn = UPRIGHT[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(scene() if turn is None else scene().transpose(turn), format, exif=exif, **options)
    image = read_image(stored(tmp_path, data))
    assert difference(image, scene()) < 6
    assert not image.getexif()  # or the next reader would turn it again


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0"])
def test_broken_exif_data_do_not_cost_the_picture(tmp_path: Path, exif: bytes) -> None:
    assert difference(read_image(stored(tmp_path, encoded(scene(), "JPEG", exif=exif))), scene()) < 6


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("LA", (10, 255), (10, 10, 10)),
        ("LA", (10, 0), (10, 10, 10)),  # an alpha channel that hides everything is ignored
        ("RGBA", (200, 0, 0, 255), (200, 0, 0)),
        ("RGBA", (200, 0, 0, 0), (200, 0, 0)),
        ("RGBA", (255, 0, 0, 128), (255, 127, 127)),
    ],
)
def test_grey_and_alpha(tmp_path: Path, mode: str, colour: int | tuple[int, ...], expected: tuple[int, ...]) -> None:
    image = read_image(stored(tmp_path, encoded(Image.new(mode, (4, 3), colour), "PNG")))
    assert image.mode == "RGB"
    assert pixel(image) == expected


@pytest.mark.parametrize(
    ("format", "transparency", "expected"),
    [
        ("PNG", None, [(200, 0, 0), (0, 100, 0)]),
        ("PNG", 0, [(255, 255, 255), (0, 100, 0)]),
        ("GIF", 1, [(200, 0, 0), (255, 255, 255)]),
        ("PNG", b"\xff\x00", [(200, 0, 0), (255, 255, 255)]),
        ("PNG", b"\x80\xff", [(227, 127, 127), (0, 100, 0)]),
    ],
)
def test_a_palette_may_be_transparent_by_index_or_by_levels(
    tmp_path: Path, format: str, transparency: int | bytes | None, expected: list[tuple[int, ...]]
) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([200, 0, 0, 0, 100, 0])
    image.putpixel((1, 0), 1)
    options = {} if transparency is None else {"transparency": transparency}
    read = read_image(stored(tmp_path, encoded(image, format, **options)))
    assert [pixel(read, x) for x in (0, 1)] == expected


def test_a_colour_may_stand_for_transparent(tmp_path: Path) -> None:
    rgb = png(2, 1, 8, 2, b"\0\1\2\3\x09\x09\x09", (b"tRNS", struct.pack(">3H", 1, 2, 3)))
    grey = png(2, 1, 16, 0, b"\0" + struct.pack(">2H", 258, 0x8000), (b"tRNS", struct.pack(">H", 258)))
    for data, other in ((rgb, 9), (grey, 128)):
        image = read_image(stored(tmp_path, data))
        assert [pixel(image, x) for x in (0, 1)] == [(255, 255, 255), (other,) * 3]


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_are_scaled_not_clipped(tmp_path: Path, format: str) -> None:
    grey = np.arange(256, dtype=np.uint16).reshape(16, 16)
    image = read_image(stored(tmp_path, encoded(Image.fromarray(grey * 257), format)))
    assert (np.asarray(image) == grey[:, :, None]).all()


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (floats([0, 0.2, 1]), [0, 51, 255]),
        (floats([0, 51, 255]), [0, 51, 255]),
        (floats([0, 65535, 13107]), [0, 255, 51]),
        (floats([-1, 0, 1]), [0, 128, 255]),
        (floats([0, 1e30, np.inf]), [0, 255, 255]),
        (floats([np.nan, 0.2, -np.inf]), [0, 51, 0]),
        (floats([-3e38, 0, 3e38]), [0, 128, 255]),
        (floats([-5, -5, -5]), [0, 0, 0]),
        (floats([np.nan, np.nan, np.nan]), [0, 0, 0]),
        (integers([0, 51, 255]), [0, 51, 255]),
        (integers([0, 13107, 65535]), [0, 51, 255]),
        (integers([-100, 0, 100]), [0, 128, 255]),
        (integers([0, 1_000_000, 5_000_000]), [0, 51, 255]),
    ],
)
def test_levels_without_a_known_white(tmp_path: Path, levels: np.ndarray, expected: list[int]) -> None:
    with warnings.catch_warnings(action="error"):
        image = read_image(stored(tmp_path, encoded(Image.fromarray(levels[None]), "TIFF")))
    assert np.asarray(image)[0, :, 0].tolist() == expected


def test_ink_is_converted_and_not_inverted(tmp_path: Path) -> None:
    white, red = Image.new("CMYK", (8, 8), (0, 0, 0, 0)), Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    for format in ("JPEG", "TIFF"):
        assert min(pixel(read_image(stored(tmp_path, encoded(white, format))))) > 250
        assert pixel(read_image(stored(tmp_path, encoded(red, format)))) == pytest.approx((255, 0, 0), abs=6)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_frames_the_first_counts(tmp_path: Path, format: str) -> None:
    frames = [Image.new("RGB", (6, 5), "white"), Image.new("RGB", (6, 5), "black")]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert pixel(read_image(stored(tmp_path, data))) == (255, 255, 255)


def test_a_large_jpeg_is_read_smaller_and_gives_the_same_square(tmp_path: Path) -> None:
    large = scene().resize((2100, 2500), Image.Resampling.BICUBIC)
    fast = read_image(stored(tmp_path, encoded(large, "JPEG")))
    exact = read_image(stored(tmp_path, encoded(large, "PNG")))
    assert fast.size == (1050, 1250)
    assert exact.size == large.size
    squares = [Preprocessing().apply(image).pixels.astype(int) for image in (fast, exact)]
    assert np.abs(squares[0] - squares[1]).mean() < 1


def test_the_content_of_a_file_is_decoded_as_the_file(tmp_path: Path) -> None:
    for data in (encoded(scene().resize((4000, 3000)), "JPEG"), encoded(scene(), "PNG")):
        expected, decoded = read_image(stored(tmp_path, data)), decode_image(data, "picture 1")
        assert (decoded.size, decoded.tobytes()) == (expected.size, expected.tobytes())
    for data in (b"", b"hello there", encoded(scene(), "PNG")[:100]):
        with pytest.raises(ImageError) as found:
            decode_image(data, "picture 1")
        assert str(found.value) == f"picture 1: {reason(stored(tmp_path, data))}"


# Transparency and single colours

ART = Image.fromarray(np.kron(np.array([[0, 255], [255, 0]], dtype=np.uint8), np.ones((8, 8), dtype=np.uint8)))


def art(colour: str) -> Image.Image:
    """Two squares of a colour, transparent elsewhere."""
    image = Image.new("RGBA", ART.size, colour)
    image.putalpha(ART)
    return image


@pytest.mark.parametrize(("colour", "background"), [("white", 0), ("#f0f0f0", 0), ("black", 255), ("gray", 255)])
def test_transparent_art_lies_on_a_background_that_contrasts(tmp_path: Path, colour: str, background: int) -> None:
    for image in (art(colour), art(colour).convert("RGBa"), art(colour).convert("LA"), art(colour).convert("PA")):
        assert pixel(convert_image(image, "picture 1")) == (background,) * 3
    for format in ("PNG", "TIFF"):
        assert pixel(read_image(stored(tmp_path, encoded(art(colour), format)))) == (background,) * 3


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_an_alpha_channel_that_hides_everything_is_ignored(tmp_path: Path, format: str, level: int) -> None:
    image = scene().convert("RGBA")
    image.putalpha(level)
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    assert difference(read_image(stored(tmp_path, encoded(image, format, **options))), scene()) == 0


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
@pytest.mark.parametrize("blank", ["black", "white"])
def test_of_several_frames_the_first_that_is_not_one_colour_counts(tmp_path: Path, format: str, blank: str) -> None:
    frames = [Image.new("RGB", (48, 32), blank), scene(), scene().rotate(180)]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
    assert difference(read_image(stored(tmp_path, data)), scene()) < 6


def test_a_picture_of_one_colour_is_told() -> None:
    flat, nearly, scarcely = np.full((3, 12, 12, 3), 90, np.uint8)
    nearly[3, 4], scarcely[3, 4, 1] = 92, 93
    for fit in ("stretch", "pad"):
        how = Preprocessing(size=12, fit=fit)
        seen = [how.apply(Image.fromarray(array)).is_flat for array in (flat, nearly, scarcely)]
        assert seen == [True, True, False]
    assert Preprocessing(size=12, fit="pad").apply(Image.new("RGB", (9, 3), "red")).is_flat  # whatever is around it


# Files that give no picture


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty (0 bytes)"),
        (b"a photograph, honestly\n", "is text, not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing; convert it to JPEG or PNG"),
        (b"<!DOCTYPE html><HTML><p>404", "is a web page, not a picture; download it again"),
        (bytes(range(256)), "is no picture of a known format"),
        (b"\0\0\0\x18ftypheic" + bytes(99), "is a HEIF picture; convert it to JPEG or PNG"),
        (b"\0\0\0\x18ftypisom" + bytes(99), "is a video"),
        (b"\0\0\0\x18ftypavif" + bytes(99), "is an AVIF with a broken header"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer of Git LFS, not the picture; run git lfs pull"),
        (b"%PDF-1.7\n", "is a PDF document"),
        (b"\xff\xd8\xff\xe0", "is a JPEG with a broken header"),
        (b"\x89PNG\r\n\x1a\n\0\0", "broken"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "broken"),
        (b"GIF89a", "is a GIF with a broken header"),
        (b"II*\0\0", "is a TIFF with a broken header"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "is a PostScript document"),  # Pillow would start Ghostscript
    ],
)
def test_what_is_no_picture_is_told_from_its_content(tmp_path: Path, data: bytes, expected: str) -> None:
    assert expected in reason(stored(tmp_path, data))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_half_a_picture_is_none(tmp_path: Path, format: str, share: float) -> None:
    data = encoded(Image.fromarray(np.tile(NOISE, (8, 8, 1))), format)
    assert "broken" in reason(stored(tmp_path, data[: int(len(data) * share)]))


def test_a_progressive_jpeg_cut_short_is_no_picture(tmp_path: Path) -> None:
    data = encoded(Image.fromarray(np.tile(NOISE, (8, 8, 1))), "JPEG", progressive=True)
    assert "broken or cut off" in reason(stored(tmp_path, data[: len(data) * 3 // 4]))


def test_paths_that_lead_to_no_file(tmp_path: Path) -> None:
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    assert reason(tmp_path) == "is a folder, not a picture"
    (tmp_path / "none").mkdir()
    assert reason(tmp_path / "none") == "is an empty folder"
    assert reason(tmp_path / "none.jpg") == reason(tmp_path / "dangling.jpg") == "does not exist; check the path"
    assert "symbolic links" in reason(tmp_path / "loop.jpg")
    assert "name too long" in reason(tmp_path / ("n" * 999))
    assert "null" in reason(tmp_path / "a\0b.jpg")


def test_a_pipe_and_a_device_are_refused_without_waiting_for_them(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path("/dev/zero")):
        assert reason(path) == "is a pipe or a device, not a file"


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = stored(tmp_path, encoded(scene(), "PNG"))
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything

        def refuse(self: Path, *_: object) -> None:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "open", refuse)
    assert reason(path) == "may not be read; check its permissions"


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (20_000, 6_711, "has 20000 x 6711 pixels, over the limit of 134,217,728"),  # Pillow would only warn
        (65_536, 1, "65536 x 1 pixels, over the limit of 134,217,728 (and 65,535 a side)"),
        (50_000, 50_000, "pixels, over the limit of 134,217,728"),
        (2**31 - 1, 2**31 - 1, "pixels, over the limit of 134,217,728"),
    ],
)
def test_too_many_pixels_are_refused_before_they_are_decoded(
    tmp_path: Path, width: int, height: int, expected: str
) -> None:
    assert expected in reason(stored(tmp_path, png(width, height, 8, 0, b"")))


def test_a_file_larger_than_any_picture_is_not_opened(tmp_path: Path) -> None:
    path = stored(tmp_path, b"RIFF\xff\xff\xff\xffWEBP")
    os.truncate(path, images.MAX_BYTES + 1)  # sparse: takes no space
    assert "more than any picture" in reason(path)


def test_a_very_wide_strip_is_a_picture(tmp_path: Path) -> None:
    image = read_image(stored(tmp_path, encoded(Image.new("RGB", (20_000, 1), "red"), "PNG")))
    for fit in ("stretch", "pad"):
        picture = Preprocessing(size=32, fit=fit).apply(image)
        assert picture.pixels.shape == (3, 32, 32)
        assert picture.height == (1 if fit == "pad" else 32)


@pytest.mark.parametrize(
    "error", [SyntaxError("odd"), struct.error("odd"), OverflowError(), MemoryError(), KeyError(7)]
)
def test_whatever_pillow_raises_is_the_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(Image, "open", lambda *_, **__: (_ for _ in ()).throw(error))
    expected = "memory" if isinstance(error, MemoryError) else "is broken or cut off: "
    assert expected in reason(stored(tmp_path, encoded(scene(), "PNG")))


def test_an_interruption_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        read_image(stored(tmp_path, encoded(scene(), "PNG")))


def test_the_error_survives_the_way_out_of_a_worker() -> None:
    error = pickle.loads(pickle.dumps(ImageError(Path("a\nb  c.jpg"), "is\nempty")))
    assert isinstance(error, ImageError)
    assert isinstance(error, UserError)
    assert (error.path, error.reason, str(error)) == (Path("a\nb  c.jpg"), "is\nempty", "a b  c.jpg: is empty")


SEEDS = [
    encoded(Image.fromarray(NOISE), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"),
    encoded(Image.fromarray(NOISE), "JPEG", progressive=True),
    encoded(Image.fromarray(NOISE).convert("CMYK"), "JPEG"),
    encoded(Image.fromarray(NOISE), "PNG"),
    encoded(Image.fromarray(NOISE).quantize(8), "PNG", transparency=b"\0\x80\xff"),
    png(2, 2, 16, 0, b"\0abcd\0efgh", (b"tRNS", b"ab")),
    encoded(Image.fromarray(NOISE), "WEBP"),
    encoded(Image.fromarray(NOISE), "WEBP", save_all=True, append_images=[scene().resize((8, 6))]),
    encoded(Image.fromarray(NOISE), "GIF"),
    encoded(Image.fromarray(NOISE), "BMP"),
    encoded(Image.fromarray(NOISE).quantize(8), "BMP"),
    encoded(Image.fromarray(NOISE), "TIFF"),
    encoded(Image.fromarray(NOISE), "TIFF", compression="tiff_lzw"),
    encoded(Image.fromarray(NOISE), "TIFF", compression="jpeg"),
    encoded(Image.fromarray(NOISE[:, :, 0].astype(np.float32)), "TIFF"),
    encoded(Image.fromarray(NOISE[:, :, 0].astype(np.int32)), "TIFF"),
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A small sound file of which some bytes are changed, and perhaps some are missing or repeated."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    if draw(st.booleans()):
        start, stop = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        data[start:stop] = draw(st.sampled_from([b"", bytes(data[start:stop]) * 2]))
    return bytes(data)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damaged())
def test_a_damaged_file_is_an_rgb_picture_or_an_image_error(tmp_path: Path, data: bytes) -> None:
    path = stored(tmp_path, data)
    try:
        image = read_image(path)
    except ImageError:
        reason(path)  # one line, and the same when it is asked again
    else:
        assert image.mode == "RGB"
        assert Preprocessing(size=8).apply(image).pixels.shape == (3, 8, 8)


def test_pillow_says_nothing_on_standard_error(tmp_path: Path) -> None:
    bomb = stored(tmp_path, png(20_000, 5_000, 8, 0, b""), "bomb.png")  # of the size that Pillow warns of
    lzw, jpeg = (bytearray(encoded(scene(), "TIFF", compression=name)) for name in ("tiff_lzw", "jpeg"))
    lzw[8:30] = jpeg[8:200] = b"\xff" * 22  # libtiff's own complaints, past Pillow
    exif = encoded(scene(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x02\0\x0f\x01\x02\0\xff\0\0\0\xff\xff\0\0")
    levels = encoded(Image.new("P", (2, 2)), "PNG", transparency=b"\0\1")
    three, many = (struct.pack("<HHII", 277, 3, 1, channels) for channels in (3, 99))
    channels = encoded(scene(), "TIFF").replace(three, many)  # Pillow logs this error
    files = [lzw, jpeg, exif, levels, channels]
    paths = [bomb, *(stored(tmp_path, bytes(data), str(i)) for i, data in enumerate(files))]
    program = (
        "import sys; from pathlib import Path; from s2s.vision.images import ImageError, read_image\n"
        "from s2s.cli.process import prepare_process; prepare_process()\n"
        "for name in sys.argv[1:]:\n"
        "    try: read_image(Path(name))\n"
        "    except ImageError as error: print(error)\n"
        "print('heard', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *map(str, paths)], capture_output=True, text=True, check=True)
    assert done.stderr == "heard\n"
    assert str(bomb) in done.stdout


# Squares


def test_a_picture_of_the_right_size_passes_untouched() -> None:
    image = Image.fromarray(NOISE[:, :6])
    for fit in ("stretch", "pad"):
        picture = Preprocessing(size=6, fit=fit).apply(image)
        assert picture.pixels.dtype == np.uint8
        assert (picture.pixels.transpose(1, 2, 0) == NOISE[:, :6]).all()
        assert (picture.width, picture.height) == (6, 6)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 24))
def test_padding_keeps_the_shape_and_stretching_does_not(width: int, height: int, size: int) -> None:
    image = Image.new("RGB", (width, height), "red")
    stretched = Preprocessing(size=size).apply(image)
    assert (stretched.width, stretched.height) == (size, size)
    padded = Preprocessing(size=size, fit="pad").apply(image)
    assert max(padded.width, padded.height) == size
    assert padded.width * height == pytest.approx(padded.height * width, abs=max(width, height) * 0.51 + 1e-9) or (
        min(padded.width, padded.height) == 1
    )
    for picture, inside in ((stretched, (size, size)), (padded, (padded.height, padded.width))):
        assert picture.pixels.shape == (3, size, size)
        red = (picture.pixels == np.array([255, 0, 0]).reshape(3, 1, 1)).all(0)
        assert red[: inside[0], : inside[1]].all()
        assert int(red.sum()) == inside[0] * inside[1]


def test_shrinking_is_antialiased() -> None:
    stripes = Image.fromarray(np.tile(np.array([[0], [255]], dtype=np.uint8), (64, 128))).convert("RGB")
    pixels = Preprocessing(size=16).apply(stripes).pixels.astype(float)
    assert np.abs(pixels[:, 2:-2] - 127.5).max() < 8


def test_the_photographs_of_coco_are_read(shared_data: Path) -> None:
    for path in sorted((shared_data / "coco" / "val2017").iterdir())[:8]:
        image = read_image(path)
        assert image.mode == "RGB"
        assert Preprocessing().apply(image).pixels.std() > 5


@pytest.mark.parametrize(
    ("mode", "format"),
    [(mode, "PNG") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")]
    + [(mode, "TIFF") for mode in ("I", "F", "CMYK", "RGBA")]
    + [("RGB", "JPEG"), ("CMYK", "JPEG"), ("P", "GIF"), ("RGBA", "WEBP")],
)
def test_an_image_in_memory_is_converted_as_its_file_is(tmp_path: Path, mode: str, format: str) -> None:
    levels = np.asarray(scene().convert("L"))
    if mode in ("I;16", "I", "F"):
        image = Image.fromarray(
            (levels.astype(np.uint16) * 257) if mode == "I;16" else levels.astype(mode.lower() + "4")
        )
    else:
        image = scene().convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = stored(tmp_path, encoded(image, format, **({} if format == "GIF" else {"exif": exif})))
    expected = read_image(path)
    assert expected.size == ((48, 32) if format == "GIF" else (32, 48))
    # Not by its path: Pillow 13.0 maps some TIFF files into memory, and turns them wrongly.
    with path.open("rb") as file, Image.open(file) as lazy:
        found = convert_image(lazy, "picture 1")
        again = convert_image(lazy, "picture 1")
    assert found.tobytes() == again.tobytes() == expected.tobytes()
    assert (found.mode, found.size, found.info) == ("RGB", expected.size, {})


@pytest.mark.parametrize("mode", ["YCbCr", "LAB", "HSV", "PA", "RGBX", "RGBa", "La", "I;16B"])
def test_modes_that_no_file_has_are_converted_too(mode: str) -> None:
    assert convert_image(Image.new(mode, (5, 4)), "picture 1").mode == "RGB"


def test_an_image_in_memory_stays_as_it_was() -> None:
    image = scene()
    found = convert_image(image, "picture 1")
    found.putpixel((0, 0), (1, 2, 3))
    assert image.tobytes() == scene().tobytes()


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[0, 51, 255]], np.uint8)[:, :, None], [0, 51, 255]),
        (np.array([[0, 13107, 65535]], np.uint16), [0, 51, 255]),
        (np.array([[0, 257]], np.uint16), [0, 1]),
        (np.array([[0, 0.2, 1]]), [0, 51, 255]),
        (np.array([[0, 51, 255]], np.float32), [0, 51, 255]),
        (np.array([[-1, 0, 1]], np.float32), [0, 128, 255]),
        (np.array([[False, True]]), [0, 255]),
        (np.array([[0, 51, 255]], np.int64), [0, 51, 255]),
        (np.array([[[200, 255], [0, 255]]], np.uint8), [200, 0]),  # grey and alpha
        (np.array([[[0.2] * 3, [1.0] * 3]]), [51, 255]),
    ],
)
def test_an_array_of_any_numbers_is_scaled_to_eight_bits(array: np.ndarray, expected: list[int]) -> None:
    assert np.asarray(convert_image(array, "picture 1"))[0, :, 0].tolist() == expected


@pytest.mark.parametrize("channels", [0, 3, 4])
def test_an_array_is_grey_rgb_or_rgb_with_alpha(channels: int) -> None:
    array = np.full((2, 3, channels) if channels else (2, 3), 7, np.uint8)[::-1, ::-1]  # not contiguous
    found = convert_image(array, "picture 1")
    assert (found.mode, found.size) == ("RGB", (3, 2))
    assert pixel(found)[0] == (248 if channels == 4 else 7)  # nearly transparent, over white


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros((2, 3, 3), "datetime64[s]"), "datetime64[s] 2 x 3 x 3"),
        (np.zeros((2, 3, 5), np.uint8), "uint8 2 x 3 x 5"),
        (np.zeros((3, 2, 3, 3), np.uint8), "uint8 3 x 2 x 3 x 3"),
        (np.zeros((0, 3, 3), np.uint8), "uint8 0 x 3 x 3"),
        (np.zeros(3, np.uint8), "uint8 3"),
    ],
)
def test_another_array_is_a_mistake_and_not_a_broken_picture(array: np.ndarray, told: str) -> None:
    with pytest.raises(UserError) as caught:
        convert_image(array, "picture 1")
    assert not isinstance(caught.value, ImageError)
    expected = "it must be of numbers, (height, width) or (height, width, 1 to 4)"
    assert str(caught.value) == f"picture 1: is an array of {told}; {expected}"


def test_an_image_in_memory_may_be_too_large_or_broken_or_empty(tmp_path: Path) -> None:
    for image, expected in [
        (Image.new("L", (images.MAX_SIDE + 1, 1)), "has 65536 x 1 pixels"),
        (Image.new("RGB", (0, 5)), "has no pixels"),
        (Image.open(stored(tmp_path, encoded(scene(), "PNG")[:100])), "is broken or cut off"),
    ]:
        with pytest.raises(ImageError) as caught:
            convert_image(image, "picture 1")
        assert caught.value.reason.startswith(expected)

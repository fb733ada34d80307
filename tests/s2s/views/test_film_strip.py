"""A film as one picture: rows of frames, a colour for each label."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from s2s.views.film_strip import MOST, film_strip


def test_frames_stand_in_rows_over_the_colour_of_their_label(tmp_path: Path) -> None:
    Image.new("RGB", (30, 60), "red").save(tmp_path / "tall.png")
    strip = film_strip([(tmp_path / "tall.png", "one" if i % 2 else "two", 0.5) for i in range(12)])
    rows = [[strip.getpixel((8 + column * 104 + 48, y)) for column in range(10)] for y in (8 + 48, 8 + 96 + 4)]
    assert set(rows[0]) == {(255, 0, 0)}
    assert rows[1][0] == rows[1][2] != rows[1][1] == rows[1][3]
    assert strip.getpixel((8 + 2, 8 + 48)) == (255, 255, 255)  # the frame keeps its shape
    assert strip.height > 2 * 96


def test_a_long_film_is_cut(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    frames = [(tmp_path / "a.png", "one", 1.0)]
    assert film_strip(frames * (MOST + 1)).size == film_strip(frames * MOST).size

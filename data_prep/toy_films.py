"""Write toy films: a shape enters, turns and leaves, with a label for every frame.

    s2s prepare toy-films --output data/toy-films

writes the folders `train`, `val` and `test`. In each there is a folder for each film, such as

    train/001/frame1.png ...    pictures of 64 x 64 pixels
    train/001/labels.txt        a label a line: empty, enters, turns, leaves

A shape comes in from a side, turns in the middle, and goes out at a side, each time in a few frames. The pictures of a
film in reverse could be those of another film, in which it leaves where it entered here: a single picture does not say
which of the two it shows. The films depend on the seed only.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

from PIL import Image, ImageDraw

from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.errors import check, counted
from s2s.files import atomic_directory

FILMS: Mapping[str, int] = {"train": 200, "val": 40, "test": 100}
SIDE = 64  # pixels of a frame
_FINE = 4  # a shape is drawn so many times as large, and then made smaller
_RADIUS = 0.22  # of a shape, as a share of the side of a frame
_NEAREST, _FARTHEST = 0.1, 0.5  # from the middle of a shape that enters or leaves to that of the frame, likewise

# Corners of shapes in polar coordinates: the angle as a share of a whole turn, and the distance from the middle.
SHAPES: Mapping[str, tuple[tuple[float, float], ...]] = {
    "triangle": ((0, 1), (0.375, 0.8), (0.625, 0.8)),
    "square": ((0.125, 1), (0.375, 1), (0.625, 1), (0.875, 1)),
    "bar": ((0.06, 1), (0.44, 1), (0.56, 1), (0.94, 1)),
    "arrow": ((0, 1), (0.375, 1), (0.5, 0.2), (0.625, 1)),
}
COLOURS = ("firebrick", "darkorange", "gold", "seagreen", "steelblue", "indigo", "hotpink", "black")
BACKGROUNDS = ("white", "lightgrey", "lavender", "beige", "honeydew", "mistyrose")


@dataclass(frozen=True)
class Pose:
    """Where the shape is in a frame, and what the frame is called.

    Attributes:
        label: of the frame
        distance: from the middle of the frame, as a share of its side
        side: the direction in which it is away from the middle, as a share of a whole turn
        turn: of the shape, as a share of a whole turn
    """

    label: str
    distance: float
    side: float
    turn: float


class Draw:
    """Random numbers by `random.random` alone, which no version of Python may change."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self._random.random() * limit)

    def share(self) -> float:
        """A number from 0 to 1."""
        return self._random.random()


def poses(draw: Draw) -> list[Pose]:
    """The frames of a film, of which the one in reverse is as likely."""
    begin, end = draw.share(), draw.share()  # how the shape is turned before and after
    paths = []
    for turn in (begin, end):
        frames, side, offset = 3 + draw.below(3), draw.below(4) / 4, draw.share()
        distances = [_NEAREST + (_FARTHEST - _NEAREST) * (i + offset) / frames for i in range(frames)]
        paths.append([Pose("", distance, side, turn) for distance in distances])
    turning = 3 + draw.below(3)
    angles = [begin + (end - begin) * (i + 0.5) / turning for i in range(turning)]
    pauses = [list(repeat(Pose("empty", 2.0, 0.0, 0.0), draw.below(4))) for _ in range(2)]
    entering = [Pose("enters", pose.distance, pose.side, pose.turn) for pose in reversed(paths[0])]
    leaving = [Pose("leaves", pose.distance, pose.side, pose.turn) for pose in paths[1]]
    turns = [Pose("turns", 0.0, 0.0, angle) for angle in angles]
    return list(chain(pauses[0], entering, turns, leaving, pauses[1]))


def picture(shape: str, colour: str, background: str, pose: Pose) -> Image.Image:
    """A frame."""
    size = SIDE * _FINE
    image = Image.new("RGB", (size, size), background)
    away = 2 * math.pi * pose.side
    middle = 0.5 + pose.distance * math.cos(away), 0.5 + pose.distance * math.sin(away)
    corners = [
        tuple(size * (at + _RADIUS * length * part) for at, part in zip(middle, _direction(angle + pose.turn)))
        for angle, length in SHAPES[shape]
    ]
    ImageDraw.Draw(image).polygon(corners, fill=colour)
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)


def _direction(turn: float) -> tuple[float, float]:
    return math.cos(2 * math.pi * turn), math.sin(2 * math.pi * turn)


def films(draw: Draw, count: int) -> Iterator[list[tuple[Image.Image, str]]]:
    """So many films: of each its frames with their labels."""
    names = list(SHAPES)
    for _ in range(count):
        shape = names[draw.below(len(names))]
        colour, background = COLOURS[draw.below(len(COLOURS))], BACKGROUNDS[draw.below(len(BACKGROUNDS))]
        yield [(picture(shape, colour, background, pose), pose.label) for pose in poses(draw)]


def write_film(folder: Path, film: list[tuple[Image.Image, str]]) -> None:
    """Write the frames and the labels of a film into a new folder."""
    folder.mkdir()
    for number, (image, _) in enumerate(film, 1):
        image.save(folder / f"frame{number}.png")
    labels = "".join(f"{label}\n" for _, label in film)
    (folder / "labels.txt").write_text(labels, encoding="utf-8", newline="\n")


def toy_films(arguments: list[str]) -> int:
    """Write the films into the folder that the arguments name; return the exit code."""
    parser = Parser(description="Write films of a shape that enters, turns and leaves, with a label for every frame.")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument("--seed", type=int, default=1, help="random seed (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="replace its folders train, val and test")
    options: argparse.Namespace = parser.parse_args(arguments)
    for split in FILMS:
        path = options.output / split
        check(options.force or not path.exists(), f"{path}: already exists; choose another folder, or say --force")
    options.output.mkdir(parents=True, exist_ok=True)
    draw = Draw(options.seed)
    for split, count in FILMS.items():
        frames = 0
        with atomic_directory(options.output / split, durable=False) as aside:
            for number, film in enumerate(films(draw, count), 1):
                write_film(aside / f"{number:03}", film)
                frames += len(film)
        print(options.output / split)
        print(f"{split}: {counted(count, 'film')} of {counted(frames, 'frame')}", file=sys.stderr)
    return 0


def main() -> int:
    """Entry point."""
    return command.run(toy_films)


if __name__ == "__main__":
    sys.exit(main())

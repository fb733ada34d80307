"""Write toy questions about pictures of two colours, side by side.

    s2s prepare toy-questions --output data/toy-questions

writes pictures of 32 x 32 pixels, `train.jsonl` and `test.jsonl`. A question such as "What colour is on the left?" has
one answer per picture, and the question alone does not say which: a blind answerer is right in one of as many questions
as there are colours. The colours of the test pictures are a little lighter or darker than those of training.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Mapping
from itertools import permutations
from pathlib import Path

from PIL import Image

from s2s.cli import command
from s2s.cli.arguments import Parser
from s2s.files import atomic_file, check_output

COLOURS: Mapping[str, tuple[int, int, int]] = {
    "red": (200, 40, 40),
    "green": (40, 170, 60),
    "blue": (50, 70, 200),
    "yellow": (220, 200, 50),
    "white": (230, 230, 230),
    "black": (25, 25, 25),
}
COPIES: Mapping[str, int] = {"train": 8, "test": 2}  # pictures of each pair of colours
SIZE = 32  # pixels a side
_SPREAD = 20  # by how much a colour may differ


def questions(left: str, right: str) -> Iterator[tuple[str, str, str]]:
    """Question, answer and kind, about a picture with these colours."""
    for side, colour in (("left", left), ("right", right)):
        yield f"What colour is on the {side}?", colour, "colour"
    for colour, side in ((left, "left"), (right, "right")):
        yield f"Where is the {colour} part?", side, "side"


def draw(left: str, right: str, generator: random.Random) -> Image.Image:
    """A picture whose halves have these colours, nearly."""
    image = Image.new("RGB", (SIZE, SIZE), _near(left, generator))
    image.paste(_near(right, generator), (SIZE // 2, 0, SIZE, SIZE))
    return image


def _near(colour: str, generator: random.Random) -> tuple[int, int, int]:
    red, green, blue = (value + int(_SPREAD * (2 * generator.random() - 1)) for value in COLOURS[colour])
    return red, green, blue


def toy_questions(arguments: list[str]) -> int:
    """Write the files into the folder that the arguments name; return the exit code."""
    parser = Parser(description="Write questions about pictures of two colours, side by side, with their answers.")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder to write to")
    parser.add_argument("--force", action="store_true", help="overwrite existing files")
    options = parser.parse_args(arguments)
    (options.output / "images").mkdir(parents=True, exist_ok=True)
    for split in COPIES:
        check_output(options.output / f"{split}.jsonl", force=options.force)
    for split, copies in COPIES.items():
        generator, rows = random.Random(split), []
        for left, right in permutations(COLOURS, 2):
            for copy in range(copies):
                name = f"images/{split}-{left}-{right}-{copy}.png"
                draw(left, right, generator).save(options.output / name)  # the same at each call; the list comes last
                rows += [
                    {"image": name, "question": question, "answer": answer, "kind": kind}
                    for question, answer, kind in questions(left, right)
                ]
        path = options.output / f"{split}.jsonl"
        with atomic_file(path) as aside:
            aside.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8", newline="\n")
        print(path)
        print(f"{path}: {len(rows):,} questions", file=sys.stderr)
    return 0


def main() -> int:
    """Entry point."""
    return command.run(toy_questions)


if __name__ == "__main__":
    sys.exit(main())

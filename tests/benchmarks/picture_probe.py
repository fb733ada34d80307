"""Does the picture help? Words of the source are hidden, and right, wrong and missing pictures are compared.

    python -m tests.benchmarks.picture_probe prepare --text data/multi30k --output data/probe
    s2s train translation translation/recipes/multi30k-pictures.toml --run runs/pictures PROBE
    python -m tests.benchmarks.picture_probe score --data data/probe --images FOLDER runs/pictures/best runs/text/best

PROBE stands for the settings that `prepare` prints: they name the files of data/probe. A model without pictures is
trained by multi30k-en-de.toml with the settings of `data`. After Caglayan et al. (2019), "Probing the need for visual
context in multimodal machine translation": colours, nouns or the last words of the source are replaced by one sign. All
sets hold the pairs of Multi30k that have their photograph; the training text has each pair four times, as it is and
with each kind of words hidden.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

HIDDEN = "xx"
COLOURS = frozenset(
    {
        *("black", "white", "red", "green", "blue", "yellow", "orange", "brown"),
        *("gray", "grey", "pink", "purple", "tan", "gold", "golden", "silver"),
        *("beige", "blond", "blonde", "maroon", "turquoise", "teal"),
    }
)
LAST = 3  # words at the end of a sentence that are hidden
SETS = ("train", "val", "test_2016_flickr")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def hide(line: str, hidden: Sequence[bool]) -> str:
    """The line with the words replaced that are hidden."""
    each = iter(hidden)
    return _WORD.sub(lambda word: HIDDEN if next(each) else word[0], line)


def words_of(line: str) -> list[str]:
    """The words that can be hidden."""
    return _WORD.findall(line)


def colours_hidden(lines: Sequence[str]) -> list[str]:
    """Without the names of colours."""
    return [hide(line, [word.lower() in COLOURS for word in words_of(line)]) for line in lines]


def end_hidden(lines: Sequence[str]) -> list[str]:
    """Without the last `LAST` words."""
    counts = [len(words_of(line)) for line in lines]
    return [hide(line, [i >= count - LAST for i in range(count)]) for line, count in zip(lines, counts)]


def nouns_hidden(lines: Sequence[str]) -> list[str]:
    """Without the nouns, by the bundled tagger."""
    from labelling.tagger import Tagger

    tagged = Tagger.load().tag([words_of(line) or ["."] for line in lines])
    return [hide(line, [label == "NOUN" for label in each.labels]) for line, each in zip(lines, tagged)]


KINDS: Mapping[str, Callable[[Sequence[str]], list[str]]] = {
    "none": list,
    "colours": colours_hidden,
    "nouns": nouns_hidden,
    "end": end_hidden,
}


def prepare(text: Path, output: Path) -> None:
    """Write the pairs that have a photograph, with each kind of words hidden, and print the settings of a training."""
    output.mkdir(parents=True, exist_ok=True)
    for name in SETS:
        endings = ("en", "de", "images")
        columns = [(text / f"{name}.{ending}").read_text(encoding="utf-8").split("\n")[:-1] for ending in endings]
        rows = [row for row in zip(*columns) if row[2]]
        source, target, images = ([row[i] for row in rows] for i in range(3))
        for kind, hide_words in KINDS.items():
            _write(output / f"{name}.{kind}.en", hide_words(source))
        _write(output / f"{name}.de", target)
        _write(output / f"{name}.images", images)
    settings = {
        "data.train_source": [f"{output}/train.{kind}.en" for kind in KINDS],
        "data.train_target": [f"{output}/train.de"] * len(KINDS),
        "data.validation_source": f"{output}/val.nouns.en",
        "data.validation_target": f"{output}/val.de",
        "cleaning.keep_duplicates": "true",
        "picture.train": [f"{output}/train.images"] * len(KINDS),
        "picture.validation": f"{output}/val.images",
    }
    for key, value in settings.items():
        shown = f'"{value}"' if isinstance(value, str) and value != "true" else str(value).replace("'", '"')
        print(f"--set '{key}={shown}'")


def score(data: Path, folder: Path, models: Sequence[Path]) -> None:
    """Print a row for each model and kind: BLEU with the right picture, with another line's, and without one."""
    from translation.metrics import bleu
    from translation.translator import Translator

    print("| model | hidden | right picture | wrong picture | no picture |\n|---|---|---|---|---|")
    references = (data / "test_2016_flickr.de").read_text(encoding="utf-8").splitlines()
    names = (data / "test_2016_flickr.images").read_text(encoding="utf-8").splitlines()
    for model in models:
        translator = Translator.load(model)
        seen = [translator.look(folder / name) for name in names] if translator.engine.look else None
        for kind in KINDS:
            lines = (data / f"test_2016_flickr.{kind}.en").read_text(encoding="utf-8").splitlines()
            cells = []
            for pictures in [seen, [*seen[7:], *seen[:7]], None] if seen else [None]:
                found = [each.text for each in translator.translate(lines, pictures=pictures)]
                cells.append(f"{bleu(found, [references], 'de').value:.2f}")
            print(f"| {model} | {kind} | {' | '.join(cells if seen else ['', '', *cells])} |", flush=True)


def _write(path: Path, lines: Sequence[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    making, scoring = commands.add_parser("prepare"), commands.add_parser("score")
    making.add_argument("--text", type=Path, required=True, help="the folder of Multi30k with its lists of pictures")
    making.add_argument("--output", type=Path, required=True)
    scoring.add_argument("--data", type=Path, required=True, help="what `prepare` wrote")
    scoring.add_argument("--images", type=Path, required=True, help="the folder of the photographs")
    scoring.add_argument("models", type=Path, nargs="+")
    options = parser.parse_args()
    if options.command == "prepare":
        prepare(options.text, options.output)
    else:
        score(options.data, options.images, options.models)
    return 0


if __name__ == "__main__":
    sys.exit(main())
